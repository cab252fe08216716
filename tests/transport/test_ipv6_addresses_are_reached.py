"""Hosts that are IPv6 literals: exempt ones are reached, others are refused by the same rules."""

import socket

import pytest

from exports.http.client_address import parse_address
from exports.transport.errors import AddressError
from exports.transport.ssrf import AddressGuard


@pytest.fixture
def listening() -> socket.socket:
    """A server on ::1."""
    try:
        return socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("This machine has no IPv6.")


@pytest.mark.parametrize("written", ["::1", "[::1]", "[::1]:{port}"])
def test_an_exempt_literal_is_reached(listening: socket.socket, written: str) -> None:
    port = listening.getsockname()[1]
    guard = AddressGuard.allowing([written.format(port=port)])
    assert guard.check(f"http://[::1]:{port}/x").hostname == "::1"
    with listening, guard.connect("[::1]", port, 5) as connection:
        assert connection.family == socket.AF_INET6


def test_others_are_refused() -> None:
    guard = AddressGuard.allowing(["[::1]:8100"])
    for address in ("https://[::1]/", "https://[fd00::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1]/"):
        with pytest.raises(AddressError):
            guard.check(address)
    assert guard.check("https://[2606:4700::1111]/").hostname == "2606:4700::1111"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:", None),
        ("[]", None),
        ("unknown", None),
    ],
)
def test_addresses_that_proxies_name_are_read(text: str, address: str | None) -> None:
    assert parse_address(text) == address
