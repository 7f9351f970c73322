"""The forms for common events: which fields they have, and what stands beside them.

What a form cannot say, the form for JSON can: it takes what the API takes. ``fields`` reads them.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from service.domain.events import (
    Confidence,
    CorrectionAction,
    Effect,
    Instrument,
    SourceKind,
)
from service.web.fields import JSON, Field, Form, Group, Kind

_ANY: Final = "Left out: all of them."

_POLICY: Final = Field(
    name="stream",
    label="Policy",
    path=("stream",),
    kind=Kind.POLICY,
    required=True,
    hint="Its slug, such as openai-unsupported-regions-2024. A new policy gets a new one.",
)
_AUTHORITY: Final = Field(
    name="authority",
    label="Authority",
    path=("authority",),
    listed="authorities",
    required=True,
    hint="Who decided, by its id, such as openai.",
)
_OCCURRED: Final = Field(
    name="occurred_on",
    label="Occurred on",
    path=("occurred_on",),
    required=True,
    hint="When it was decided or announced: 2024-06-24; 2024-06 where only the month is known.",
)
_TODAY: Final = replace(_OCCURRED, hint="The day on which we did it, in UTC: usually today.")
_TITLE: Final = Field(name="title", label="Title", path=("title",), required=True)
_SUMMARY: Final = Field(
    name="summary", label="Summary", path=("summary",), kind=Kind.TEXT, hint="In your own words."
)
_CONFIDENCE: Final = Field(
    name="confidence",
    label="Confidence",
    path=("confidence",),
    kind=Kind.CHOICE,
    choices=tuple(Confidence),
    hint="How sure the record is of it.",
)
_INSTRUMENT: Final = Field(
    name="instrument",
    label="Instrument",
    path=("instrument",),
    kind=Kind.CHOICE,
    choices=tuple(Instrument),
    hint="The legal nature of the act.",
)


def _source(*path: str | int, required: bool) -> Group:
    return Group(
        title="Source",
        fields=(
            Field(
                name="source_url",
                label="Address",
                path=(*path, "url"),
                required=required,
                hint="The page that says so, beginning with https:// or http://.",
            ),
            Field(
                name="source_publisher",
                label="Publisher",
                path=(*path, "publisher"),
                required=required,
            ),
            Field(
                name="source_kind",
                label="Who speaks",
                path=(*path, "kind"),
                kind=Kind.CHOICE,
                choices=tuple(SourceKind),
                required=required,
            ),
            Field(
                name="source_published_on",
                label="Published on",
                path=(*path, "published_on"),
                hint="A day such as 2024-06-25.",
            ),
            Field(
                name="source_retrieved_on",
                label="Read on",
                path=(*path, "retrieved_on"),
            ),
            Field(name="source_archive_url", label="Archived at", path=(*path, "archive_url")),
        ),
    )


def _within(*path: str | int) -> Group:
    return Group(
        title="What it does, to whom, from when",
        fields=(
            Field(
                name="key",
                label="Key",
                path=(*path, "key"),
                required=True,
                hint="A name within the policy, such as api: later steps name it.",
            ),
            Field(
                name="effect",
                label="Effect",
                path=(*path, "effect"),
                kind=Kind.CHOICE,
                choices=tuple(Effect),
                required=True,
            ),
            Field(
                name="providers",
                label="Providers",
                path=(*path, "scope", "providers"),
                kind=Kind.WORDS,
                listed="providers",
                hint=f"Ids, with spaces between. {_ANY}",
            ),
            Field(
                name="services",
                label="Services",
                path=(*path, "scope", "services"),
                kind=Kind.WORDS,
                hint=f"Paths below one provider, such as api chatgpt/ios. {_ANY}",
            ),
            Field(
                name="regions",
                label="Regions",
                path=(*path, "scope", "regions"),
                kind=Kind.WORDS,
                hint=f"ISO codes or groups, such as CN US-TX EU. {_ANY}",
            ),
            Field(
                name="audiences",
                label="Audiences",
                path=(*path, "scope", "audiences"),
                kind=Kind.WORDS,
                hint="Such as government. Left out: everyone.",
            ),
            Field(
                name="effective_from",
                label="Effective from",
                path=(*path, "effective_from"),
                hint="The first day on which it holds. Left out: not dated yet.",
            ),
            Field(
                name="effective_until",
                label="Effective until",
                path=(*path, "effective_until"),
                hint="The first day on which it no longer holds. Left out: no end.",
            ),
            Field(
                name="conditions",
                label="Conditions",
                path=(*path, "conditions"),
                kind=Kind.LINES,
                hint="What a customer must meet, one on each line.",
            ),
            Field(
                name="enforced",
                label="It is acted on",
                path=(*path, "enforced"),
                kind=Kind.FLAG,
                usual="yes",
            ),
        ),
    )


FORMS: Final[Mapping[str, Form]] = {
    form.type: form
    for form in (
        Form(
            type="policy.adopted",
            title="A policy is adopted",
            about="Nothing more must pass: a law, an order, a provider's dated notice.",
            groups=(
                Group(
                    title="The decision",
                    fields=(
                        _POLICY,
                        _AUTHORITY,
                        _OCCURRED,
                        _TITLE,
                        _SUMMARY,
                        _INSTRUMENT,
                        _CONFIDENCE,
                    ),
                ),
                _within("data", "directives", 0),
                _source("sources", 0, required=True),
            ),
        ),
        Form(
            type="policy.repealed",
            title="A policy is repealed",
            about="It ends: repeal, expiry or annulment, the whole policy or some of its keys.",
            groups=(
                Group(
                    title="The decision",
                    fields=(
                        _POLICY,
                        _AUTHORITY,
                        _OCCURRED,
                        _TITLE,
                        _SUMMARY,
                        _INSTRUMENT,
                    ),
                ),
                Group(
                    title="What ends, and when",
                    fields=(
                        Field(
                            name="effective_from",
                            label="Effective from",
                            path=("data", "effective_from"),
                            required=True,
                            hint="The first day on which it no longer holds.",
                        ),
                        Field(
                            name="reason", label="Reason", path=("data", "reason"), required=True
                        ),
                        Field(
                            name="directives",
                            label="Keys",
                            path=("data", "directives"),
                            kind=Kind.WORDS,
                            hint=f"Keys of the directives that end. {_ANY}",
                        ),
                        Field(
                            name="ab_initio",
                            label="As if it never was, whatever the date",
                            path=("data", "ab_initio"),
                            kind=Kind.FLAG,
                        ),
                    ),
                ),
                _source("sources", 0, required=True),
            ),
        ),
        Form(
            type="record.reviewed",
            title="A policy was checked",
            about="Somebody looked, and it still holds. No answer changes, its coverage does.",
            groups=(
                Group(
                    title="The check",
                    fields=(
                        _POLICY,
                        _TODAY,
                        Field(
                            name="reviewed_on",
                            label="Reviewed on",
                            path=("data", "reviewed_on"),
                            required=True,
                            hint="The day on which somebody checked, such as 2026-11-22.",
                        ),
                        _SUMMARY,
                    ),
                ),
            ),
        ),
        Form(
            type="record.corrected",
            title="Our record is corrected",
            about=(
                "Mends what we recorded wrongly. A change in the world is an event of its own. What"
                " was recorded stays in the log, and answers as known before stay as they were."
            ),
            groups=(
                Group(
                    title="The correction",
                    fields=(
                        Field(
                            name="event",
                            label="Event",
                            path=("data", "event"),
                            required=True,
                            hint="The id of the event that is mended, as its page shows it.",
                        ),
                        Field(
                            name="action",
                            label="Action",
                            path=("data", "action"),
                            kind=Kind.CHOICE,
                            choices=tuple(CorrectionAction),
                            required=True,
                            hint="amend puts a whole event in its place, retract takes it back.",
                        ),
                        Field(
                            name="reason", label="Reason", path=("data", "reason"), required=True
                        ),
                        _TODAY,
                        Field(
                            name="replacement",
                            label="The event as it should read",
                            path=("data", "replacement"),
                            kind=Kind.JSON,
                            hint="The whole event as JSON; empty where it is taken back.",
                        ),
                    ),
                ),
            ),
        ),
        Form(
            type=JSON,
            title="Events as JSON",
            about="Any events, all or nothing, as POST /v1/events takes them.",
            groups=(
                Group(
                    title="The batch",
                    fields=(
                        Field(
                            name="batch",
                            label="Events",
                            path=(),
                            kind=Kind.JSON,
                            required=True,
                            hint=(
                                'One event, a list of events, or {"events": […],'
                                ' "expected_versions": {…}}.'
                            ),
                        ),
                    ),
                ),
            ),
        ),
    )
}
"""The forms by the type of event that they make."""
