"""Use cases: one function is one transaction.

``recording`` writes, ``asking`` reads, ``checking`` proves that what is stored is what it must be.
Nothing here knows HTTP or a terminal; whoever calls turns the errors of the domain and of
``errors`` into a status or an exit code.
"""
