"""accessline: an event-sourced timeline of who may use which AI service, where, since when and why.

The house, top floor first; imports only go down this list, and the test run holds them to it:

    cli/          console script: prints, decides nothing
    app.py        composition root: create_app(settings, clock=…), with the signer
    middleware/   around every request: its id, log, headers, metrics; answers that are kept
    api/          HTTP and JSON: parses, calls a use case, answers
    web/          the pages, for people: served by the same process, without a build step
    schemas/      what others send: strict JSON and forms to events, each fault where it stands
    feeds/        what others subscribe to, Atom and iCalendar: pure functions to bytes
    application/  use cases: record, ask, audit, sign, prove; one function is one transaction
    auth/         keys and roles
    projections/  read models, disposable: rebuilt from the log alone
    store/        the log: tables, engines, events, tree
    domain/       pure: events, times, scope, fold, THE rule, timeline
    evidence/     pure: canonical bytes, the Merkle tree, proofs, signed checkpoints, verification
    settings.py   the one reader of the environment; logs.py beside it

Glossary. An *event* is an immutable fact; the *log* is all of them in one gapless order of
*positions*. A *stream* is the events of one subject. A *policy* is what one *authority* decided; a
*directive* is one effect of it on one *scope*. A *cell* is one provider, service, region and
audience. *Effective* time is when something holds in the world (asked with ``as_of``); *recorded*
time is when the log learned of it (asked with ``known_at``). A *checkpoint* says how large the log
was and what root its tree had, signed; an *inclusion proof* shows that an event is in it, a
*consistency proof* that a later log continues an earlier one.

Next: service/domain/events.py, what can happen.
"""

__version__ = "0.1.0"
