"""Where the log stands, and whether the process is alive."""

from flask import Response
from flask_smorest import Blueprint

from service import __version__
from service.api import openapi, rendering
from service.api.query import Query
from service.api.responses import answer
from service.api.wiring import wired
from service.application import asking
from service.auth.credentials import Role
from service.auth.guard import requires

blueprint = Blueprint("meta", __name__)


@blueprint.route("/v1/meta")
@blueprint.doc(**openapi.reading((), "Meta"))
@requires(Role.READER)
def meta() -> Response:
    """Tell where the log stands, under which rule answers are given, and what is covered."""
    Query.of_request(())
    house = wired()
    found = asking.meta(house.database)
    _, registry = asking.registry(house.database, f"@{found.position}", house.now())
    return answer(rendering.meta(found, registry, __version__))


@blueprint.route("/healthz")
@blueprint.doc(**openapi.alive())
def healthz() -> Response:
    """Tell that the process answers; the database is not asked."""
    return answer({"status": "ok"})
