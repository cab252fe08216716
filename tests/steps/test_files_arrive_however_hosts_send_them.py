"""What file hosts really do, from the field: the export succeeds with the very bytes, or says soon why it cannot."""

import gzip
import hashlib
import json
from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Call, Export
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.raw_server import RawServer, answer, field_bytes, run_raw_server, sized
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.run_exports import request_export, run_to_end

TABLE = b"id;mail;total\r\n" + b"".join(b"%07d;zo\xc3\xa9@example.org;%d,50\r\n" % (n, n % 97) for n in range(140_000))
PLAIN = field_bytes("gzip-said-plain-sent.http").partition(b"\r\n\r\n")[2]
FetchLink = Callable[[str], Export]


@pytest.fixture
def host(settings: Settings) -> Iterator[RawServer]:
    """The provider and the file's host in one."""
    with run_raw_server() as server:
        settings.PRIVATE_HOSTS = (server.host,)
        yield server


@pytest.fixture
def fetch_link(cast: Cast, host: RawServer) -> FetchLink:
    """fetch_link(link) is the export of a job that is done and names that link, run to its end."""

    def run(link: str) -> Export:
        row = {"id": 501, "project_id": 4001, "type": "orders", "format": "csv", "status": "succeeded", "url": link}
        host.on("GET /v1/exports/501", sized(json.dumps(row).encode()))
        project = cast.project(TABLES, host.origin)
        return run_to_end(request_export(project, cast.member, "orders", "csv", adopt="501"))

    return run


def content(export: Export) -> bytes:
    assert export.status == states.SUCCEEDED, (export.error_code, export.error_message)
    assert export.file is not None
    return files.path_of(export.file).read_bytes()


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (field_bytes("multi-member-gzip.http"), field_bytes("multi-member-gzip.csv")),
        (field_bytes("gzip-said-plain-sent.http"), PLAIN),
        (answer(gzip.compress(PLAIN)), PLAIN),
        (sized(PLAIN, *(f"X-Debug-{number}: x" for number in range(120))), PLAIN),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + sized(PLAIN), PLAIN),
        (answer(PLAIN, "Content-Length: \xb2", "Content-Range: bytes \xb2-9/10"), PLAIN),
        (answer(PLAIN, "Content-Length: " + "9" * 5000), PLAIN),
        (answer(PLAIN, "Content-Range: bytes 0-59/60", status="206 Partial Content"), PLAIN),
    ],
    ids=["gzip members", "no gzip", "gzip unsaid", "headers", "hints", "superscript", "5000 digits", "206 unasked"],
)
def test_the_very_bytes_are_kept(host: RawServer, fetch_link: FetchLink, reply: bytes, expected: bytes) -> None:
    export = fetch_link(host.on("GET /files/orders.csv", reply))
    assert content(export) == expected
    assert len(host.requests_to("GET /files/orders.csv")) == 1


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (field_bytes("closed-in-the-last-cell.http"), "Damaged 4 times:"),
        (sized(b"\x1b\x07\x10\x00\x01\x9f" * 40, "Content-Encoding: br"), "packed as br"),
        (sized(gzip.compress(PLAIN)[:-9], "Content-Encoding: gzip"), "incomplete"),
    ],
    ids=["closed in the last cell", "br", "packed and cut at its source"],
)
def test_what_is_no_whole_file_ends_soon_as_a_bad_file(
    host: RawServer, fetch_link: FetchLink, reply: bytes, words: str
) -> None:
    export = fetch_link(host.on("GET /files/orders.csv", reply))
    assert (export.status, export.error_code) == (states.FAILED, "bad_file")
    assert words in export.error_message
    assert len(host.requests_to("GET /files/orders.csv")) == 4


