"""A stream as known: its events with the corrections of our record applied.

A correction stands in its target's stream. Its replacement takes the target's id, version and
position, from the correction's own recording on; asked with an earlier ``known_at`` the old event
stands. A correction is itself corrected by naming it, and retracting one restores its target.
"""

from collections.abc import Sequence
from uuid import UUID

from msgspec.structs import replace

from service.domain.events import CorrectionAction, RecordCorrected, Recorded


def as_known(stream: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """Return the facts that stand after every correction in ``stream``, in position order."""
    return tuple(one for one in settled(stream) if not isinstance(one.event.data, RecordCorrected))


def settled(stream: Sequence[Recorded]) -> tuple[Recorded, ...]:
    """Return everything that stands in ``stream``: its facts, and the corrections that count.

    A correction lies after what it corrects, so walking backward settles each event with the
    corrections of it already settled, however long a chain of them is. Of several corrections of
    one event the last counts.
    """
    standing: list[Recorded] = []
    corrections = dict[UUID, RecordCorrected]()
    for recorded in reversed(stream):
        stands = _settle(recorded, corrections.get(recorded.event.id))
        if stands is None:
            continue
        data = stands.event.data
        if isinstance(data, RecordCorrected):
            if data.event in corrections:
                continue
            corrections[data.event] = data
        standing.append(stands)
    return tuple(reversed(standing))


def _settle(recorded: Recorded, correction: RecordCorrected | None) -> Recorded | None:
    if correction is None:
        return recorded
    if correction.action is CorrectionAction.RETRACT or correction.replacement is None:
        return None
    return replace(recorded, event=replace(correction.replacement, id=recorded.event.id))
