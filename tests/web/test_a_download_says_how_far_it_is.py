"""The bytes of a download, read from its part on the disk: on the export's page, in lists, on home."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from exports import states
from exports.models import Export
from exports.storage.download_progress import download_progress
from exports.storage.files import PartialFile
from tests.helpers import factories
from tests.helpers.cast import Cast


@pytest.fixture
def fetching(cast: Cast) -> Export:
    export = factories.processing_export(cast)
    soon = timezone.now() + timedelta(seconds=30)
    Export.objects.filter(pk=export.pk).update(step=states.FETCH, progress=100, next_step_at=soon)
    export.refresh_from_db()
    return export


def write_part(export: Export, size: int, total: object) -> None:
    part = PartialFile(export.pk, export.fence)
    part.path.write_bytes(b"x" * size)
    part.metadata_path.write_text(json.dumps({"total": total}))


def test_bytes_are_said_where_they_are_known(as_viewer: Client, fetching: Export) -> None:
    write_part(fetching, 12_000, 40_000)
    page = as_viewer.get(f"/t/the-team/exports/{fetching.pk}/").content.decode()
    assert "12.0\xa0KB of 40.0\xa0KB" in page
    assert 'value="30" max="100"' in page
    for path in ("exports/", ""):
        assert "12.0\xa0KB of 40.0\xa0KB" in as_viewer.get(f"/t/the-team/{path}").content.decode()


def test_a_download_that_is_whole_is_being_checked(as_viewer: Client, fetching: Export) -> None:
    write_part(fetching, 40_000, 40_000)
    page = as_viewer.get(f"/t/the-team/exports/{fetching.pk}/").content.decode()
    assert "Verifying" in page
    assert "checking the file" in as_viewer.get("/t/the-team/exports/").content.decode()


@pytest.mark.parametrize("total", [None, "many", -1, 0])
def test_without_a_total_only_what_came_is_said(as_viewer: Client, fetching: Export, total: object) -> None:
    write_part(fetching, 12_000, total)
    page = as_viewer.get(f"/t/the-team/exports/{fetching.pk}/").content.decode()
    assert "12.0\xa0KB<" in page
    assert "100 %" not in page, "that was the job's"


def test_a_part_that_is_not_here_or_odd_is_no_error(as_viewer: Client, fetching: Export) -> None:
    assert download_progress(fetching.pk, fetching.fence) is None
    assert as_viewer.get(f"/t/the-team/exports/{fetching.pk}/").status_code == 200
    write_part(fetching, 1, 2)
    PartialFile(fetching.pk, fetching.fence).metadata_path.write_text("[]")
    progress = download_progress(fetching.pk, fetching.fence)
    assert progress is not None
    assert (progress.size, progress.percent, progress.is_complete) == (1, None, False)
