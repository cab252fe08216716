"""A video's first picture comes from its beginning and end, which are served without a receipt; playing leaves one."""

from typing import Any

import pytest
from django.test import Client

from exports.http import video_excerpt
from exports.models import Download, Export
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import keep_export
from tests.helpers.roles import TABLES, VIDEOS

BYTES = bytes(range(100))


@pytest.fixture
def export(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> Export:
    monkeypatch.setattr(video_excerpt, "EXCERPT_BYTES", 10)
    return keep_export(cast.project(VIDEOS), cast.member, BYTES, "mp4")


def poster(client: Client, export: Export, wanted: str | None) -> Any:
    headers = {"Range": wanted} if wanted else {}
    return client.get(f"/t/the-team/exports/{export.pk}/poster", headers=headers)


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("bytes=0-", 0, 9), ("bytes=4-5", 4, 5), ("bytes=5-50", 5, 9), ("bytes=90-", 90, 99), ("bytes=-3", 97, 99)],
)
def test_the_beginning_and_the_end_are_served(
    as_viewer: Client, export: Export, wanted: str, first: int, last: int
) -> None:
    answer = poster(as_viewer, export, wanted)
    assert (answer.status_code, answer["Content-Range"]) == (206, f"bytes {first}-{last}/100")
    assert b"".join(answer) == BYTES[first : last + 1]
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert not Download.objects.exists()


@pytest.mark.parametrize("wanted", [None, "bytes=10-", "bytes=50-60", "bytes=-50", "bytes=100-"])
def test_nothing_between_is_served(as_viewer: Client, export: Export, wanted: str | None) -> None:
    answer = poster(as_viewer, export, wanted)
    assert (answer.status_code, answer["Content-Range"], answer.content) == (416, "bytes */100", b"")


def test_only_videos_have_one(as_viewer: Client, as_outsider: Client, export: Export, cast: Cast) -> None:
    table = keep_export(cast.project(TABLES), cast.member, b"a;b\n")
    assert poster(as_viewer, table, "bytes=0-").status_code == 404
    assert poster(as_outsider, export, "bytes=0-").status_code == 404
