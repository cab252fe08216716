"""GET /exports/:id/file serves the file and ranges of it, with headers that prevent its content from being executed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from exports.http.file_responses import content_disposition
from exports.models import Export, Project
from exports.storage import files
from tests.api.conftest import ApiClient, problem_body

CONTENT = bytes(range(256)) * 4


@pytest.fixture
def kept(project: Project, finished: Callable[..., Export]) -> Export:
    return finished(project, CONTENT)


@pytest.fixture
def path(kept: Export) -> str:
    return f"/exports/{kept.pk}/file"


def read(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_whole_file_comes_with_its_headers(member_api: ApiClient, kept: Export, path: str) -> None:
    answer = member_api.get(path)
    assert answer.status_code == 200
    assert read(answer) == CONTENT
    assert kept.file is not None
    wanted = {
        "Content-Length": "1024",
        "Content-Type": "text/csv; charset=utf-8",
        "Content-Disposition": 'attachment; filename="orders.csv"',
        "ETag": f'"{kept.file.sha256}"',
        "Accept-Ranges": "bytes",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "private, no-cache",
    }
    assert {name: answer.headers[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("range_header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=0-99", 0, 99),
        ("bytes=1000-", 1000, 1023),
        ("bytes=1000-5000", 1000, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=-5000", 0, 1023),
        ("bytes=0-", 0, 1023),
        ("BYTES= 5-6 ", 5, 6),
        (f"bytes=0-{'9' * 3000}", 0, 1023),
    ],
)
def test_a_single_range_is_206_with_that_part(
    member_api: ApiClient, path: str, range_header: str, first: int, last: int
) -> None:
    answer = member_api.get(path, Range=range_header)
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/1024"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert read(answer) == CONTENT[first : last + 1]


@pytest.mark.parametrize("range_header", ["bytes=1024-", "bytes=9999-10000", "bytes=-0", f"bytes={'9' * 3000}-"])
def test_a_range_beyond_the_end_is_416(member_api: ApiClient, path: str, range_header: str) -> None:
    answer = member_api.get(path, Range=range_header)
    problem_body(answer, 416)
    assert answer.headers["Content-Range"] == "bytes */1024"


@pytest.mark.parametrize(
    "range_header",
    ["bytes=0-1,5-6", "bytes=9-5", "bytes=-", "bytes=a-b", "bytes", "lines=0-5", "bytes=+1-5", "bytes=٣-"],
)
def test_several_or_invalid_ranges_return_the_whole_file(member_api: ApiClient, path: str, range_header: str) -> None:
    answer = member_api.get(path, Range=range_header)
    assert (answer.status_code, read(answer)) == (200, CONTENT)


def test_if_range_returns_the_whole_file_when_it_has_changed(member_api: ApiClient, path: str) -> None:
    head = member_api.call("HEAD", path)
    for validator in (head.headers["ETag"], head.headers["Last-Modified"]):
        assert member_api.get(path, Range="bytes=0-9", If_Range=validator).status_code == 206
    for validator in ('"another"', f"W/{head.headers['ETag']}", "Mon, 01 Jan 2001 00:00:00 GMT", "*"):
        assert member_api.get(path, Range="bytes=0-9", If_Range=validator).status_code == 200


def test_an_unchanged_file_is_304(member_api: ApiClient, path: str) -> None:
    etag = member_api.call("HEAD", path).headers["ETag"]
    for validator in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = member_api.get(path, If_None_Match=validator, Range="bytes=9999-")
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (304, b"", etag)
    assert member_api.get(path, If_None_Match='"x"').status_code == 200


def test_a_precondition_that_fails_is_412(member_api: ApiClient, path: str) -> None:
    problem_body(member_api.get(path, If_Match='"another"'), 412)


def test_head_returns_the_same_headers_without_a_body(member_api: ApiClient, path: str) -> None:
    answer, whole = member_api.call("HEAD", path, Range="bytes=0-9"), member_api.get(path)
    assert (answer.status_code, answer.content) == (200, b"")
    names = ("Content-Length", "Content-Type", "Content-Disposition", "ETag", "Accept-Ranges", "Cache-Control")
    assert all(answer.headers[name] == whole.headers[name] for name in names)


def test_an_export_without_a_file_is_404(member_api: ApiClient, export: Export) -> None:
    assert "waiting" in problem_body(member_api.get(f"/exports/{export.pk}/file"), 404)["detail"]
    member_api.post(f"/exports/{export.pk}/cancel")
    assert "canceled" in problem_body(member_api.get(f"/exports/{export.pk}/file"), 404)["detail"]


def test_a_deleted_file_is_410_and_its_history_stays(member_api: ApiClient, kept: Export, path: str) -> None:
    assert kept.file is not None
    kept.file.deleted_at = kept.finished_at
    kept.file.save()
    problem_body(member_api.get(path), 410)
    assert len(member_api.get(f"/exports/{kept.pk}/history").json()["history"]) == 3


def test_a_lost_file_is_410_and_logged(
    member_api: ApiClient, kept: Export, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert kept.file is not None
    files.path_of(kept.file).unlink()
    problem_body(member_api.get(path), 410)
    assert kept.file.path in caplog.text


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files the Linux way")
def test_files_are_closed_after_the_response(member_api: ApiClient, path: str) -> None:
    def handles() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    member_api.get("/me")
    before = handles()
    for headers in ({}, {"Range": "bytes=0-9"}, {"Range": "bytes=9999-"}, {"If_None_Match": "*"}, {"If_Match": '"x"'}):
        answer = member_api.get(path, **headers)
        if answer.streaming:
            read(answer)
    member_api.call("HEAD", path)
    assert handles() == before


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("orders 2026.csv", 'filename="orders 2026.csv"'),
        ('a"b.csv', 'filename="a_b.csv"'),
        ("a\\b.csv", 'filename="a_b.csv"'),
        ("../../etc/passwd", 'filename="_.._etc_passwd"'),
        ("a\r\nSet-Cookie: x=1.csv", "filename=\"aSet-Cookie_ x_1.csv\"; filename*=UTF-8''aSet-Cookie_%20x%3D1.csv"),
        ("été.csv", "filename=\"ete.csv\"; filename*=UTF-8''%C3%A9t%C3%A9.csv"),
        ("заказы.csv", "filename=\"file.csv\"; filename*=UTF-8''%D0%B7%D0%B0%D0%BA%D0%B0%D0%B7%D1%8B.csv"),
        ("50%.csv", "filename=\"50_.csv\"; filename*=UTF-8''50%25.csv"),
        ("\u202egnp.exe", 'filename="gnp.exe"'),
        ("", 'filename="file"'),
        ("...", 'filename="file"'),
        (".htaccess", 'filename="htaccess"'),
    ],
)
def test_file_names_are_sent_safely_and_exactly(name: str, header: str) -> None:
    assert content_disposition(name) == f"attachment; {header}"
