"""Times of every kind of page of a team, with a thousand and with a million exports, on PostgreSQL.

    python -m tests.bench.pages [--rows 1000000] [--json FILE]

It makes a database of its own on the server of TEST_DATABASE_URL and drops it afterwards. What is timed is what the
server does for a request, all middleware included, without the network; `cpu` counts this process and the database.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from exports.supervisor.gunicorn_config import post_worker_init
from tests.helpers.roles import CHANGING, TABLES

SERVER: Final = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
DATABASE: Final = f"portal_bench_{os.getpid()}"
FEW: Final = 1000
MAX_RATIO: Final = 1.25
MAX_SECONDS: Final = 0.025
ROUNDS: Final = 41
# A page that is far past its limit need not be asked for so often.
MAX_SECONDS_OF_A_PAGE: Final = 6.0
MAX_QUERIES: Final = 10
TEAM: Final = "/t/the-team/"
LIST: Final = TEAM + "exports/"
# These show as many rows in any history, so they cost the same, and are held to the limits.
FLAT: Final = {
    "home": TEAM,
    "list, first page": LIST,
    "list, 2 000th page": LIST + "?before={deep}",
    "list, newer than that": LIST + "?after={deep}",
    "one export": LIST + "{deep}/",
    "search that jumps": TEAM + f"jump/?q={TABLES}",
    "search, by number": TEAM + "jump/?q=%23{deep}",
    "projects": TEAM + "projects/",
    "one project": TEAM + "projects/{project}/",
    "new export": TEAM + "new/",
    "coverage": TEAM + "coverage/",
    "schedules": TEAM + "schedules/",
    "one schedule": TEAM + "schedules/{schedule}/",
    "credentials": TEAM + "credentials/",
    "one credential": TEAM + "credentials/{credential}/",
    "members": TEAM + "members/",
    "activity": TEAM + "activity/",
    "settings": TEAM + "settings/",
    "retention": TEAM + "settings/retention/",
    "alerts": TEAM + "settings/alerts/",
    "webhooks": TEAM + "settings/webhooks/",
    "profile": "/profile/",
}
# A filter or a search costs what it has to look through; that is shown, and held to the queries alone.
FILTERS: Final = {
    "failed": LIST + "?status=failed",
    "failed, deep": LIST + "?status=failed&before={deep}",
    "exports of one project": LIST + "?project_id={project}",
    "provider": LIST + f"?provider={CHANGING}",
    "one person": LIST + "?user_id={user}",
    "a trigger nobody used": LIST + "?trigger=schedule",
    "has a file": LIST + "?file=yes",
    "has a file, where none is": LIST + "?file=yes&before={deep}",
    "since yesterday": LIST + "?since={yesterday}",
    "until long ago": LIST + "?until={long_ago}",
    "search, found": LIST + "?q=orders",
    "search, nothing found": LIST + "?q=no-such-target",
    "search, number": LIST + "?q=%23{deep}",
}
PAGES: Final = {**FLAT, **FILTERS}


@contextlib.contextmanager
def own_database() -> Iterator[None]:
    """A database for this run alone, which Django then uses."""
    name = sql.Identifier(DATABASE)
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(name))
    with tempfile.TemporaryDirectory() as folder:
        place = urlunsplit(urlsplit(SERVER)._replace(path=f"/{DATABASE}"))
        os.environ.update(DATABASE_URL=place, DATA_DIR=folder, DJANGO_SETTINGS_MODULE="tests.settings")
        try:
            yield
        finally:
            from django.db import connection

            connection.close()
            with psycopg.connect(SERVER, autocommit=True) as server:
                server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


def processor_seconds() -> float:
    """What this process and its backend of the database have used: the figure that a busy machine does not blur."""
    from django.db import connection

    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    own = time.process_time()
    try:
        used = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    except OSError:
        return own
    return own + sum(map(int, used)) / os.sysconf("SC_CLK_TCK")


def measure(
    known: dict[str, Any], pages: Mapping[str, str] = PAGES, rounds: int = ROUNDS
) -> dict[str, tuple[float, float, float, int]]:
    """Name of each page to its p50, p95 and processor seconds, and its queries."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="localhost")
    client.force_login(known["member"].user)
    measured = {}
    for name, pattern in pages.items():
        address = pattern.format(**known)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        query_count = len(queries)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
        times: list[float] = []
        busy = processor_seconds()
        while len(times) < rounds and sum(times) < MAX_SECONDS_OF_A_PAGE:
            began = time.perf_counter()
            client.get(address)
            times.append(time.perf_counter() - began)
        measured[name] = (
            statistics.median(times),
            sorted(times)[int(len(times) * 0.95)],
            (processor_seconds() - busy) / len(times),
            query_count,
        )
    return measured


def run(rows: int, json_file: Path | None) -> bool:
    """Measures both and prints a table. Returns whether every limit is kept.

    `json_file` gets an object: name of each page that is held to limits to its seconds with few exports, and with many.
    """
    import django

    django.setup()
    post_worker_init(None)  # As each web process is.
    from django.core.management import call_command

    from tests.bench.page_rows import fill  # imports models, which want Django set up

    measured = []
    for count in (FEW, rows):
        call_command("migrate", verbosity=0)
        began = time.monotonic()
        known = fill(count)
        print(f"{count:>9} exports made in {time.monotonic() - began:.0f} s", flush=True)
        measured.append(measure(known))
        call_command("flush", verbosity=0, interactive=False)
    few, lots = measured
    if json_file:
        json_file.write_text(json.dumps({name: [few[name][0], lots[name][0]] for name in FLAT}))
    # The ratio is of processor seconds, which a machine that does other things as well does not blur.
    print(f"\n{'page':<28}{'queries':>8}{f'{FEW} ms':>10}{f'{rows} ms':>12}{'cpu':>8}{'p95':>8}{'ratio':>8}")
    well = True
    for name, (p50, p95, busy, queries) in lots.items():
        before, ratio = few[name][0], busy / few[name][2]
        wrong = queries > MAX_QUERIES or (name in FLAT and (p50 > MAX_SECONDS or ratio > MAX_RATIO))
        well = well and not wrong
        figures = "".join(f"{seconds * 1000:>{width}.1f}" for seconds, width in ((before, 10), (p50, 12), (busy, 8)))
        line = f"{name:<28}{queries:>8}{figures}{p95 * 1000:>8.1f}{ratio:>8.2f}"
        print(line + ("  past its limit" if wrong else ""))
    ratio = lots["list, 2 000th page"][2] / lots["list, first page"][2]
    print(f"\n2 000th page / first page: {ratio:.2f} (at most {MAX_RATIO}); p50 at most {MAX_SECONDS * 1000:.0f} ms")
    return well and ratio <= MAX_RATIO


def main() -> None:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also writes times of pages there")
    arguments = parser.parse_args()
    with own_database():
        well = run(arguments.rows, arguments.json)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
