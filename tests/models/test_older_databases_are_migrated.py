"""A database of the first release is migrated, and its files are counted."""

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps
from django.utils import timezone

from exports.models import Team

FIRST_MIGRATION = [("exports", "0001_initial")]
pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.timeout(240), pytest.mark.django_db(transaction=True)]


def migrate(to: list[tuple[str, str]]) -> StateApps:
    """Brings the tables there, forth or back; the models as they were then."""
    executor = MigrationExecutor(connection)
    executor.migrate(to)
    return executor.loader.project_state(to).apps


@pytest.fixture
def before() -> Iterator[StateApps]:
    """The first release's tables."""
    latest = [key for key in MigrationExecutor(connection).loader.graph.leaf_nodes() if key[0] == "exports"]
    try:
        yield migrate(FIRST_MIGRATION)
    finally:
        migrate(latest)


def test_existing_files_are_counted(before: StateApps) -> None:
    teams = [before.get_model("exports", "Team").objects.create(name=name, slug=name) for name in ("one", "none")]
    for number, gone in ((1, None), (2, None), (3, timezone.now())):
        before.get_model("exports", "File").objects.create(
            team=teams[0], name="x.csv", size=100 * number, sha256="0" * 64, content_type="text/csv",
            path=f"1/{number}/x", verified_at=timezone.now(), deleted_at=gone,
        )  # fmt: skip
    executor = MigrationExecutor(connection)
    executor.migrate([key for key in executor.loader.graph.leaf_nodes() if key[0] == "exports"])
    assert list(Team.objects.order_by("pk").values_list("kept_bytes", "kept_files")) == [(300, 2), (0, 0)]
