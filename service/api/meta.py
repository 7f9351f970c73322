"""Where the log stands, and what it covers."""

from flask import Response
from flask_smorest import Blueprint

from service import __version__
from service.api import openapi, rendering
from service.api.reads import Read
from service.api.wiring import wired
from service.application import browsing
from service.auth.credentials import Role
from service.auth.guard import requires

blueprint = Blueprint("meta", __name__)


@blueprint.route("/v1/meta")
@blueprint.doc(**openapi.reading((), "Meta"))
@requires(Role.READER)
def meta() -> Response:
    """Tell where the log stands, under which rule answers are given, and what is covered."""
    read, database = Read.begin(()), wired().database
    found = browsing.meta(database)
    _, registry = browsing.registry(database, f"@{found.position}", read.now)
    return read.answer(rendering.meta(found, registry, __version__), found.position)
