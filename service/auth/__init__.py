"""Keys and roles: who may read, who may record.

A key is ``alk_<id>_<secret>``. The id is public: it is what the log remembers as ``recorded_by``.
Of the secret only a hash is kept, so whoever reads the database cannot use it.
"""
