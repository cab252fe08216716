"""Whatever a host sends: a call ends in a value or in one of the transport's errors, soon, and in little memory.

`make fuzz` tries many more.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.providers.registry import PROVIDERS
from exports.transport.errors import BusyError, ProviderError
from exports.transport.open_url import open_url
from exports.transport.response_reader import content_length, content_range
from tests.helpers.fuzzing import fuzz, within_bounds
from tests.helpers.provider_answers import client_of
from tests.helpers.raw_server import RawServer, run_raw_server
from tests.helpers.samples import ANSWERS

MAX_MEMORY = 40_000_000

numbers = st.one_of(
    st.integers(-2, 100).map(str),
    st.sampled_from(["²", "٣", "+5", "0x10", "1e3", "1_0", "5,5", "5, 6", "", " ", "9" * 19, "9" * 400, "9" * 5000]),
    st.integers(0, 10**30).map(str),
)
words = st.sampled_from(
    ["gzip", "x-gzip", "deflate", "br", "zstd", "identity", "utf-8", "chunked", "", "gzip, gzip", "é"]
)
values = st.one_of(numbers, words, st.text(max_size=40))
names = st.sampled_from(
    ["Content-Length", "Transfer-Encoding", "Content-Encoding", "Content-Range", "Connection", "Location", "ETag",
     "Date", "Retry-After", "X-RateLimit-Reset", "X-RateLimit-Limit", "Last-Modified", "X-Other", "", " ",
     "Content-Length "]
)  # fmt: skip
lines = st.one_of(
    st.tuples(names, values).map(": ".join),
    st.tuples(names, st.integers(1, 3_000)).map(lambda pair: "\r\n".join([f"{pair[0]}: x"] * pair[1])),
    st.text(max_size=30),
)
statuses = st.sampled_from(
    ["200 OK", "200", "201 Created", "204 No Content", "206 Partial Content", "302 Found", "304 Not Modified", "401 No",
     "404 Not Found", "416 No", "429 Wait", "500 Oops", "503 Later", "600 What", "99 Low", "1000 High", "²00", ""]
)  # fmt: skip
interim = st.sampled_from(
    ["100 Continue", "102 Processing", "103 Early Hints\r\nLink: x", "199 ", "101 Switching Protocols", "100", "1 ²",
     "103 Early Hints" + "\r\nLink: x" * 3_000, "100 Continue\r\nContent-Length: 5"]
)  # fmt: skip
interims = st.one_of(
    st.lists(interim, max_size=3), st.tuples(interim, st.integers(0, 100)).map(lambda pair: [pair[0]] * pair[1])
)
json_bodies = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**400), 10**400), st.text(max_size=9), st.just("501")),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["id", "error", "url"]), inner)
    ),
    max_leaves=9,
).map(lambda value: repr(value).replace("'", '"').replace("None", "null").encode())
plain_bodies = st.one_of(
    st.binary(max_size=200),
    json_bodies,
    st.just(b"id;mail\n1;a@example.org\n" * 40),
    st.just(b"[" * 50_000),
    st.integers(0, 3_000_000).map(bytes),
)
packings: st.SearchStrategy[Callable[[bytes], bytes]] = st.sampled_from(
    [
        bytes,
        gzip.compress,
        zlib.compress,
        lambda body: gzip.compress(body) * 3,
        lambda body: gzip.compress(gzip.compress(body)),
    ]
)
frames: st.SearchStrategy[Callable[[bytes], bytes]] = st.sampled_from(
    [
        bytes,
        lambda body: b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        lambda body: b"%x;a=b\r\n%s\r\n0\r\n" % (len(body), body),
        lambda body: b"-%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        lambda body: b"0" * 5000 + b"%x\r\n%s" % (len(body), body),
    ]
)


@st.composite
def answers(choose: st.DrawFn) -> bytes:
    """An answer that is nearly one, and sometimes quite one."""
    if choose(st.integers(0, 9)) == 0:
        return choose(st.binary(max_size=300))
    heads = [f"HTTP/1.1 {one}\r\n\r\n" for one in choose(interims)]
    version = choose(st.sampled_from(["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2", "http/1.1", "ICY"]))
    head = "\r\n".join([f"{version} {choose(statuses)}", *choose(st.lists(lines, max_size=6)), "", ""])
    packed = choose(packings)(choose(plain_bodies))
    sent = "".join([*heads, head]).encode("utf-8", "replace") + choose(frames)(packed)
    cut = choose(st.one_of(st.none(), st.none(), st.integers(0, len(sent))))
    position = choose(st.one_of(st.none(), st.none(), st.integers(0, len(sent))))
    if position is not None:
        sent = sent[:position] + choose(st.binary(min_size=1, max_size=3)) + sent[position + 1 :]
    return sent[:cut]


@pytest.fixture(scope="module")
def host() -> Iterator[RawServer]:
    with run_raw_server() as server:
        yield server


def check(error: ProviderError) -> None:
    assert error.message
    assert error.code != "internal"
    assert not isinstance(error, BusyError) or 1 <= error.seconds <= 86_400
    assert "a-token-of-a-credential" not in error.message


def call(host: RawServer, provider: str) -> None:
    """One call of each kind that a provider's definition makes."""
    client = client_of(PROVIDERS[provider], host)
    try:
        client.get("/api/jobs/501")
        client.post("/api/jobs", {"name": "x"}, creates=True)
    except ProviderError as error:
        check(error)


def fetch(host: RawServer) -> None:
    """One download, with what the storage asks of it."""
    try:
        with open_url(f"{host.origin}/file", host.guard, {"Range": "bytes=5-"}, lambda call: None) as opened:
            assert opened.is_encoded in (True, False)
            content_length(opened.headers)
            content_range(opened.headers)
            assert sum(len(chunk) for chunk in opened.chunks(65536)) < 20_000_000
            assert opened.has_explicit_end in (True, False)
    except ProviderError as error:
        check(error)


@fuzz(examples=60, shares=4)
@given(reply=answers(), provider=st.sampled_from(sorted(ANSWERS)))
def test_any_answer_is_a_value_or_an_error_within_its_bounds(host: RawServer, reply: bytes, provider: str) -> None:
    host.requests.clear()
    host.answer_everything(reply)
    with within_bounds(provider, max_bytes=MAX_MEMORY):
        call(host, provider)
        fetch(host)
