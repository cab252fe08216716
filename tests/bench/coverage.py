"""Times of the coverage page with a hundred and with ten thousand schedules and listed projects, on PostgreSQL.

    python -m tests.bench.coverage [--rows 10000] [--json FILE]

It makes a database of its own on the server of TEST_DATABASE_URL and drops it afterwards. A tenth of what is listed is
not here, a tenth of what is here is not listed, and each project that is here has a schedule and a target.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tests.bench.pages import own_database
from tests.helpers.roles import TABLES

FEW: Final = 100
ROUNDS: Final = 31
MAX_QUERIES: Final = 14
# One pass over the rows: at most so many seconds more for a hundred times as many.
MAX_MORE_SECONDS: Final = 0.15
COVERAGE: Final = "/t/the-team/coverage/"
PAGES: Final = {
    "coverage": COVERAGE,
    "coverage, fresh ones": COVERAGE + "?state=fresh",
    "home": "/t/the-team/",
    "projects of the API": "/api/v1/coverage?limit=100",
}


def fill(count: int) -> dict[str, Any]:
    """So many listed projects, projects and schedules, by SQL, each like a first one that the models made."""
    from django.db import connection
    from django.utils import timezone

    from exports.models import Project, RemoteProject, Schedule, Token
    from tests.helpers.cast import make_cast
    from tests.helpers.factories import succeeded_export
    from tests.helpers.row_copies import copies  # imports models, which want Django set up

    cast, now = make_cast(), timezone.now()
    project = cast.project(TABLES, remote_id="9000000")
    succeeded_export(cast, project=project)  # the home of a team without exports shows its first step
    Project.objects.filter(pk=project.pk).update(fresh_within_hours=48, last_good_at=now)
    listed = RemoteProject.objects.create(credential=project.credential, remote_id="9000000")
    schedule = Schedule.objects.create(
        team=cast.team, project=project, owner=cast.owner.user, type="orders", format="csv", cron="30 2 * * *",
        next_run_at=now + timedelta(days=1), ask_at=now + timedelta(days=1),
    )  # fmt: skip
    first = 1_000_000
    last, shift = first + count - 1, count // 10
    copies(RemoteProject, listed, first, last, remote_id="g::text", name="'Found ' || g")
    # Every tenth is overdue.
    age = "CASE WHEN g % 10 = 0 THEN now() - interval '5 days' ELSE now() END"
    copies(Project, project, first + shift, last + shift, remote_id="g::text", name="'Ours ' || g", last_good_at=age)
    copies(Schedule, schedule, first + shift, last + shift, project_id="g")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {"member": cast.member, "token": Token.issue(cast.member, "read")}


def timed(call: Callable[[], Any]) -> float:
    """The median of its seconds."""
    call()
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure(known: dict[str, Any]) -> dict[str, tuple[float, int]]:
    """Name of each to its median and its queries."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from exports.housekeeping.overdue import record_overdue
    from exports.http import throttling

    client = Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {known['token']}"})
    client.force_login(known["member"].user)
    calls: dict[str, Callable[[], Any]] = {
        name: lambda address=address: client.get(address)  # type: ignore[misc]
        for name, address in PAGES.items()
    }
    calls["overdue, looked for"] = record_overdue
    measured = {}
    for name, call in calls.items():
        throttling.reset()
        call()
        with CaptureQueriesContext(connection) as queries:
            answer = call()
        query_count = len(queries)
        if getattr(answer, "status_code", 200) != 200:
            raise SystemExit(f"{name} answered {answer.status_code}")
        measured[name] = (timed(call), query_count)
    return measured


def run(rows: int, json_file: Path | None) -> bool:
    """Measures both and prints a table. Returns whether every limit is kept.

    `json_file` gets an object: each name to its seconds with few rows, and with many.
    """
    import django

    django.setup()
    from django.core.management import call_command

    measured = []
    for count in (FEW, rows):
        call_command("migrate", verbosity=0)
        measured.append(measure(fill(count)))
        call_command("flush", verbosity=0, interactive=False)
    few, lots = measured
    if json_file:
        json_file.write_text(json.dumps({name: [few[name][0], lots[name][0]] for name in lots}))
    print(f"{'':<28}{'queries':>8}{f'{FEW} ms':>10}{f'{rows} ms':>12}{'ratio':>8}")
    well = True
    for name, (seconds, queries) in lots.items():
        before = few[name][0]
        wrong = queries > MAX_QUERIES or seconds - before > MAX_MORE_SECONDS
        well = well and not wrong
        line = f"{name:<28}{queries:>8}{before * 1000:>10.1f}{seconds * 1000:>12.1f}{seconds / before:>8.2f}"
        print(line + ("  past its limit" if wrong else ""))
    return well


def main() -> None:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also writes the times there")
    arguments = parser.parse_args()
    with own_database():
        well = run(arguments.rows, arguments.json)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
