"""The functional core: no clock, no disk, no network, no framework.

Events go in, an answer comes out: ``history`` applies corrections, ``fold`` turns a policy into
dated texts, ``resolution`` decides a cell at a moment, ``timeline`` and ``pending`` look
before and after it, ``answers`` puts together what a reader is told. ``admission`` says whether
an event may be recorded at all.
"""
