"""A length counts where nothing overrides it, and only while the host sends no more than it announced."""

import pytest

from exports.transport.open_url import open_url
from tests.helpers.raw_server import RawServer, answer, chunked, sized

BODY = "id;name\n1;Zoé\n2;Chloé\n".encode()


def fetch(raw: RawServer, reply: bytes) -> tuple[bytes, int | None, bool]:
    """The body, its length as far as it counts, and whether more came than that."""
    with open_url(raw.on("GET /file", reply), raw.guard, {}, lambda call: None) as opened:
        return b"".join(opened.chunks(7)), opened.length, opened.has_surplus


def test_a_length_that_agrees_is_true(raw: RawServer) -> None:
    assert fetch(raw, sized(BODY)) == (BODY, len(BODY), False)


@pytest.mark.parametrize("said", [3, len(BODY), len(BODY) + 30])
def test_chunks_override_a_length(raw: RawServer, said: int) -> None:
    assert fetch(raw, chunked(BODY, f"Content-Length: {said}")) == (BODY, None, False)


@pytest.mark.parametrize("said", [len(BODY.decode()), 1, len(BODY) - 1])
def test_bytes_behind_the_length_show_that_it_is_wrong(raw: RawServer, said: int) -> None:
    for headers in ([], ["Connection: close"], ["Connection: keep-alive"]):
        assert fetch(raw, answer(BODY, f"Content-Length: {said}", *headers)) == (BODY[:said], said, True)


def test_a_host_that_does_not_hang_up_is_not_waited_for(raw: RawServer) -> None:
    raw.keeps_open = True
    assert fetch(raw, sized(BODY)) == (BODY, len(BODY), False)
