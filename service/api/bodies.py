"""Request bodies: strict JSON (``schemas.strict``), no longer than is allowed."""

from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from service.schemas.strict import parse


def read_json() -> tuple[bytes, Any]:
    """Read the body of the current request: its bytes, and what they say.

    Raises:
        UnsupportedMediaType: It is not sent as uncompressed ``application/json``.
        RequestEntityTooLarge: It is longer than is allowed.
        MalformedJson: It is no JSON that everybody reads alike.
    """
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if request.mimetype != "application/json" or encoding != "identity":
        message = "Send the body as 'Content-Type: application/json', without Content-Encoding."
        raise UnsupportedMediaType(message)
    raw = _read()
    return raw, parse(raw)


def _read() -> bytes:
    """Read the body up to the limit; one byte more tells a body that ends there from a longer one.

    A chunked body has no length that could be looked at first, and Werkzeug cuts it off silently.
    It is kept for as long as the request: ``spreading`` may run the view once more.
    """
    limit = request.max_content_length
    if limit is None:
        return request.get_data()
    request.max_content_length = limit + 1
    raw = request.get_data()
    if len(raw) > limit:
        raise RequestEntityTooLarge
    return raw
