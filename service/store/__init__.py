"""The store: tables, connections, the log and its tree. Rows in, rows out; it decides nothing.

SQLAlchemy Core tables and plain functions that take a `Connection`, for SQLite and PostgreSQL
alike. `engine.connect` gives the `Database`, `schema` creates and checks the tables, `events` is
the log.
"""
