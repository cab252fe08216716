"""Times of the home and of the list of exports, with a thousand and with a million exports, on PostgreSQL.

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
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

SERVER: Final = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
DATABASE: Final = f"portal_bench_{os.getpid()}"
FEW: Final = 1000
LATELY: Final = 700
MAX_RATIO: Final = 1.2
MAX_SECONDS: Final = 0.025
ROUNDS: Final = 41
# A page that is far past its limit need not be asked for so often.
MAX_SECONDS_OF_A_PAGE: Final = 6.0
# What others than the team in question own, of ten.
OTHERS: Final = 2
MAX_QUERIES: Final = 8
LIST: Final = "/t/the-team/exports/"
PAGES: Final = {
    "home": "/t/the-team/",
    "list, first page": LIST,
    "list, 2 000th page": LIST + "?before={deep}",
    "list, newer than that": LIST + "?after={deep}",
    "one export": LIST + "{deep}/",
    "failed": LIST + "?status=failed",
    "failed, deep": LIST + "?status=failed&before={deep}",
    "one project": LIST + "?project_id={project}",
    "provider": LIST + "?provider=toloka",
    "one person": LIST + "?user_id={user}",
    "a trigger nobody used": LIST + "?trigger=schedule",
    "has a file": LIST + "?file=yes",
    "has a file, where none is": LIST + "?file=yes&before={deep}",
    "since yesterday": LIST + "?since={yesterday}",
    "until long ago": LIST + "?until={long_ago}",
    "search, found": LIST + "?q=orders",
    "search, nothing found": LIST + "?q=no-such-target",
    "search, by number": LIST + "?q=%23{deep}",
}
# These show as many rows in any history, so they cost the same, and are held to the limits.
FLAT: Final = ("home", "list, first page", "list, 2 000th page", "list, newer than that", "one export")


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


def fill(rows: int) -> dict[str, Any]:
    """A history of so many exports; returns what the addresses need.

    The last week is as busy in any: 700 exports, ten minutes apart. What is older lies over five years.
    """
    from django.db import connection
    from django.utils import timezone

    from exports.models import AuditEntry, Export, File, Heartbeat, Project
    from exports.queue.capacity import QUEUES
    from tests.bench.seed_rows import copies  # imports models, which want Django set up
    from tests.helpers.cast import make_cast

    cast = make_cast()
    ours = [cast.project("ulule", remote_id=str(number)) for number in range(5000, 5040)]
    ours += [cast.project("toloka", remote_id=str(number)) for number in range(10, 20)]
    credential = cast.credential("ulule", name="theirs")
    type(credential).objects.filter(pk=credential.pk).update(team=cast.other_team)
    theirs = Project.objects.create(team=cast.other_team, credential=credential, remote_id="1")
    now = timezone.now()
    file = File.objects.create(
        pk=10_000_000, team=cast.team, name="n", size=1, sha256="0" * 64, content_type="text/csv", path="p",
        verified_at=now,
    )  # fmt: skip
    one = Export.objects.create(
        pk=10_000_000, team=cast.team, project=ours[0], user=cast.owner.user, trigger="person", type="orders",
        format="csv", status="canceled", step="none", finished_at=now, deadline_at=now,
    )  # fmt: skip
    AuditEntry.objects.all().delete()
    event = AuditEntry.objects.create(
        pk=10_000_000, team=cast.team, user=cast.owner.user, actor="a", verb="asked for", target="x"
    )
    # The last few are open; of the others six in ten have a file, which is still there where it is of the last week.
    older = f"GREATEST({rows} - g - {LATELY}, 0) * interval '5 years' / {rows}"
    at = f"now() - LEAST({rows} - g, {LATELY}) * interval '10 minutes' - {older}"
    good, opened = "g % 10 < 6", f"g > {rows - 5}"
    team = f"CASE WHEN (g / 10) % 10 < {OTHERS} THEN {cast.other_team.pk} ELSE {cast.team.pk} END"
    status = f"CASE WHEN {opened} THEN 'processing' WHEN {good} THEN 'succeeded' WHEN g % 10 < 8 THEN 'failed'"
    project = f"CASE WHEN (g / 10) % 10 < {OTHERS} THEN {theirs.pk} ELSE {ours[0].pk} + g % {len(ours)} END"
    gone = f"CASE WHEN g < {rows - LATELY} THEN {at} END"
    copies(File, file, 1, rows, team_id=team, name="'orders ' || g || '.csv'", size="g", path="'p' || g",
         verified_at=at, deleted_at=gone)  # fmt: skip
    failed = f"CASE WHEN NOT {opened} AND g % 10 IN (6, 7) THEN"
    copies(
        Export, one, 1, rows, team_id=team, project_id=project, created_at=at, status=f"{status} ELSE 'canceled' END",
        step=f"CASE WHEN {opened} THEN 'poll' ELSE 'none' END", remote_id="md5(g::text)",
        finished_at=f"CASE WHEN NOT {opened} THEN {at} + interval '5 min' END",
        next_step_at=f"CASE WHEN {opened} THEN now() END",
        user_id=f"CASE WHEN g % 3 = 0 THEN {cast.member.user.pk} ELSE {cast.owner.user.pk} END",
        error_code=f"{failed} 'rejected' ELSE '' END", error_action=f"{failed} 'you' ELSE '' END",
        error_message=f"{failed} 'The provider said no, for reason ' || g ELSE '' END",
        file_id=f"CASE WHEN NOT {opened} AND {good} THEN g END",
    )  # fmt: skip
    copies(AuditEntry, event, 1, rows // 10)
    Export.objects.filter(pk=one.pk).delete()
    File.objects.filter(pk=file.pk).delete()
    Heartbeat.record("worker:bench", queues=list(QUEUES), slots=4)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # else it goes on while pages are timed
    numbers = Export.objects.filter(team=cast.team).order_by("-pk").values_list("pk", flat=True)
    # With a thousand there are fewer pages; the last full one stands for the 2 000th there.
    deep = numbers[min(1999 * 30, numbers.count() - 32) - 1]
    return {
        "member": cast.member,
        "deep": deep,
        "project": ours[3].pk,
        "user": cast.member.user.pk,
        "yesterday": f"{now - timedelta(days=1):%Y-%m-%d}",
        "long_ago": f"{now - timedelta(days=4 * 365):%Y-%m-%d}",
    }


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


def measure(known: dict[str, Any]) -> dict[str, tuple[float, float, float, int]]:
    """Name of each page to its p50, p95 and processor seconds, and its queries."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(SERVER_NAME="localhost")
    client.force_login(known["member"].user)
    measured = {}
    for name, pattern in PAGES.items():
        address = pattern.format(**known)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        query_count = len(queries)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
        times: list[float] = []
        busy = processor_seconds()
        while len(times) < ROUNDS and sum(times) < MAX_SECONDS_OF_A_PAGE:
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
    from django.core.management import call_command

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
    print(f"\n{'page':<28}{'queries':>8}{f'{FEW} ms':>10}{f'{rows} ms':>12}{'cpu':>8}{'p95':>8}{'ratio':>8}")
    well = True
    for name, (p50, p95, busy, queries) in lots.items():
        before = few[name][0]
        # A filter or a search costs what it has to look through; that is shown, and held to the queries alone.
        wrong = queries > MAX_QUERIES or (name in FLAT and (p50 > MAX_SECONDS or p50 / before > MAX_RATIO))
        well = well and not wrong
        figures = "".join(f"{seconds * 1000:>{width}.1f}" for seconds, width in ((before, 10), (p50, 12), (busy, 8)))
        line = f"{name:<28}{queries:>8}{figures}{p95 * 1000:>8.1f}{p50 / before:>8.2f}"
        print(line + ("  past its limit" if wrong else ""))
    ratio = lots["list, 2 000th page"][0] / lots["list, first page"][0]
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
