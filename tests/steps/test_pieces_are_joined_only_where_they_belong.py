"""A file that came in pieces is the host's file, byte for byte, however the host answers to ranges; or is refused."""

import json
from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Export
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.raw_server import Answer, RawServer, answer, chunked, run_raw_server, sized
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export
from tests.helpers.time_travel import TimeTravel, time_travel

TABLE = b"id;name;total\n" + b"".join(b"%d;zoe %d;%d\n" % (n, n, n) for n in range(3000))
OTHER = TABLE.replace(b"zoe", b"bob")
SIZE, KEPT = len(TABLE), 20_000
ETAG, DATE = 'ETag: "one"', "Last-Modified: Mon, 02 Nov 2026 01:00:00 GMT"
Rest = Callable[[int], bytes]


@pytest.fixture
def host(settings: Settings) -> Iterator[RawServer]:
    with run_raw_server() as server:
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


@pytest.fixture
def time() -> Iterator[TimeTravel]:
    with time_travel() as moved:
        yield moved


def cut(*headers: str) -> bytes:
    """The whole table as announced, of which only the beginning comes."""
    whole = sized(TABLE, *headers)
    return whole[: len(whole) - SIZE + KEPT]


def piece(start: int, end: int, total: int | str, *headers: str, body: bytes = TABLE, status: str = "206 P") -> bytes:
    return sized(body[start:end], f"Content-Range: bytes {start}-{end - 1}/{total}", *headers, status=status)


def serve(first: bytes, rest: Rest) -> Answer:
    """The answers of a host: `first` without a range, `rest` of its first position with one."""

    def reply(head: bytes) -> bytes:
        lines = dict(line.lower().partition(": ")[::2] for line in head.decode().split("\r\n")[1:])
        start = lines.get("range", "").removeprefix("bytes=").removesuffix("-")
        return rest(int(start)) if start else first

    return reply


def fetch(cast: Cast, host: RawServer, time: TimeTravel, *replies: Answer) -> Export:
    link = host.on("GET /orders.csv", *replies)
    job = {"id": 501, "project_id": 4001, "type": "orders", "format": "csv", "status": "succeeded", "url": link}
    host.on("GET /v1/exports/501", sized(json.dumps(job).encode()))
    project = cast.project(TABLES, host.origin)
    return time.run(request_export(project, cast.member, "orders", "csv", adopt="501"))


WHOLE: dict[str, tuple[bytes, Rest]] = {
    "pieces shorter than asked for": (cut(ETAG), lambda start: piece(start, min(SIZE, start + 9001), SIZE, ETAG)),
    "a 200 that is a piece": (cut(ETAG), lambda start: piece(start, SIZE, SIZE, ETAG, status="200 OK")),
    "pieces that do not say the whole": (cut(ETAG), lambda start: piece(start, min(SIZE, start + 9001), "*", ETAG)),
    "a piece that begins earlier": (cut(ETAG), lambda start: piece(start // 4096 * 4096, SIZE, SIZE, ETAG)),
    "the whole as a piece": (cut(ETAG), lambda start: piece(0, SIZE, SIZE, ETAG)),
    "a piece without the date": (cut(DATE), lambda start: piece(start, SIZE, SIZE)),
    "a first piece, whose whole is said at the end": (
        piece(0, KEPT, "*", ETAG),
        lambda start: (
            piece(start, min(SIZE, start + 30_000), "*", ETAG)
            if start < SIZE
            else sized(b"", f"Content-Range: bytes */{SIZE}", status="416 Range Not Satisfiable")
        ),
    ),
}
# Each answer to a range is of no use; without one, the host sends the file. It is cut off once.
REFUSED: dict[str, bytes] = {
    "a piece under a 200": sized(TABLE[KEPT:], ETAG),
    "a page under the headers of a piece": sized(
        b"<html>Sign in</html>", f"Content-Range: bytes {KEPT}-{SIZE - 1}/{SIZE}", ETAG, status="206 P"
    ),
    "the same in chunks": chunked(
        b"<html>Sign in</html>", f"Content-Range: bytes {KEPT}-{SIZE - 1}/{SIZE}", ETAG
    ).replace(b"200 OK", b"206 P"),
    "pieces in one form": sized(
        b"--B\r\n\r\n" + TABLE[KEPT:] + b"\r\n--B--", "Content-Type: multipart/byteranges; boundary=B", status="206 P"
    ),
    "403": sized(b"<Error/>", status="403 Forbidden"),
    "204": sized(b"", status="204 No Content"),
    "304": answer(b"", ETAG, status="304 Not Modified"),
    "412": sized(b"", status="412 Precondition Failed"),
    "501": sized(b"", status="501 Not Implemented"),
}
NEVER_WHOLE: dict[str, tuple[bytes, Rest]] = {
    "another version, without the tag": (cut(ETAG), lambda start: piece(start, SIZE, SIZE, body=OTHER)),
    "another version, dated": (cut(DATE), lambda start: piece(start, SIZE, SIZE, DATE.replace("1:", "2:"), body=OTHER)),
    "a piece from behind": (cut(ETAG), lambda start: piece(start + 100, SIZE, SIZE, ETAG)),
    "a first piece and no more": (
        sized(TABLE[: TABLE.index(b"\n900;") + 1], "Content-Range: bytes 0-14884/*", status="206 P"),
        lambda start: b"",
    ),
}


@pytest.mark.parametrize(("first", "rest"), WHOLE.values(), ids=WHOLE)
def test_the_pieces_of_one_file_are_joined(
    cast: Cast, host: RawServer, time: TimeTravel, first: bytes, rest: Rest
) -> None:
    export = fetch(cast, host, time, serve(first, rest))
    assert export.status == states.SUCCEEDED, export.error_message
    assert export.file is not None
    assert files.path_of(export.file).read_bytes() == TABLE


@pytest.mark.parametrize(("first", "rest"), NEVER_WHOLE.values(), ids=NEVER_WHOLE)
def test_what_is_not_of_the_same_file_is_not_joined(
    cast: Cast, host: RawServer, time: TimeTravel, first: bytes, rest: Rest
) -> None:
    export = fetch(cast, host, time, serve(first, rest))
    assert (export.status, export.error_code) == (states.FAILED, "bad_file")


@pytest.mark.parametrize("refusal", REFUSED.values(), ids=REFUSED)
def test_a_file_whose_rest_cannot_be_had_by_a_range_is_fetched_anew(
    cast: Cast, host: RawServer, time: TimeTravel, refusal: bytes
) -> None:
    firsts = [cut(ETAG)]

    def reply(head: bytes) -> bytes:
        return refusal if b"\r\nRange: " in head else firsts.pop() if firsts else sized(TABLE, ETAG)

    export = fetch(cast, host, time, reply)
    assert export.status == states.SUCCEEDED, (export.error_message, export.wait_note)
    assert export.file is not None
    assert files.path_of(export.file).read_bytes() == TABLE
    assert time.passed < 600


def test_a_host_that_sends_more_than_it_announces_is_not_believed(
    cast: Cast, host: RawServer, time: TimeTravel
) -> None:
    whole = sized(TABLE)
    export = fetch(cast, host, time, whole.replace(b"Length: %d" % SIZE, b"Length: %d" % (SIZE - 2)))
    assert (export.status, export.error_code) == (states.FAILED, "bad_file")
    assert "sent more than it announced" in export.error_message
    assert time.passed < 240
