"""The pages: see, scrub, compare, cite, verify; served by the same process, without a build step.

Python draws the structure of every page, so each works without a script. Scripts change classes and
texts by date, from intervals that the server has computed: access is decided there alone. Nothing
in a page is inline, and nothing comes from another host: ``assets`` says under which policy.
"""

from flask import Flask

from service.web import (
    appending,
    asking,
    assets,
    audit,
    differing,
    embedding,
    lists,
    session,
    views,
)
from service.web.asking import House
from service.web.ways import missing

__all__ = ["House", "install", "missing"]

# Nested, so that these pages have the policy, and tell faults, as all others do.
for _pages in (
    lists.blueprint,
    differing.blueprint,
    audit.blueprint,
    session.blueprint,
    appending.blueprint,
    embedding.blueprint,
):
    views.blueprint.register_blueprint(_pages)


def install(app: Flask, house: House) -> None:
    """Give an application its pages."""
    asking.wire(app, house)
    app.register_blueprint(assets.blueprint)
    app.register_blueprint(views.blueprint)
