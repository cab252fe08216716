"""An address that is longer than any that leads somewhere is refused, before it takes memory."""

import tracemalloc

import pytest

from exports.providers.aistudios.editor import hash_link
from exports.providers.ulule.lists import next_page_query
from exports.transport.errors import AddressError, UnreadableError
from exports.transport.open_url import open_url
from exports.transport.redirects import resolve_link, resolve_redirect
from exports.transport.ssrf import MAX_URL_LENGTH, AddressGuard

LONG = "https://host.example/?" + "%é&a=1" * 800_000


def test_no_long_address_is_opened_or_followed_and_refusing_it_takes_no_memory() -> None:
    tracemalloc.start()
    try:
        with (
            pytest.raises(AddressError, match="more than 32768 characters"),
            open_url(LONG, AddressGuard(), {}, lambda call: None),
        ):
            pass
        for resolve in (resolve_link, resolve_redirect):
            with pytest.raises(AddressError, match="more than 32768 characters"):
                resolve("https://host.example/", LONG)
        with pytest.raises(AddressError, match="more than 32768 characters"):
            AddressGuard().check(LONG)
        with pytest.raises(UnreadableError):
            next_page_query("https://host.example/list", LONG)
        assert hash_link(LONG) != hash_link(LONG[:-1])
        assert tracemalloc.get_traced_memory()[1] < 30_000_000
    finally:
        tracemalloc.stop()


def test_an_address_as_long_as_is_allowed_is_opened() -> None:
    url = "https://host.example/" + "a" * (MAX_URL_LENGTH - 21)
    assert AddressGuard().check(url).path == url[20:]
    with pytest.raises(AddressError):
        AddressGuard().check(url + "a")


def test_an_address_that_becomes_too_long_by_quoting_is_refused() -> None:
    url = resolve_link("https://host.example/", "é" * 10_000)
    with pytest.raises(AddressError):
        AddressGuard().check(url)
