"""Use cases: one function is one transaction.

``recording`` writes, and ``preview`` tells what writing would change. ``asking`` reads;
``comparing``, ``gating``, ``following`` and ``auditing`` read from other sides. ``checking``,
``readiness`` and ``diagnosing`` look whether all is well. ``exports``, ``transfer`` and ``backup``
carry a log elsewhere.

Nothing here knows HTTP or a terminal; whoever calls turns the errors of the domain and of
``errors`` into a status or an exit code.
"""
