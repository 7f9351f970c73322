"""For whoever runs the server: is it alive, is it ready, and what has it done?

Probes send no key, so liveness and readiness need none; the metrics are read as anything else is.
"""

from collections.abc import Iterable, Iterator

from flask import Response
from flask_smorest import Blueprint

from service.api import metrics, openapi, problems
from service.api.metrics import Labels, family
from service.api.problems import Problem
from service.api.query import Query
from service.api.responses import answer
from service.api.wiring import wired
from service.application.readiness import Readiness, readiness
from service.auth import guard
from service.auth.credentials import Role
from service.auth.guard import requires
from service.store.errors import DatabaseUnavailable, StoreError

blueprint = Blueprint("health", __name__)


@blueprint.route("/healthz")
@blueprint.doc(**openapi.alive())
def healthz() -> Response:
    """Tell that the process answers; the database is not asked."""
    return answer({"status": "ok", **_replicas()})


@blueprint.route("/readyz")
@blueprint.doc(**openapi.ready())
def readyz() -> Response:
    """Tell whether requests may be sent here.

    They may where the database answers, its tables are those of this program, and the read models
    are made for this version of the rule and are not behind the log. Where only replicas answer,
    reads may: appends are refused until the primary is back.
    """
    try:
        found = readiness(wired().database)
    except DatabaseUnavailable as error:
        replicas = _replicas()
        if not replicas or not replicas["replicas"]["in"]:
            raise
        return answer({"status": "ready to read", "detail": str(error), **replicas})
    if not found.ready:
        return _not_ready(found)
    return answer({"status": "ready", **_told(found), **_replicas()})


@blueprint.route("/metrics")
@blueprint.doc(**openapi.measured(metrics.MEDIA_TYPE))
@requires(Role.READER)
def measured() -> Response:
    """Tell what this process has answered, for Prometheus; each process counts for itself."""
    Query.of_request(())
    lines = [*wired().metrics.told(), *_limits(), *_standing(), *_spread()]
    return Response("\n".join(lines) + "\n", content_type=metrics.MEDIA_TYPE)


def _told(found: Readiness) -> dict[str, int | None]:
    return {
        "position": found.position,
        "applied": found.applied,
        "lag": found.lag,
        "rule": found.rule,
        "generation": found.generation,
        "building": found.building,
    }


def _replicas() -> dict[str, dict[str, int]]:
    """Tell how many replicas answer reads, and of how many."""
    replicas = wired().replicas
    if replicas is None:
        return {}
    within = sum(one.standing.within for one in replicas.all)
    return {"replicas": {"in": within, "of": len(replicas.all)}}


def _not_ready(found: Readiness) -> Response:
    if found.lag:
        detail = f"The read models are {found.lag} events behind the log: run 'accessline rebuild'."
    else:
        detail = (
            f"The read models are made for version {found.rule} of the rule, and this program has "
            f"version {found.rule_wanted}: run 'accessline rebuild'."
        )
    return problems.answer(
        Problem(
            status=503,
            type="not-ready",
            title="Requests should not be sent here",
            detail=detail,
            members=_told(found),
            headers={"Retry-After": "5"},
        )
    )


def _limits() -> Iterator[str]:
    gate = guard.gate()
    refused = {"appends": gate.appends.refused, "wrong_keys": gate.failures.refused}
    yield from family(
        "accessline_rate_limited_total",
        "counter",
        "Requests turned away for coming too often.",
        {(("limit", limit),): number for limit, number in refused.items()},
    )


def _standing() -> Iterator[str]:
    """Yield where the log stands; where it cannot be asked, only that."""
    try:
        found = readiness(wired().database)
    except StoreError:
        found = None
    up, told = "accessline_database_up", "Whether the database answers as it must."
    yield from family(up, "gauge", told, {(): int(found is not None)})
    if found is not None:
        head, lag = "accessline_head_position", "accessline_projection_lag_events"
        yield from family(head, "gauge", "Position of the last event.", {(): found.position})
        yield from family(lag, "gauge", "Events that the read models are behind.", {(): found.lag})


def _spread() -> Iterator[str]:
    """Yield how the replicas stand, by their numbers in the setting: no host is told."""
    replicas = wired().replicas
    if replicas is None:
        return
    up, lag = "accessline_replica_up", "accessline_replica_lag_events"
    reads, passed = "accessline_replica_reads_total", "accessline_replica_passed_on_total"
    ups = _numbered(int(one.standing.within) for one in replicas.all)
    lags = _numbered(one.standing.lag for one in replicas.all)
    sent = _numbered(one.reads for one in replicas.all)
    back = _numbered(one.passed_on for one in replicas.all)
    yield from family(up, "gauge", "Whether a replica answers reads.", ups)
    yield from family(lag, "gauge", "Events that a replica is behind, where known.", lags)
    yield from family(reads, "counter", "Reads that this process sent to a replica.", sent)
    yield from family(passed, "counter", "Of these, those that the primary answered.", back)


def _numbered(values: Iterable[int | None]) -> dict[Labels, int]:
    told = enumerate(values, 1)
    return {(("replica", str(number)),): one for number, one in told if one is not None}
