"""One process of many that append to one database, without a server.

    python -m tests.chaos.appender URL NAME NUMBER

prints {"kept": 100, "slowest": 0.31}, seconds.
"""

import json
import sys
import time
from uuid import uuid4

from service.application.recording import Batch, append
from service.domain.codec import event_from
from service.store.engine import connect
from tests.builders import plain_event
from tests.chaos.servers import NOW


def main(url: str, name: str, number: str) -> None:
    """Append, one event a time."""
    database = connect(url)
    kept, slowest = 0, 0.0
    for _ in range(int(number)):
        note = plain_event(
            "context.noted", id=str(uuid4()), stream=f"context:{name}", data={"topic": "law"}
        )
        began = time.monotonic()
        outcome = append(
            database, Batch(events=(event_from(note),), principal=name), clock=lambda: NOW
        )
        slowest = max(slowest, time.monotonic() - began)
        kept += outcome.appended
    database.dispose()
    sys.stdout.write(json.dumps({"kept": kept, "slowest": round(slowest, 3)}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
