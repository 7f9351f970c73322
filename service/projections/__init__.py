"""Read models, made from the log alone and disposable.

They are applied in the append's own transaction, so nobody sees an event without its effect. Every
row belongs to a *generation*; ``projection`` points at the live one. A rebuild writes another
generation beside it and flips the pointer.

Nothing here decides access: it finds the texts and measurements that may touch a cell, and the rule
decides over them. ``writing`` and ``segments`` make the rows, ``statements`` reads all that is said
of a place, ``around`` what can matter there on a day, and ``known`` puts worlds together.
"""
