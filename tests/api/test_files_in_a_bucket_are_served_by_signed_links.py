"""Where files are in a bucket, a download is a redirect to a signed link that lives a minute, and is in the log."""

import re
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exports.models import Download, Export, Member, Project
from exports.storage.bucket.bucket import Bucket
from tests.api.conftest import ApiClient, problem_body
from tests.helpers.kept_exports import keep_export, orders
from tests.helpers.object_store import KEYS

pytestmark = pytest.mark.slow(seconds=4)

CONTENT = orders(range(200))


@pytest.fixture
def kept(bucket: Bucket, project: Project, member: Member) -> Export:
    return keep_export(project, member, CONTENT)


def ask(url: str, **headers: str) -> Any:
    """What the store answers somebody who has only the link."""
    request = urllib.request.Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        return urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        return error


def test_the_link_gives_the_file_and_pieces_of_it_to_who_has_it(member_api: ApiClient, kept: Export) -> None:
    answer = member_api.get(f"/exports/{kept.pk}/file", Range="bytes=5-")
    assert answer.status_code == 302
    assert answer.headers["Cache-Control"] == "no-store"
    link = answer.headers["Location"]
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["60"]
    assert KEYS.secret not in link
    with ask(link) as whole:
        assert whole.read() == CONTENT
        assert whole.headers["Content-Disposition"] == f'attachment; filename="file-{kept.pk}.csv"'
        assert whole.headers["Content-Type"] == "application/octet-stream"
    with ask(link, Range="bytes=5-9") as piece:
        assert (piece.status, piece.read()) == (206, CONTENT[5:10])
    for forged in (link.replace("octet-stream", "html"), re.sub("Expires=60", "Expires=6000", link), link[:-1] + "x"):
        with ask(forged) as refused:
            assert refused.status == 403
    assert Download.objects.filter(export=kept).count() == 1


def test_a_piece_after_the_beginning_is_no_new_download(member_api: ApiClient, kept: Export) -> None:
    for range_ in ("bytes=0-", "bytes=100-", "bytes=200-"):
        assert member_api.get(f"/exports/{kept.pk}/file", Range=range_).status_code == 302
    assert Download.objects.filter(export=kept).count() == 1


def test_head_and_what_is_there_already_need_no_link(member_api: ApiClient, kept: Export) -> None:
    assert kept.file is not None
    head = member_api.call("HEAD", f"/exports/{kept.pk}/file")
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(CONTENT)))
    known = member_api.get(f"/exports/{kept.pk}/file", If_None_Match=f'"{kept.file.sha256}"')
    assert known.status_code == 304
    assert not Download.objects.exists()


def test_a_lost_file_and_a_store_that_refuses_are_told_apart(
    member_api: ApiClient, kept: Export, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kept.file is not None
    with monkeypatch.context() as refused:
        refused.setenv("AWS_SECRET_ACCESS_KEY", "another-secret")
        answer = member_api.get(f"/exports/{kept.pk}/file")
        assert "refuses this to the portal's keys" in problem_body(answer, 503)["detail"]
        assert answer.headers["Retry-After"] == "5"
    bucket.delete(kept.file.path)
    assert member_api.get(f"/exports/{kept.pk}/file").status_code == 410


def test_a_store_that_nobody_else_reaches_is_read_through_the_portal(
    member_api: ApiClient, kept: Export, settings: Any
) -> None:
    settings.STORAGE_URL += "&redirect=no"
    answer = member_api.get(f"/exports/{kept.pk}/file", Range="bytes=5-9")
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, CONTENT[5:10])


def test_a_deleted_file_is_gone_from_the_bucket(member_api: ApiClient, kept: Export, bucket: Bucket) -> None:
    assert kept.file is not None
    assert member_api.call("DELETE", f"/exports/{kept.pk}/file").status_code == 204
    with pytest.raises(FileNotFoundError):
        bucket.size(kept.file.path)
