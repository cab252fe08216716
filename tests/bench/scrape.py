"""What a scrape of /metrics costs with a thousand and with a million exports."""

import time
from datetime import timedelta
from typing import Any, Final

from tests.bench import seed_rows
from tests.bench.result import RATIO, Result, at_most, median
from tests.bench.testbed import open_testbed

FEW, MANY, QUICK_MANY = 1_000, 1_000_000, 50_000
PROJECTS: Final = 1_000
OPEN_SHARE: Final = 5
END_SQL: Final = """
    UPDATE exports_export SET status = 'succeeded', format = 'none', step = 'none', next_step_at = NULL,
        finished_at = now() WHERE mod(id, %s) > 0
"""
MAX_MS: Final = 150
MAX_RATIO: Final = 5
ABOUT = (
    f"So many exports of {PROJECTS} projects, one of {OPEN_SHARE} open and due in an hour, the others succeeded, and as"
    " many messages that were sent. A scrape reads all figures and writes them as text, on a connection that is open."
    " The recount sets the totals of exports right, once a night. Medians of nine."
)


def run(quick: bool) -> list[Result]:
    """Few and many exports, each in a database of its own."""
    many = QUICK_MANY if quick else MANY
    figures = {count: _measure(count) for count in (FEW, many)}
    results = []
    for count, (scrape, recount, size) in figures.items():
        results.append(at_most(f"{count} exports, a scrape", scrape * 1000, MAX_MS, "ms", f"{size / 1000:.1f} kB"))
        results.append(Result(f"{count} exports, the nightly recount", recount * 1000, "ms"))
    results.append(at_most(f"a scrape: {many} / {FEW} exports", figures[many][0] / figures[FEW][0], MAX_RATIO, RATIO))
    return results


def _measure(count: int) -> tuple[float, float, int]:
    from prometheus_client.exposition import generate_latest

    from exports.metrics import exposition
    from exports.models import Rollup

    with open_testbed() as here:
        made = seed_rows.seed(here, each=PROJECTS)
        seed_rows.running(made, count, 3600, 3600)
        _end(made, count)
        recount = _seconds(Rollup.recount_exports)
        sizes: list[int] = []
        scrape = median(_seconds(lambda: sizes.append(len(generate_latest(exposition.REGISTRY)))) for _ in range(9))
        return scrape, recount, sizes[-1]


def _end(made: seed_rows.SeedRows, count: int) -> None:
    """Ends most exports, with what ended ones have, and as many messages that were sent."""
    from django.db import connection
    from django.utils import timezone

    from exports.models import OutboxMessage, Project

    now = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute(END_SQL, [OPEN_SHARE])
    Project.objects.update(last_good_at=now, fresh_within_hours=24)
    late = made.projects[: PROJECTS // 10]
    Project.objects.filter(pk__in=[one.pk for one in late]).update(last_good_at=now - timedelta(days=3))
    like = OutboxMessage.objects.create(team=made.team, kind="relay", key="0", sent_at=now)
    seed_rows.copies(OutboxMessage, like, like.pk + 1, like.pk + count, key="g::text")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _seconds(work: Any) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
