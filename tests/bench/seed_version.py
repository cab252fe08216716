"""Fills the database of a version of the portal with that version's own models: run inside its tree.

    python -m tests.bench.seed_version running ORIGIN CREDENTIALS COUNT INTERVAL
    python -m tests.bench.seed_version waiting ORIGIN CREDENTIALS COUNT

`running`: exports whose jobs run, due in an hour. `waiting`: exports of projects of their own, due tomorrow.
"""

import importlib
import importlib.util
import sys
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import django


def running(rows: Any, seeded: Any, count: int, interval: float) -> None:
    """Exports in flight, one poll each `interval` seconds."""
    rows.running(seeded, count, interval, 3600)


def waiting(rows: Any, seeded: Any, count: int) -> None:
    """Exports that wait to be submitted."""
    from django.utils import timezone

    from exports.models import Export, Project

    # The constant had another name before.
    first = rows.FIRST_ID if hasattr(rows, "FIRST_ID") else rows.FIRST
    last, credentials = first + count - 1, len(seeded.credentials)
    credential = f"{seeded.credentials[0].pk} + g % {credentials}"
    rows.copies(Project, seeded.projects[0], first, last, remote_id="g::text", credential_id=credential)
    now = timezone.now()
    like = Export.objects.create(
        pk=first - 1, team=seeded.team, project=seeded.projects[0], user=seeded.user, trigger="person",
        type="archive", format="zip", next_step_at=now + timedelta(days=1), deadline_at=now + timedelta(days=2),
    )  # fmt: skip
    rows.copies(Export, like, first, last, project_id="g")
    Export.objects.filter(pk=like.pk).delete()


def main(what: str, origin: str, credentials: str, count: str, *interval: str) -> None:
    """Runs it from the command line."""
    django.setup()
    # The module had another name before.
    is_new = importlib.util.find_spec("tests.bench.seed_rows") is not None
    rows = importlib.import_module("tests.bench.seed_rows" if is_new else "tests.bench.rows")
    testbed = SimpleNamespace(stand_in=SimpleNamespace(origin=origin))
    seeded = (rows.seed if is_new else rows.base)(testbed, int(credentials))
    if what == "running":
        running(rows, seeded, int(count), float(interval[0]))
    else:
        waiting(rows, seeded, int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
