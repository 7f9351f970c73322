"""The check of one cell as one would write it first: flask-smorest, marshmallow, an ORM.

It holds one segment of each change of each cell, as a clever programmer would have it, and reads it
with a session a request. It gives no reasons and knows nothing of `known_at`.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask
from flask.views import MethodView
from flask_smorest import Api, Blueprint
from marshmallow import Schema, fields, validate
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

Change = tuple[str, str, str, date, str]
"""Of a provider's service in a region: from a day on, which state."""

_CLOSED: Final = ("not_offered", "suspended", "blocked")


class Base(DeclarativeBase):
    """The tables of the peer."""


class Segment(Base):
    """What holds for a cell from a day on."""

    __tablename__ = "segment"

    provider: Mapped[str] = mapped_column(primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    region: Mapped[str] = mapped_column(primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    state: Mapped[str]


class CellSchema(Schema):
    """A cell that is asked for."""

    provider = fields.String(required=True, validate=validate.Length(1, 200))
    service = fields.String(required=True, validate=validate.Length(1, 200))
    region = fields.String(required=True, validate=validate.Length(1, 20))
    audience = fields.String(load_default="public", validate=validate.Length(1, 200))


class CheckSchema(Schema):
    """The body of a check."""

    as_of = fields.Date(required=True)
    known_at = fields.String(load_default=None, allow_none=True)
    cells = fields.List(
        fields.Nested(CellSchema), required=True, validate=validate.Length(1, 1_000)
    )


class ItemSchema(CellSchema):
    """One answer."""

    access = fields.String()
    state = fields.String()
    legal_state = fields.String()
    conditions = fields.List(fields.String())
    valid_until = fields.Date(allow_none=True)


class AnswerSchema(Schema):
    """The answer of a check."""

    as_of = fields.Date()
    rule = fields.Integer()
    items = fields.List(fields.Nested(ItemSchema))


def application(url: str, changes: Iterable[Change]) -> Flask:
    """Return an application with ``POST /check`` over some changes."""
    engine = sa.create_engine(url)
    Base.metadata.create_all(engine)
    sessions = sessionmaker(engine)
    with sessions.begin() as session:
        session.add_all(
            Segment(provider=provider, service=service, region=region, effective_from=day, state=to)
            for provider, service, region, day, to in changes
        )
    app = Flask("peer")
    app.config |= {"API_TITLE": "peer", "API_VERSION": "1", "OPENAPI_VERSION": "3.1.0"}
    app.extensions["engine"] = engine
    Api(app).register_blueprint(_blueprint(sessions))
    return app


def _blueprint(sessions: "sessionmaker[Session]") -> Blueprint:
    blueprint = Blueprint("check", __name__)

    @blueprint.route("/check")
    class Check(MethodView):
        """Checks cells."""

        @blueprint.arguments(CheckSchema)  # type: ignore[untyped-decorator] # it ships no types
        @blueprint.response(200, AnswerSchema)  # type: ignore[untyped-decorator] # likewise
        def post(self, asked: dict[str, Any]) -> dict[str, Any]:
            """Check cells."""
            with sessions() as session:
                items = [_item(session, cell, asked["as_of"]) for cell in asked["cells"]]
            return {"as_of": asked["as_of"], "rule": 1, "items": items}

    return blueprint


def _item(session: Session, cell: dict[str, str], day: date) -> dict[str, Any]:
    same = (
        Segment.provider == cell["provider"],
        Segment.service == cell["service"],
        Segment.region == cell["region"],
    )
    begun = sa.select(Segment).where(*same, Segment.effective_from <= day)
    coming = sa.select(Segment).where(*same, Segment.effective_from > day)
    now = session.scalars(begun.order_by(Segment.effective_from.desc()).limit(1)).first()
    next_ = session.scalars(coming.order_by(Segment.effective_from).limit(1)).first()
    state = "unknown" if now is None else now.state
    return cell | {
        "access": "closed" if state in _CLOSED else state,
        "state": state,
        "legal_state": state,
        "conditions": [],
        "valid_until": None if next_ is None else next_.effective_from,
    }
