"""Bodies that come in chunks, without a length, over a real socket to gunicorn: taken, and bounded like any other."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.api.problems import MAX_BODY_BYTES
from tests.helpers.installation import Installation, installation
from tests.helpers.roles import TABLES

pytestmark = pytest.mark.timeout(120)
NEW_CREDENTIAL = {"provider": TABLES, "name": "In chunks", "secrets": {"api_key": "sandbox-key"}}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Iterator[Installation]:
    """A web process, for all tests of this file."""
    with installation(tmp_path_factory.mktemp("portal"), "", prepared) as started:
        started.start_web()
        yield started


def in_chunks(body: bytes, size: int) -> bytes:
    """The body in chunks of this size."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def post(portal: Installation, path: str, raw: bytes, **headers: str) -> tuple[int, bytes]:
    """Sends exactly these bytes as the body of a chunked request. The answer's status and body."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: 127.0.0.1:{portal.port}",
        "Transfer-Encoding: chunked",
        "Connection: close",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    with socket.create_connection(("127.0.0.1", portal.port), timeout=30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + raw)
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def post_json(portal: Installation, raw: bytes) -> tuple[int, bytes]:
    """As `post`, to the API's credentials."""
    authorization = f"Bearer {portal.token}"
    return post(portal, "/api/v1/credentials", raw, Authorization=authorization, Content_Type="application/json")


def test_the_api_takes_them_up_to_the_same_size(portal: Installation) -> None:
    body = json.dumps(NEW_CREDENTIAL).encode()
    for number, size in enumerate((1, 7, 10_000)):
        one = body.replace(b"In chunks", b"In chunks %d" % number)
        status, answer = post_json(portal, in_chunks(one, size))
        assert status == 201, answer
        assert json.loads(answer)["name"] == f"In chunks {number}"

    padded = body + b" " * (MAX_BODY_BYTES - len(body))
    assert post_json(portal, in_chunks(padded, 50_000))[0] == 201
    status, answer = post_json(portal, in_chunks(padded + b" ", 50_000))
    assert (status, json.loads(answer)["status"]) == (413, 413)

    # Extensions of chunks and trailers are allowed, and an empty body counts as {}.
    other = body.replace(b"In chunks", b"Extended ")
    extended = b'%x;name="value"\r\n%b\r\n0\r\nX-Sum: 1\r\n\r\n' % (len(other), other)
    assert post_json(portal, extended)[0] == 201
    assert post_json(portal, b"0\r\n\r\n")[0] == 422


@pytest.mark.parametrize("raw", [b"zz\r\nbody\r\n0\r\n\r\n", b"-1\r\n\r\n", b"5\r\nabcdefgh\r\n0\r\n\r\n"])
def test_what_are_no_chunks_is_a_400_with_a_sentence(portal: Installation, raw: bytes) -> None:
    status, answer = post_json(portal, raw)
    assert status == 400
    assert json.loads(answer)["detail"]


def test_pages_and_webhooks_take_them_too(portal: Installation) -> None:
    form = b"username=someone&password=x"
    kind = "application/x-www-form-urlencoded"
    status, page = post(portal, "/sign-in/", in_chunks(form, 5), Content_Type=kind)
    assert status == 403, "the form's token is missing, as it would be with a length"
    assert b"chunk" not in page
    assert post(portal, "/sign-in/", in_chunks(b"x" * (MAX_BODY_BYTES + 1), 50_000), Content_Type=kind)[0] == 413
    assert post(portal, "/hooks/1/x/", in_chunks(b"{}", 1))[0] == 204
