"""Checks: many cells at once, for whoever lets requests through or not.

Next: service/application/gating.py, the answers.
"""

from flask import Response
from flask_smorest import Blueprint

from service.api import changes, openapi
from service.api.bodies import read_json
from service.api.negotiation import JSON, wanted
from service.api.query import MIN_POSITION, Query
from service.api.reads import await_position
from service.api.responses import answer
from service.api.wiring import wired
from service.application import gating
from service.application.moments import moment
from service.auth.credentials import Role
from service.auth.guard import requires
from service.domain.errors import BadTimeError
from service.schemas.checks import read_check
from service.schemas.faults import Fault, InvalidInput, pointer_of

blueprint = Blueprint("gating", __name__, url_prefix="/v1/access")


@blueprint.route("/check", methods=["POST"])
@blueprint.doc(**openapi.checking())
@requires(Role.READER)
def check() -> Response:
    """Check many cells.

    The answers come in the order of the cells. A cell that names something unknown is answered as
    `unknown`, with a `problem`, and the others as they are. Nothing is recorded.
    """
    query = Query.of_request((MIN_POSITION,))
    wanted((JSON,))
    asked = read_check(read_json()[1])
    await_position(query)
    house, now = wired(), wired().now()
    try:
        as_of = moment(asked.as_of, now)
        found = gating.check(house.database, asked.cells, as_of, asked.known_at, now)
    except BadTimeError as error:
        fault = Fault(
            pointer=pointer_of(error.path), detail=error.detail, suggestion=error.suggestion
        )
        raise InvalidInput([fault]) from error
    return answer(changes.checks(found))
