"""What changed, what is to come, and the trail of a policy, as the plain data of the contract.

As ``rendering`` does, and for its readers: every function takes what a use case returned.
"""

from collections.abc import Iterable
from typing import Final

from service.api import tables
from service.api.rendering import EVENT_COLUMNS, Json, event
from service.application.auditing import Entry, Trail
from service.application.comparing import Difference, Differences, Revision
from service.application.following import Agenda, ChangeMade, ChangesMade, Upcoming
from service.application.gating import Checked, Checks
from service.domain.answers import KnownAt, Question
from service.domain.codec import event_to

CHECKED_FIELDS: Final = tables.columns_of(Checked)
DIFFERENCE_COLUMNS: Final = tables.columns_of(Difference)
REVISION_COLUMNS: Final = tables.columns_of(Revision)
UPCOMING_COLUMNS: Final = (
    "on",
    "kind",
    "policy",
    "key",
    "title",
    "authority",
    "effect",
    "conditions",
    "enforced",
    "effective_from",
    "effective_until",
    "announced_on",
    "scope",
    "events",
    "sources",
)
CHANGE_COLUMNS: Final = ("cause", *EVENT_COLUMNS)
ENTRY_COLUMNS: Final = ("standing", "corrects", "corrected_by", "stands", *EVENT_COLUMNS)


def differences(found: Differences, shown: Iterable[Difference], following: str | None) -> Json:
    """Return a part of what differs; both ends of both times are named."""
    since, until = found.as_of
    known_since, known_until = found.known_at
    return {
        "as_of": {"from": since, "until": until},
        "known_at": {"from": known_since, "until": known_until},
        "rule": found.rule,
        "items": tuple(shown),
        "next": following,
    }


def revisions(question: Question, rule: int, known_at: KnownAt, items: Iterable[Revision]) -> Json:
    """Return the positions at which an answer changed, from the first to the last."""
    return {
        "provider": question.provider,
        "region": question.region,
        "audience": question.audience,
        "as_of": question.as_of,
        "known_at": known_at,
        "rule": rule,
        "items": tuple(items),
    }


def checks(found: Checks) -> Json:
    """Return the answers to many cells, in their order; ``problem`` only where there is one."""
    return {
        "as_of": found.as_of,
        "known_at": found.known_at,
        "rule": found.rule,
        "items": [
            {
                name: value
                for name in CHECKED_FIELDS
                if (value := getattr(one, name)) is not None or name != "problem"
            }
            for one in found.items
        ],
    }


def agenda(found: Agenda, shown: Iterable[Upcoming], following: str | None) -> Json:
    """Return a part of what is to come, dated first."""
    return {
        "from": found.since,
        "until": found.until,
        "known_at": found.known_at,
        "items": [upcoming(one) for one in shown],
        "next": following,
    }


def upcoming(one: Upcoming) -> Json:
    """Return one change to come."""
    named = {"on": one.on, "title": one.title, "scope": one.scope}
    return {
        name: named[name] if name in named else getattr(one.change, name)
        for name in UPCOMING_COLUMNS
    }


def changes(found: ChangesMade, following: str | None) -> Json:
    """Return a part of what changed answers, newest first."""
    return {
        "known_at": found.known_at,
        "items": [change(one) for one in found.items],
        "next": following,
    }


def change(one: ChangeMade) -> Json:
    """Return an event that changed answers."""
    return {"cause": one.cause, **event(one.recorded)}


def trail(found: Trail, shown: Iterable[Entry], following: str | None) -> Json:
    """Return a part of a policy's trail, in position order."""
    return {
        "policy": found.slug,
        "known_at": found.known_at,
        "items": [entry(one) for one in shown],
        "next": following,
    }


def entry(one: Entry) -> Json:
    """Return an event of a trail with what became of it."""
    return {
        "standing": one.stands is not None,
        "corrects": one.corrects,
        "corrected_by": one.corrected_by,
        "stands": None if one.stands is None else event_to(one.stands),
        **event(one.recorded),
    }
