"""Read models, made from the log alone and disposable.

They are applied in the append's own transaction, so nobody sees an event without its effect. Every
row belongs to a *generation*; ``projection`` points at the live one. A rebuild writes another
generation beside it and flips the pointer.

Nothing here decides access: ``statements`` finds the texts and measurements that may touch a cell,
and the rule decides over them.
"""
