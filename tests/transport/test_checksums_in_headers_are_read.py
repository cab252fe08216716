"""A checksum that a host names is read from whichever header it stands in; what is none, or one of a piece, is not."""

import base64
import hashlib

import pytest

from exports.transport.digests import announced_digests
from exports.transport.response_reader import HeaderFields

DATA = b"id;name\n1;Zoe\n"


def encoded(name: str) -> str:
    return base64.b64encode(hashlib.new(name, DATA).digest()).decode()


MD5, SHA1, SHA256, SHA512 = (encoded(name) for name in ("md5", "sha1", "sha256", "sha512"))


@pytest.mark.parametrize(
    ("header", "value", "algorithms"),
    [
        ("Content-MD5", MD5, ["md5"]),
        ("Repr-Digest", f"sha-256=:{SHA256}:, md5=:{MD5}:", ["sha256", "md5"]),
        ("Content-Digest", f"sha-512=:{SHA512}:", ["sha512"]),
        ("Digest", f"SHA-256={SHA256},MD5={MD5}", ["sha256", "md5"]),
        ("x-goog-hash", f"crc32c=n03x6A==, md5={MD5}", ["md5"]),
        ("x-amz-checksum-sha256", SHA256, ["sha256"]),
        ("X-Amz-Checksum-Sha1", SHA1, ["sha1"]),
        ("x-amz-checksum-sha256", f"{SHA256}-3", []),
        ("Content-MD5", "d41d8cd98f00b204e9800998ecf8427e", []),
        ("Digest", f"sha-256={MD5}", []),
        ("Repr-Digest", "sha-256=:not base64!:", []),
        ("Digest", "unixsum=30637", []),
    ],
)
def test_a_checksum_is_read(header: str, value: str, algorithms: list[str]) -> None:
    found = announced_digests(HeaderFields([(header, value)]), is_piece=False)
    assert [digest.algorithm for digest in found] == algorithms
    assert all(digest.value == hashlib.new(digest.algorithm, DATA).hexdigest() for digest in found)


def test_beside_a_piece_only_checksums_of_the_whole_count() -> None:
    pairs = [("Content-MD5", MD5), ("Content-Digest", f"md5=:{MD5}:"), ("Repr-Digest", f"sha-256=:{SHA256}:")]
    assert [digest.header for digest in announced_digests(HeaderFields(pairs), is_piece=True)] == ["Repr-Digest"]


def test_the_checksum_of_a_packed_object_is_not_that_of_its_bytes() -> None:
    pairs = [("X-Goog-Hash", f"md5={MD5}"), ("X-Goog-Stored-Content-Encoding", "gzip")]
    assert announced_digests(HeaderFields(pairs), is_piece=False) == ()
