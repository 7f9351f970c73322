"""Who gets past the guard: the whole table of keys and roles."""

import pytest
from flask import Flask

from service.auth import credentials, guard
from service.auth.credentials import Role
from service.auth.errors import Forbidden, Unauthenticated
from service.auth.guard import Gate, requires
from service.store.engine import Database
from tests.api.house import NOW, authorization


@pytest.fixture(params=[True, False], ids=["public reads", "reads by key"])
def gate(request: pytest.FixtureRequest, database: Database) -> Gate:
    """A gate that lets readers in without a key, and one that does not."""
    return Gate(database=database, public_reads=request.param)


def answers(gate: Gate, role: Role, key: str | None, query: str = "") -> str:
    """Knock at a view that needs a role; return who was let in, or why not."""
    app = Flask(__name__)
    guard.install(app, gate)

    @requires(role)
    def view() -> str:
        known = guard.principal()
        return "anybody" if known is None else known.role.value

    with app.test_request_context(f"/{query}", headers=authorization(key)):
        try:
            return view()
        except (Unauthenticated, Forbidden) as error:
            return type(error).__name__


def test_the_table_of_keys_and_roles(gate: Gate) -> None:
    """A curator may all that a reader may; a bad key is refused even where none is needed."""
    alice = credentials.issue(gate.database, Role.CURATOR, None, lambda: NOW).text
    bob = credentials.issue(gate.database, Role.READER, None, lambda: NOW).text
    gone = credentials.issue(gate.database, Role.CURATOR, None, lambda: NOW)
    credentials.revoke(gate.database, gone.id, lambda: NOW)

    def row(key: str | None) -> tuple[str, str]:
        return answers(gate, Role.READER, key), answers(gate, Role.CURATOR, key)

    nobody = "anybody" if gate.public_reads else "Unauthenticated"
    assert row(alice) == ("curator", "curator")
    assert row(bob) == ("reader", "Forbidden")
    assert row(None) == (nobody, "Unauthenticated")
    assert row(gone.text) == ("Unauthenticated", "Unauthenticated")
    assert row("alk_aaaaaaaaaaaa_" + "A" * 32) == ("Unauthenticated", "Unauthenticated")


def test_a_key_in_the_url_opens_nothing(gate: Gate) -> None:
    """URLs end up in histories and logs (ASVS 14.2.1)."""
    alice = credentials.issue(gate.database, Role.CURATOR, None, lambda: NOW).text

    for name in ("key", "api_key", "access_token", "Authorization"):
        assert answers(gate, Role.CURATOR, None, f"?{name}={alice}") == "Unauthenticated"


def test_a_view_that_records_knows_by_whom(gate: Gate) -> None:
    """No event without the id of a key."""
    app = Flask(__name__)
    guard.install(app, gate)

    with app.test_request_context("/"), pytest.raises(Unauthenticated):
        guard.curator()
