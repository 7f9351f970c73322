"""The whole log over HTTP, as the command line writes it."""

import csv
import gzip
import io

import pytest

from service.api import rendering
from service.application import exports
from tests.api.house import House


def _file(house: House) -> bytes:
    written = io.BytesIO()
    exports.export(
        house.app.extensions["accessline"].database,
        exports.part_of(house.app.extensions["accessline"].database),
        written.write,
    )
    return written.getvalue()


def test_the_log_is_sent_as_the_command_line_writes_it(
    story: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In parts that end anywhere: whoever has it can check it, and restore it."""
    monkeypatch.setattr(exports, "CHUNK", 7)

    found = story.app.test_client().get("/v1/export")

    assert found.status_code == 200
    assert found.content_type == "application/x-ndjson"
    assert found.data == _file(story)


def test_whoever_takes_gzip_gets_it_compressed(story: House) -> None:
    """RFC 9110, section 12.5.3; a cache must tell the two apart."""
    client = story.app.test_client()

    packed = client.get("/v1/export", headers={"Accept-Encoding": "gzip"})
    plain = client.get("/v1/export", headers={"Accept-Encoding": "gzip;q=0"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data == _file(story)
    assert "Content-Encoding" not in plain.headers


def test_the_events_are_sent_as_csv_with_one_header(
    story: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One row for each event, in the columns of the list."""
    monkeypatch.setattr(exports, "CHUNK", 7)

    found = story.app.test_client().get("/v1/export?after=10", headers={"Accept": "text/csv"})

    header, *rows = csv.reader(io.StringIO(found.text))
    assert tuple(header) == rendering.EVENT_COLUMNS
    positions = [int(row[header.index("position")]) for row in rows]
    assert positions == [
        *range(11, exports.part_of(story.app.extensions["accessline"].database).until + 1)
    ]


@pytest.mark.parametrize("query", ["after=-1", "after=1000000", "after=x", "before=1"])
def test_a_wrong_question_is_refused(query: str, story: House) -> None:
    """Before anything is sent."""
    assert story.app.test_client().get(f"/v1/export?{query}").status_code == 422
