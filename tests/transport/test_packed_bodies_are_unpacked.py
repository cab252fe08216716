"""What arrives is what was meant, in whatever form it was packed for its way; what cannot be unpacked ends soon."""

import gzip
import zlib

import pytest

from exports.providers.registry import PROVIDERS
from exports.transport import content_coding, inflater
from exports.transport.client import Client
from exports.transport.errors import ContentCodingError, ProviderError, UnclearError, UnreadableError
from exports.transport.open_url import open_url
from tests.helpers.raw_server import RawServer, answer, chunked, field_bytes, sized
from tests.helpers.roles import ARCHIVES

TABLE = b"id;mail;total\r\n" + b"".join(b"%d;zo\xc3\xa9@example.org;%d,50\r\n" % (n, n) for n in range(300))
PIECES = [TABLE[at : at + 700] for at in range(0, len(TABLE), 700)]
MEMBERS = b"".join(map(gzip.compress, PIECES))
GZIP = "Content-Encoding: gzip"


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


def fetch(raw: RawServer, reply: bytes) -> tuple[bytes, bool, bool]:
    """The body, whether it came packed, and whether something proves it whole."""
    with open_url(raw.on("GET /file", reply), raw.guard, {}, lambda call: None) as opened:
        is_encoded = opened.is_encoded
        body = b"".join(opened.chunks(1000))
        return body, is_encoded, opened.has_explicit_end


def test_eleven_members_without_a_length_are_all_there(raw: RawServer) -> None:
    found = fetch(raw, field_bytes("multi-member-gzip.http"))
    assert found == (field_bytes("multi-member-gzip.csv"), True, True)


@pytest.mark.parametrize(
    "reply",
    [
        sized(MEMBERS, GZIP),
        answer(MEMBERS, "Content-Encoding: x-gzip"),
        answer(MEMBERS + bytes(5000), GZIP),
        answer(bytes(3).join(map(gzip.compress, PIECES)), GZIP),
        answer(MEMBERS + b"\r\n<!-- served by cache 7 -->", GZIP),
        chunked(MEMBERS, GZIP),
        chunked(MEMBERS, GZIP, last=b""),
        chunked(MEMBERS, GZIP, last=b"0"),
        answer(gzip.compress(MEMBERS), "Content-Encoding: gzip, gzip"),
        answer(gzip.compress(MEMBERS), GZIP),
        answer(MEMBERS),
        sized(MEMBERS, "Content-Encoding: identity"),
        answer(raw_deflate(MEMBERS), "Content-Encoding: gzip", "Content-Encoding: Deflate"),
        answer(zlib.compress(TABLE), "Content-Encoding: deflate"),
        answer(raw_deflate(TABLE), "Content-Encoding: deflate"),
        answer(MEMBERS, "Content-Encoding: deflate"),
        answer(zlib.compress(TABLE), GZIP),
        answer(MEMBERS, "Content-Encoding: br"),
        answer(MEMBERS, 'Content-Encoding: utf-8, "gzip;q=1"'),
        sized(MEMBERS[:-8], GZIP),
        chunked(MEMBERS[:-3], GZIP),
        answer(zlib.compress(TABLE)[:-4], "Content-Encoding: deflate"),
    ],
)
def test_packed_in_any_usual_form_it_is_the_same_table(raw: RawServer, reply: bytes) -> None:
    assert fetch(raw, reply) == (TABLE, True, True)


def test_a_packed_transfer_is_unpacked_too(raw: RawServer) -> None:
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(MEMBERS), MEMBERS)
    assert fetch(raw, answer(sent, "Transfer-Encoding: gzip, chunked")) == (TABLE, True, True)


def test_a_plain_body_that_is_called_gzip_stays_as_it_is(raw: RawServer) -> None:
    body, is_encoded, is_whole = fetch(raw, field_bytes("gzip-said-plain-sent.http"))
    assert body == field_bytes("gzip-said-plain-sent.http").partition(b"\r\n\r\n")[2]
    assert (len(body), is_encoded, is_whole) == (60, False, True)


@pytest.mark.parametrize("word", ["gzip", "deflate", "br", "zstd", "br, gzip", "compress"])
@pytest.mark.parametrize(
    "body",
    [
        TABLE,
        b"id\n1\n",
        b"1",
        b"8O3\x0cu",
        TABLE.decode().encode("utf-16"),
        TABLE.decode().encode("utf-16-le"),
        TABLE.decode().encode("cp1252"),
        b"PK\x03\x04" + bytes(range(256)),
        b"\0\0\0\x18ftypisom" + bytes(range(256)),
    ],
    ids=["csv", "short", "a letter", "like zlib", "utf-16", "utf-16 without a mark", "cp1252", "zip", "mp4"],
)
def test_the_body_decides_whatever_the_header_says(raw: RawServer, word: str, body: bytes) -> None:
    assert fetch(raw, sized(body, f"Content-Encoding: {word}")) == (body, False, True)


