"""Evidence: the bytes that are hashed, and the Merkle tree over them.

Pure: no clock, no disk, no database. What is computed here can be computed again by anybody who
holds the log, with tools that are not ours.
"""
