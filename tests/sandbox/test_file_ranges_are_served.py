"""Ranges of a file are served, and ranges of different files are never mixed."""

from collections.abc import Callable

import pytest
import requests

from exports.sandbox.server import Sandbox
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.sandbox.provider_clients import TIMEOUT_SECONDS, Client, download

Make = Callable[[str], Client]


@pytest.fixture
def link(client: Make) -> str:
    return client(ARCHIVES).link()


@pytest.mark.parametrize(
    ("range_header", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-10", -10, None), ("bytes=5-99999999", 5, None)],
)
def test_a_range_is_answered_206_with_just_that_part(
    link: str, range_header: str, start: int, stop: int | None
) -> None:
    whole, part = download(link), download(link, Range=range_header)
    assert part.status_code == 206
    assert part.content == whole.content[start:stop]
    first = start % len(whole.content)
    assert part.headers["Content-Range"] == f"bytes {first}-{first + len(part.content) - 1}/{len(whole.content)}"
    assert part.headers["ETag"] == whole.headers["ETag"]


def test_a_range_past_the_end_is_416(link: str) -> None:
    size = int(download(link).headers["Content-Length"])
    answer = download(link, Range=f"bytes={size}-")
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, f"bytes */{size}")


@pytest.mark.parametrize("odd", ["bytes=9-5", "bytes=-", "items=0-5", "bytes=0-1,4-5"])
def test_what_is_no_range_is_answered_with_everything(link: str, odd: str) -> None:
    assert download(link, Range=odd).status_code == 200


def test_if_range_decides_between_the_part_and_everything(link: str) -> None:
    whole = download(link)
    for validator in (whole.headers["ETag"], whole.headers["Last-Modified"]):
        assert download(link, Range="bytes=5-", If_Range=validator).status_code == 206
    assert download(link, Range="bytes=5-", If_Range='"another"').status_code == 200


def test_head_tells_the_length_without_the_body(link: str) -> None:
    answer = requests.head(link, timeout=TIMEOUT_SECONDS)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) == len(download(link).content)


def test_a_file_can_be_had_only_at_its_own_address(link: str, sandbox: Sandbox) -> None:
    assert download(link.replace("/files/", "/files/x")).status_code == 404
    assert download(link.replace(f"/{ARCHIVES}/", f"/{TABLES}/")).status_code == 404


def test_a_file_as_large_as_wanted_can_be_read_from_its_end(client: Make, sandbox: Sandbox) -> None:
    sandbox.settings(file_bytes=5 << 30)
    for provider in (ARCHIVES, VIDEOS):
        large = client(provider).link()
        answer = download(large, Range="bytes=-100")
        assert answer.headers["Content-Range"].endswith(f"/{5 << 30}")
        assert len(answer.content) == 100
    sandbox.settings(file_bytes=200_000)
    for form in ("csv", "xlsx"):
        size = len(download(client(TABLES).link(format=form)).content)
        assert 200_000 <= size < 230_000
