"""Heads that real servers send and Python's http.client gives up on: the call succeeds, or ends in a sentence."""

import time
import tracemalloc

import pytest

from exports.providers.registry import PROVIDERS
from exports.transport import response_reader
from exports.transport.client import Client
from exports.transport.errors import CredentialError, ProviderError, UnclearError
from exports.transport.open_url import open_url
from exports.transport.response_reader import MAX_HEAD_BYTES
from tests.helpers.raw_server import RawServer, answer, chunked, field_bytes, sized
from tests.helpers.roles import ARCHIVES, TABLES

BODY = b'{"id": 501, "status": "running", "messages": [], "data": {}}'
JOB = {"id": 501, "status": "running", "messages": [], "data": {}}
OAUTH = {"client_id": "a-client", "client_secret": "a-client-secret", "refresh_token": "a-refresh-token"}
MANY = [f"X-Debug-{number}: x" for number in range(120)]


def client_of(raw: RawServer, provider: str = ARCHIVES, secrets: dict[str, str] | None = None) -> Client:
    return Client(PROVIDERS[provider], raw.origin, secrets or {"token": "a-token"}, raw.guard)


def interim(*heads: str) -> bytes:
    return "".join(f"HTTP/1.1 {head}\r\n\r\n" for head in heads).encode() + sized(BODY)


def test_early_hints_come_before_the_answer_to_a_request(raw: RawServer) -> None:
    raw.on("POST /api/jobs", field_bytes("early-hints.http"))
    made = client_of(raw).post("/api/jobs", {"name": "x"}, creates=True)
    assert (made.status, made.body) == (201, JOB)
    assert len(raw.requests) == 1


GOOD = {
    "100": interim("100 Continue"),
    "102 thrice": interim("102 Processing", "102 Processing", "102 Processing"),
    "103 with headers": interim("103 Early Hints\r\nLink: </a.css>; rel=preload\r\nContent-Length: 7"),
    "100, 103, 199": interim("100 Continue", "103 Early Hints", "199 Anything"),
    "120 headers": sized(BODY, *MANY),
    "3000 headers": sized(BODY, *MANY * 25),
    "a header of 200 kB": sized(BODY, "Content-Security-Policy: " + "x" * 200_000),
    "a folded header": sized(BODY, "X-Note: one\r\n two\r\n\tthree"),
    "a line without a colon": sized(BODY, "Set-Cookie", ": nameless"),
    "a header in Latin-1": sized(BODY, "X-Note: caf\xe9"),
    "bare line feeds": sized(BODY, *MANY).replace(b"\r\n", b"\n"),
    "no reason": sized(BODY, status="200"),
    "an HTTP/2 status line": sized(BODY).replace(b"HTTP/1.1", b"HTTP/2"),
    "HTTP/1.0": sized(BODY).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "an empty line first": b"\r\n" + sized(BODY),
    "a length twice": sized(BODY, f"Content-Length: {len(BODY)}"),
    "a length with a comma": answer(BODY, f"Content-Length: {len(BODY)}, {len(BODY)}"),
    "a length with zeros": answer(BODY, f"Content-Length: 000{len(BODY)}"),
    "lengths that disagree": sized(BODY, "Content-Length: 7"),
    "a length in superscript": answer(BODY, "Content-Length: \xb2"),
    "a length of 5000 digits": answer(BODY, "Content-Length: " + "9" * 5000),
    "a signed length": answer(BODY, f"Content-Length: +{len(BODY)}"),
    "a negative length": answer(BODY, "Content-Length: -1"),
    "a broken length": answer(BODY, "Content-Length: 60.0"),
    "an empty length": answer(BODY, "Content-Length:"),
    "chunks": chunked(BODY),
    "chunks and a length": chunked(BODY, "Content-Length: 3"),
    "chunks with extensions": chunked(BODY, size=99).replace(b"3c\r\n", b'00003C ; name="a;b"\r\n'),
    "chunks with trailers": chunked(BODY, last=b"0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n"),
    "chunks without an end behind the last": chunked(BODY, last=b"0\r\n"),
    "identity": answer(BODY, "Transfer-Encoding: identity", f"Content-Length: {len(BODY)}"),
}


@pytest.mark.parametrize("kind", GOOD)
def test_what_is_clear_is_read_at_any_call(raw: RawServer, kind: str) -> None:
    client = client_of(raw)
    for route in ("GET /api/jobs/501", "POST /api/jobs"):
        raw.on(route, GOOD[kind])
    assert client.get("/api/jobs/501").body == JOB
    assert client.post("/api/jobs", {}, creates=True).body == JOB
    with open_url(raw.on("GET /file", GOOD[kind]), raw.guard, {}, lambda call: None) as opened:
        assert b"".join(opened.chunks(9)) == BODY