@pytest.mark.parametrize(
    "word", ["utf-8", "UTF8", "identity", "none", "binary", "aws-chunked", "8bit", "iso-8859-1", ""]
)
def test_a_harmless_word_changes_nothing(raw: RawServer, word: str) -> None:
    assert fetch(raw, sized(TABLE, f"Content-Encoding: {word}")) == (TABLE, False, True)
    assert fetch(raw, answer(TABLE, f"Content-Encoding: {word}")) == (TABLE, False, False)
    with pytest.raises(UnclearError, match="broke off early"):
        fetch(raw, sized(TABLE, f"Content-Encoding: {word}")[:-1])


def test_an_encodings_word_proves_nothing(raw: RawServer) -> None:
    body, is_encoded, is_whole = fetch(raw, field_bytes("closed-in-the-last-cell.http"))
    assert body.endswith(b";7,")
    assert (is_encoded, is_whole) == (False, False)


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (sized(b"\x1b\x07\x10\x00\x01\x9f" * 40, "Content-Encoding: br"), "packed as br"),
        (sized(b"\x28\xb5\x2f\xfd" + bytes(range(200)), "Content-Encoding: zstd"), "packed as zstd"),
        (sized(bytes(range(1, 256)) * 9, GZIP), "as gzip by its header"),
        (sized(MEMBERS[:900] + b"\0\xff" * 50 + MEMBERS[1000:], GZIP), "damaged"),
        (sized(MEMBERS[:-4] + b"oops", GZIP), "damaged"),
        (sized(MEMBERS[:-9], GZIP), "incomplete"),
        (chunked(MEMBERS[:900], GZIP), "incomplete"),
        (sized(TABLE, ", ".join(["Content-Encoding: gzip"] + ["gzip"] * 9)), "more than 5 times"),
    ],
)
def test_what_cannot_be_unpacked_is_a_bad_file_with_a_sentence(raw: RawServer, reply: bytes, words: str) -> None:
    with pytest.raises(ContentCodingError, match=words) as caught:
        fetch(raw, reply)
    assert caught.value.code == "bad_file"


@pytest.mark.parametrize("reply", [answer(MEMBERS[:-9], GZIP), sized(MEMBERS, GZIP)[:-9], chunked(MEMBERS, GZIP)[:-40]])
def test_what_was_cut_on_its_way_is_fetched_again(raw: RawServer, reply: bytes) -> None:
    with pytest.raises(UnclearError, match="broke off early") as caught:
        fetch(raw, reply)
    assert not isinstance(caught.value, ContentCodingError)


def test_the_members_behind_a_missing_length_are_missed(raw: RawServer) -> None:
    whole = sized(MEMBERS, GZIP)
    with pytest.raises(UnclearError, match="broke off early"):
        fetch(raw, whole[: -len(gzip.compress(PIECES[-1]))])


def test_an_empty_body_is_empty(raw: RawServer) -> None:
    assert fetch(raw, sized(b"", GZIP)) == (b"", False, True)


def test_a_bomb_is_stopped_at_a_ratio_that_is_said(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content_coding, "MIN_RATIO_BYTES", 2_000_000)
    bomb = gzip.compress(gzip.compress(bytes(30_000_000)))
    with pytest.raises(ContentCodingError, match="more than 1000 times its size"):
        fetch(raw, sized(bomb, GZIP))


def test_members_that_hold_nothing_do_not_go_on_for_ever(raw: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflater, "MAX_SILENT_SECONDS", 0.2)
    with pytest.raises(UnclearError, match="did not answer in time"):
        fetch(raw, answer(gzip.compress(b"a") + gzip.compress(b"") * 1_000_000, GZIP))


def test_answers_of_an_api_are_unpacked_by_the_same_rules(raw: RawServer) -> None:
    client = Client(PROVIDERS[ARCHIVES], raw.origin, {"token": "a-token"}, raw.guard)
    body = b'{"id": 1, "status": "running"}'
    for packed in (sized(body, GZIP), answer(gzip.compress(body), GZIP), answer(gzip.compress(body)), chunked(body)):
        raw.on("GET /api/jobs/1", packed)
        assert client.get("/api/jobs/1").body == {"id": 1, "status": "running"}
    raw.on("GET /api/jobs/1", sized(b"\x1b\x07\x10\x00\x01\x9f" * 40, "Content-Encoding: br"))
    with pytest.raises(UnreadableError, match="packed as br"):
        client.get("/api/jobs/1")
    raw.on("GET /api/jobs/1", sized(body, GZIP)[:-2])
    with pytest.raises(ProviderError, match="broke off early"):
        client.get("/api/jobs/1")


def test_of_a_gzip_file_that_is_cut_within_its_beginning_what_came_is_kept(raw: RawServer) -> None:
    reply = sized(gzip.compress(TABLE[:300]))[:-9]
    kept: list[bytes] = []
    with (
        pytest.raises(UnclearError, match="broke off early"),
        open_url(raw.on("GET /file", reply), raw.guard, {}, lambda call: None, keeps_gzip=True) as opened,
    ):
        kept.extend(opened.chunks(1000))
    assert b"".join(kept) == gzip.compress(TABLE[:300])[:-9]
