"""Retention and verification of kept files: what they cost with a thousand and with a hundred thousand files."""

import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from tests.bench import seed_rows
from tests.bench.result import RATIO, Result, at_most, median
from tests.bench.testbed import open_testbed

ABOUT = (
    "A team with so many kept files, fifty of each project. Rule: the last 30, 30 daily, 12 monthly, most bytes."
    " Decide: all decisions, of which 40 % say that a file goes; what a preview and a dry run cost. Delete: each of"
    " 400. Verify: one file of 1 KB that is due, found among all. Seconds are of one process; memory is the peak of"
    " what Python's allocators gave."
)
FEW: Final = 1_000
MANY: Final = 100_000
QUICK_MANY: Final = 10_000
FILES_OF_A_PROJECT: Final = 50
DELETED: Final = 400
VERIFIED: Final = 200
# For a hundred times as many files. A decision looks at each file once, so all of them cost in proportion.
MAX_RATIO_EACH: Final = 1.5
MAX_MEGABYTES: Final = 64
UNITS: Final = {"decide": "s", "decide, each file": "µs", "delete, each file": "ms", "verify, each file": "ms"}


def run(quick: bool) -> list[Result]:
    """Few and many files, each in a database of its own."""
    few, many = FEW, QUICK_MANY if quick else MANY
    figures = {count: _measure(count) for count in (few, many)}
    results = []
    for name, unit in (
        ("decide", "s"),
        ("decide, each file", "µs"),
        ("delete, each file", "ms"),
        ("verify, each file", "ms"),
    ):
        results += [Result(f"{count} files, {name}", figures[count][name], unit) for count in figures]
        if name != "decide":
            ratio = figures[many][name] / figures[few][name]
            results.append(at_most(f"{name}: {many} / {few} files", ratio, MAX_RATIO_EACH, RATIO))
    for count in figures:
        results.append(at_most(f"{count} files, memory of a preview", figures[count]["memory"], MAX_MEGABYTES, "MB"))
    return results


def _measure(count: int) -> dict[str, float]:
    from exports import clock
    from exports.exporting import purge
    from exports.exporting.retention_preview import preview
    from exports.housekeeping import verification
    from exports.models import File, Heartbeat, RetentionRule, Team
    from exports.queue import capacity
    from exports.storage.retention_plan import rules_of

    with open_testbed() as here:
        made = seed_rows.seed(here, each=count // FILES_OF_A_PROJECT)
        _seed_files(made, count)
        team = Team.objects.get(pk=made.team.pk)
        most = 1024 * count * 6 // 10
        RetentionRule.objects.create(team=team, keep_last=30, keep_daily=30, keep_monthly=12, max_bytes=most)
        rules = rules_of(team)
        gone: list[Any] = []
        decide = median(_seconds(lambda: gone.extend(purge.what_goes(rules, clock.now()))) for _ in range(3))
        gone = purge.what_goes(rules, clock.now())
        assert len(gone) > count // 4, len(gone)
        tracemalloc.start()
        assert preview(team).count == len(gone)
        memory = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        # As a whole purge takes them: by project.
        gone.sort(key=lambda one: (one.file.group, one.file.at))
        delete = _seconds(lambda: purge._delete(rules, gone[:DELETED]))
        _write_files(VERIFIED)
        Heartbeat.record("worker:bench", slots=4, queues=list(capacity.QUEUES))
        verify = _seconds(lambda: verification.verify_some(600, max_bytes=VERIFIED * 1024))
        assert File.objects.filter(reverified_at__isnull=False).count() == VERIFIED
    return {
        "decide": decide,
        "decide, each file": decide / count * 1e6,
        "delete, each file": delete / min(DELETED, len(gone)) * 1e3,
        "verify, each file": verify / VERIFIED * 1e3,
        "memory": memory,
    }


def _seconds(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def _seed_files(made: seed_rows.SeedRows, count: int) -> None:
    """Files of a year: each project's about a week apart. All were verified more than a month ago."""
    from django.db import connection
    from django.utils import timezone

    from exports.models import Export, File, Team

    now = timezone.now()
    file = File.objects.create(
        team=made.team, name="project.zip", size=1024, sha256="0" * 64, content_type="application/zip", path="0",
        verified_at=now,
    )  # fmt: skip
    export = Export.objects.create(
        team=made.team, project=made.projects[0], user=made.user, trigger="person", type="archive", format="zip",
        status="succeeded", step="none", file=file, finished_at=now, deadline_at=now,
    )  # fmt: skip
    first, last = seed_rows.FIRST_ID, seed_rows.FIRST_ID + count - 1
    age = f"(40 + ({last} - g) * 400.0 / {count}) * interval '1 day'"
    at = f"TIMESTAMPTZ '{now.isoformat()}' - {age}"
    seed_rows.copies(File, file, first, last, path="g::text", verified_at=at)
    ids = f"{made.projects[0].pk} + g % {len(made.projects)}"
    seed_rows.copies(Export, export, first, last, file_id="g", project_id=ids, created_at=at, finished_at=at)
    Export.objects.filter(pk=export.pk).delete()
    File.objects.filter(pk=file.pk).delete()
    Team.objects.filter(pk=made.team.pk).update(kept_files=count, kept_bytes=1024 * count)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _write_files(count: int) -> None:
    """Gives the files that are verified first bytes that are what the row says."""
    import hashlib

    from exports.models import File
    from exports.storage import files

    content = b"x" * 1024
    sha256 = hashlib.sha256(content).hexdigest()
    rows = list(File.objects.filter(deleted_at=None).order_by("verified_at", "pk")[:count])
    for row in rows:
        files.path_of(row).parent.mkdir(parents=True, exist_ok=True)
        files.path_of(row).write_bytes(content)
    File.objects.filter(pk__in=[row.pk for row in rows]).update(
        sha256=sha256, verified_at=rows[0].verified_at - timedelta(days=1)
    )