BAD = {
    "nothing": b"",
    "half a head": sized(BODY)[:20],
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a page without a head": b"<html>Hello</html>",
    "a status of words": b"HTTP/1.1 OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 2000 OK\r\n\r\n",
    "interim answers alone": interim("103 Early Hints")[:30],
    "too many headers": sized(BODY, *(f"a: {number}" for number in range(11_000))),
    "a head without an end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD_BYTES + 10),
    "interim answers without an end": interim(*["103 Early Hints"] * 30_000),
    "a short body": sized(BODY)[:-1],
    "a negative chunk": answer(b"-5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "a chunk in another base": answer(b"0x5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "a chunk of 20 digits": answer(b"f" * 20 + b"\r\nhello", "Transfer-Encoding: chunked"),
    "a size without an end": answer(b"5" * 100_000, "Transfer-Encoding: chunked"),
    "a chunk that is too long": answer(b"2\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked"),
    "no last chunk": chunked(BODY, last=b""),
}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_not_clear_ends_soon_in_a_sentence(raw: RawServer, kind: str) -> None:
    client = client_of(raw)
    begun = time.monotonic()
    tracemalloc.start()
    try:
        for route in ("GET /api/jobs/501", "POST /api/jobs", "GET /file"):
            raw.on(route, BAD[kind])
        with pytest.raises(UnclearError, match=ARCHIVES.label):
            client.get("/api/jobs/501")
        with pytest.raises(UnclearError, match=ARCHIVES.label):
            client.post("/api/jobs", {}, creates=True)
        with (
            pytest.raises(UnclearError, match="The file's host"),
            open_url(f"{raw.origin}/file", raw.guard, {}, lambda call: None) as opened,
        ):
            b"".join(opened.chunks(9))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < 10
    assert peak < 16_000_000


@pytest.mark.parametrize("length", ["\xb2", "60, 61", "9" * 5000, "-1"])
def test_a_length_that_nobody_can_read_is_waited_for_a_moment_only(
    raw: RawServer, monkeypatch: pytest.MonkeyPatch, length: str
) -> None:
    monkeypatch.setattr(response_reader, "ODD_LENGTH_SECONDS", 0.3)
    raw.keeps_open = True
    raw.on("GET /api/jobs/501", answer(BODY, f"Content-Length: {length}"))
    begun = time.monotonic()
    assert client_of(raw).get("/api/jobs/501").body == JOB
    assert time.monotonic() - begun < 5
    with (
        pytest.raises(UnclearError, match="did not answer in time"),
        open_url(f"{raw.origin}/api/jobs/501", raw.guard, {}, lambda call: None) as opened,
    ):
        b"".join(opened.chunks(9))


def test_a_kept_connection_is_used_again_after_interim_answers(raw: RawServer) -> None:
    """The next answer on the connection is not taken for the rest of the last one."""
    both = interim("103 Early Hints").replace(b"Connection: close\r\n", b"")
    raw.on("GET /api/jobs/501", both)
    client = client_of(raw)
    assert [client.get("/api/jobs/501").body for _ in range(3)] == [JOB] * 3


@pytest.mark.parametrize(
    "expires", ["9" * 400, '"' + "9" * 400 + '"', "1e400", "-1", "0", "true", "NaN", '"soon"', "null"]
)
def test_a_token_that_says_nonsense_of_its_end_lasts_as_long_as_is_usual(raw: RawServer, expires: str) -> None:
    granted = sized(b'{"access_token": "a-fresh-token", "expires_in": %s}' % expires.encode(), *MANY)
    raw.on("POST /oauth2/token/", granted)
    raw.on("GET /v1/me", sized(b'{"id": 1}'))
    client = client_of(raw, TABLES, OAUTH)
    assert client.get("/v1/me").body == {"id": 1}
    assert client.grant is not None
    assert 35_000 < client.grant.expires_at - time.time() <= 36_000


@pytest.mark.parametrize("location", ["https://[::1", "//\xe9:x/", "", "https://10.0.0.1/"])
def test_a_redirect_after_a_request_that_creates_says_nothing_of_whether_it_was_executed(
    raw: RawServer, location: str
) -> None:
    raw.on("POST /api/jobs", sized(b"", f"Location: {location}", status="302 Found"))
    with pytest.raises(UnclearError, match="a redirect"):
        client_of(raw).post("/api/jobs", {}, creates=True)


@pytest.mark.parametrize("token", ["two\r\nlines", "caf\u20ac"])
def test_a_secret_that_no_header_can_carry_is_the_credentials_fault(raw: RawServer, token: str) -> None:
    with pytest.raises(CredentialError, match="can't be sent"):
        client_of(raw, secrets={"token": token}).get("/api/jobs/501")
    # The connection may have been made by then; nothing was sent over it.
    assert not any(raw.requests)


def test_a_number_of_many_thousand_digits_is_no_readable_answer(raw: RawServer) -> None:
    raw.on("GET /api/jobs/501", sized(b'{"id": ' + b"9" * 5000 + b"}"))
    with pytest.raises(ProviderError, match="not JSON"):
        client_of(raw).get("/api/jobs/501")
