"""Keys: who may read and who may record over HTTP."""

import click

from service.auth import credentials
from service.auth.credentials import Role
from service.cli import output, session
from service.domain.codec import instant_text
from service.domain.errors import UnknownIdError


@click.group()
def keys() -> None:
    """Make, list and revoke keys."""


@keys.command()
@click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    required=True,
    help="What it may do: a curator may record, too.",
)
@click.option("--label", type=session.TEXT, help="What it is for. No person's name: it stays.")
@session.as_json
def create(*, role: str, label: str | None, as_json: bool) -> None:
    """Make a key and print it, this once: only a hash of it is kept."""
    with session.database() as database:
        key = credentials.issue(database, Role(role), label, session.now)
    if as_json:
        output.show_json({"id": key.id, "role": role, "label": label, "key": key.text})
        return
    output.say(key.text)
    output.note(
        f"This {role}'s key is shown only now. Its id, which the log will show, is {key.id}."
    )


@keys.command("list")
@session.as_json
def list_(*, as_json: bool) -> None:
    """List all keys without their secrets, revoked ones too."""
    with session.database() as database:
        found = credentials.listed(database)
    if as_json:
        output.show_json({"items": found, "next": None})
        return
    rows = (
        (
            *(one.id, one.role, instant_text(one.created_at)),
            instant_text(one.revoked_at) if one.revoked_at else "",
            one.label or "",
        )
        for one in found
    )
    output.show_table(("id", "role", "created_at", "revoked_at", "label"), rows)


@keys.command()
@click.argument("key_id", metavar="ID", type=session.TEXT)
@session.as_json
def revoke(*, key_id: str, as_json: bool) -> None:
    """Revoke a key for ever, from its next use on. Revoking it again changes nothing."""
    with session.database() as database:
        known = {one.id: one for one in credentials.listed(database)}
        if key_id not in known:
            hint = "'accessline keys list' shows what there is."
            raise UnknownIdError(kind="key", given=key_id, known=known, hint=hint)
        revoked = credentials.revoke(database, key_id, session.now)
    if as_json:
        output.show_json({"id": key_id, "revoked": revoked})
    elif revoked:
        output.say(f"The key {key_id} is revoked.")
    else:
        output.say(f"The key {key_id} was revoked already.")
