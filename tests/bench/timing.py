"""Does the time of a refusal tell anything about a key? ``python -m tests.bench.timing``.

Requests with wrong keys, interleaved: one whose id nobody has, one whose id is Alice's, and ones
whose secret begins as hers does. Their medians must differ by no more than those of two runs of the
same request. It is no test, since a busy machine differs more than any comparison does.
"""

import statistics
import sys
import tempfile
import time

from service.store import schema
from service.store.engine import connect
from tests.api.house import authorization, open_house

REQUESTS = 2_000


def main() -> None:
    """Print the medians and what they differ by."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/timing.db"
        database = connect(url)
        schema.upgrade(database)
        database.dispose()
        house = open_house(url, failed_key_rate=0)
        client = house.app.test_client()
        stem, _, secret = house.alice.rpartition("_")
        keys = {
            "an id that nobody has": f"alk_{'a' * 12}_{'A' * len(secret)}",
            "the same again": f"alk_{'a' * 12}_{'A' * len(secret)}",
            "an id that is known": f"{stem}_{'A' * len(secret)}",
            "half of the secret": f"{stem}_{secret[:16]}{'A' * (len(secret) - 16)}",
            "all but its last letter": f"{stem}_{secret[:-1]}{'B' if secret[-1] == 'A' else 'A'}",
        }
        taken: dict[str, list[float]] = {name: [] for name in keys}
        for _ in range(REQUESTS):
            for name, key in keys.items():
                began = time.perf_counter()
                response = client.get("/v1/vocabulary", headers=authorization(key))
                taken[name].append(time.perf_counter() - began)
                assert response.status_code == 401
        house.close()
    base = statistics.median(taken["an id that nobody has"])
    for name, times in taken.items():
        median = statistics.median(times)
        line = f"{name:<26} {median * 1e6:>8.1f} µs {100 * (median / base - 1):>+6.1f} %\n"
        sys.stdout.write(line)


if __name__ == "__main__":
    main()
