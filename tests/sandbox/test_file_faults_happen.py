"""Faults of links and downloads really happen."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, TIMEOUT_SECONDS, Client, download, with_links

Make = Callable[[str], Client]
BROKEN = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def put(sandbox: Sandbox, fault: str, provider: str = ARCHIVES, **more: Any) -> int:
    return sandbox.fault(provider=provider, project=HEALTHY_PROJECTS[provider], on="file", fault=fault, **more)


def partly(link: str, **headers: str) -> tuple[bytes, dict[str, str]]:
    """What arrives before the connection is cut, and the headers."""
    got = b""
    answer = requests.get(
        link, headers={"Accept-Encoding": "identity", **headers}, stream=True, timeout=TIMEOUT_SECONDS
    )
    try:
        with answer:
            for piece in answer.iter_content(1000):
                got += piece
    except BROKEN:
        return got, dict(answer.headers)
    raise AssertionError("the connection was not cut")


@pytest.mark.parametrize("variant", ["length", "chunked"])
def test_a_truncated_file_never_gets_past_its_middle(client: Make, sandbox: Sandbox, variant: str) -> None:
    link, number = client(ARCHIVES).link(), put(sandbox, "truncated", variant=variant)
    got, _ = partly(link)
    assert 0 < len(got) <= 131_072
    more, _ = partly(link, Range=f"bytes={len(got)}-")
    assert len(got) + len(more) <= 131_072
    assert sandbox.fired(number) == 2


@pytest.mark.parametrize(("provider", "form"), [(ARCHIVES, "zip"), (TABLES, "xlsx"), (TABLES, "csv"), (VIDEOS, "")])
def test_a_file_may_be_too_short_without_saying_so(client: Make, sandbox: Sandbox, provider: str, form: str) -> None:
    link = client(provider).link(**({"format": form} if provider == TABLES else {}))
    whole = download(link).content
    number = put(sandbox, "truncated_quietly", provider)
    answer = download(link)
    assert len(answer.content) == int(answer.headers["Content-Length"]) < len(whole)
    assert whole.startswith(answer.content)
    assert sandbox.fired(number) == 1
    if form in ("zip", "xlsx"):
        with pytest.raises(zipfile.BadZipFile):
            zipfile.ZipFile(io.BytesIO(answer.content))
    if form == "csv":
        assert answer.content.count(b'"') % 2 == 1


def test_a_file_cut_once_can_be_resumed(client: Make, sandbox: Sandbox) -> None:
    link, number = client(ARCHIVES).link(), put(sandbox, "cut_once")
    got, headers = partly(link)
    rest = download(link, Range=f"bytes={len(got)}-", If_Range=headers["ETag"])
    assert rest.status_code == 206
    assert zipfile.ZipFile(io.BytesIO(got + rest.content)).testzip() is None
    assert sandbox.fired(number) == 1


def test_ranges_may_be_ignored(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    put(sandbox, "no_ranges")
    answer = download(link, Range="bytes=100-")
    assert (answer.status_code, len(answer.content)) == (200, 262_144)


def test_a_range_may_be_another_one_than_asked_for(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    put(sandbox, "wrong_range")
    assert download(link, Range="bytes=1000-").headers["Content-Range"] == "bytes 900-262043/262144"


def test_a_file_may_change_after_the_first_cut(client: Make, sandbox: Sandbox) -> None:
    link, number = client(ARCHIVES).link(), put(sandbox, "changed_file")
    got, headers = partly(link)
    rest = download(link, Range=f"bytes={len(got)}-", If_Range=headers["ETag"])
    assert rest.status_code == 200
    assert rest.headers["ETag"] != headers["ETag"]
    assert not rest.content.startswith(got)
    assert zipfile.ZipFile(io.BytesIO(rest.content)).testzip() is None
    assert sandbox.fired(number) == 1


@pytest.mark.parametrize("provider", with_links())
@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_dead_link_is_replaced_when_the_job_is_read_again(
    client: Make, sandbox: Sandbox, provider: str, status: int
) -> None:
    one, number = client(provider), put(sandbox, "dead_link", provider, status=status)
    job = one.start()
    first = one.wait(job).link or ""
    assert [download(first).status_code for _ in range(2)] == [status, status]
    second = one.job_status(job).link or ""
    assert second != first
    assert download(second).status_code == 200
    assert sandbox.fired(number) == 1


def test_no_link_may_ever_work(client: Make, sandbox: Sandbox) -> None:
    play, number = client(ARCHIVES), put(sandbox, "dead_for_good")
    job = play.start()
    play.wait(job)
    assert [download(play.job_status(job).link or "").status_code for _ in range(3)] == [410] * 3
    assert sandbox.fired(number) == 3


def test_a_page_or_nothing_may_come_instead_of_the_file(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    put(sandbox, "wrong_type", times=1)
    put(sandbox, "empty_file", times=1)
    page, empty = download(link), download(link)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert (empty.status_code, empty.content) == (200, b"")


@pytest.mark.parametrize(
    ("fault", "target"),
    [
        ("redirect_private", "http://169.254.169.254/"),
        ("redirect_scheme", "ftp://"),
        ("redirect_loop", "http://127.0.0.1"),
    ],
)
def test_a_link_may_lead_where_nobody_should_follow(client: Make, sandbox: Sandbox, fault: str, target: str) -> None:
    link, number = client(ARCHIVES).link(), put(sandbox, fault)
    answer = download(link)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(target)
    assert (answer.headers["Location"] == link) is (fault == "redirect_loop")
    assert sandbox.fired(number) == 1


def test_a_redirect_can_be_to_anywhere_or_to_the_file(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    put(sandbox, "redirect_private", location="http://10.0.0.1/", times=1)
    put(sandbox, "redirect_ok")
    assert download(link).headers["Location"] == "http://10.0.0.1/"
    moved = download(download(link).headers["Location"])
    assert (moved.status_code, len(moved.content)) == (200, 262_144)


def test_a_file_may_come_compressed_unasked(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    put(sandbox, "gzip")
    answer = download(link)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


def test_a_file_may_never_end(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    put(sandbox, "endless_file")
    with requests.get(link, stream=True, timeout=TIMEOUT_SECONDS) as answer:
        assert "Content-Length" not in answer.headers
        assert sum(len(piece) for _, piece in zip(range(100), answer.iter_content(100_000), strict=False)) > 5_000_000


def test_general_faults_happen_to_files_too(client: Make, sandbox: Sandbox) -> None:
    link = client(ARCHIVES).link()
    put(sandbox, "status", status=503, times=1)
    put(sandbox, "429", retry_after=3, times=1)
    put(sandbox, "cut", times=1)
    assert download(link).status_code == 503
    assert download(link).headers["Retry-After"] == "3"
    with pytest.raises(BROKEN):
        download(link)
    assert download(link).status_code == 200