@pytest.mark.parametrize("word", ["utf-8", "identity", "aws-chunked"])
def test_a_host_that_cuts_each_connection_is_resumed_in_spite_of_a_harmless_word(
    host: RawServer, fetch_link: FetchLink, word: str
) -> None:
    sent: list[int] = []

    def serve(head: bytes) -> bytes:
        lines = dict(line.partition(": ")[::2] for line in head.decode().lower().split("\r\n")[1:])
        start = int(lines.get("range", "bytes=0-").removeprefix("bytes=").partition("-")[0])
        names = [f"Content-Encoding: {word}", 'ETag: "one"', "Accept-Ranges: bytes", "Content-Type: text/csv"]
        rest = TABLE[start:]
        if start:
            names.append(f"Content-Range: bytes {start}-{len(TABLE) - 1}/{len(TABLE)}")
        sent.append(min(len(rest), 1_000_000))
        whole = sized(rest, *names, status="206 Partial Content" if start else "200 OK")
        return whole[: len(whole) - len(rest) + sent[-1]]

    assert len(TABLE) > 4_000_000
    export = fetch_link(host.on("GET /files/orders.csv", serve))
    assert hashlib.sha256(content(export)).hexdigest() == hashlib.sha256(TABLE).hexdigest()
    assert sum(sent) == len(TABLE)
    statuses = Call.objects.filter(export=export, url__contains="…").order_by("pk").values_list("status", flat=True)
    assert list(statuses) == [200, 206, 206, 206, 206][: len(sent)]


def test_a_packed_range_is_not_joined_to_plain_bytes(host: RawServer, fetch_link: FetchLink) -> None:
    etag = 'ETag: "one"'
    cut = sized(TABLE[:300_000], etag)[:-100_000]
    piece = f"Content-Range: bytes 0-9/{len(TABLE)}"
    packed = sized(gzip.compress(TABLE[200_000:300_000]), "Content-Encoding: gzip", etag, piece, status="206 Partial")
    link = host.on("GET /files/orders.csv", cut, packed, sized(TABLE[:300_000], etag))
    assert content(fetch_link(link)) == TABLE[:300_000]


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("{origin}/files/Promo 100% bio.csv", "/files/Promo%20100%25%20bio.csv"),
        ("{origin}/files/Prénom 1.csv?sig=a%2fb", "/files/Pr%C3%A9nom%201.csv?sig=a%2fb"),
        ("/files/orders 7.csv", "/files/orders%207.csv"),
        ("//{host}/files/orders.csv", "/files/orders.csv"),
    ],
)
def test_a_link_that_a_browser_opens_is_fetched(host: RawServer, fetch_link: FetchLink, link: str, target: str) -> None:
    host.on(f"GET {target}", sized(PLAIN))
    assert content(fetch_link(link.format(origin=host.origin, host=host.host))) == PLAIN


def test_a_redirect_with_raw_utf8_is_followed(host: RawServer, fetch_link: FetchLink) -> None:
    moved = field_bytes("utf8-location.http").replace(b"https://files.example.org/exports", host.origin.encode())
    host.on("GET /Pr%C3%A9nom-commandes.csv", sized(PLAIN))
    assert content(fetch_link(host.on("GET /start", moved))) == PLAIN
    assert b"credential" not in b"".join(host.requests)


def test_hints_before_the_answer_to_the_request_are_no_second_request(cast: Cast, host: RawServer) -> None:
    host.on("POST /api/projects/100001/export", field_bytes("early-hints.http"))
    done = {"id": 501, "status": "complete", "messages": [], "data": {"url": f"{host.origin}/nothing.zip"}}
    host.on("GET /api/jobs/501", sized(json.dumps(done).encode()))
    host.on("GET /nothing.zip", sized(b"PK\x05\x06" + bytes(18)))
    export = run_to_end(request_export(cast.project(ARCHIVES, host.origin), cast.member, "archive", "zip"))
    assert (export.remote_id, export.error_code) == ("501", "bad_file")  # An empty archive: the job was known.
    assert len(host.requests_to("POST /api/projects/100001/export")) == 1
