"""A name that resolves to a private address at the second time is not connected to."""

import socket
from typing import Any

import pytest

from exports.transport.errors import AddressError, NotSentError
from exports.transport.ssrf import AddressGuard

PUBLIC, LOCAL, METADATA = "93.184.215.14", "127.0.0.1", "169.254.169.254"


class RebindingResolver:
    """A resolver whose answer changes each time; `resolve_count` says how often it answered."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers, self.resolve_count = list(answers), 0

    def __call__(self, host: str, port: int, **more: Any) -> list[Any]:
        self.resolve_count += 1
        rows = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in rows]


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a socket was told to connect to; none of them answers."""
    tried: list[str] = []

    def connect(self: socket.socket, address: tuple[str, int]) -> None:
        tried.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return tried


def test_the_checked_address_is_the_one_that_is_connected_to(
    connected: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = RebindingResolver([PUBLIC], [LOCAL])
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    with pytest.raises(NotSentError):
        AddressGuard().connect("flip.example.org", 443, 1)
    assert (connected, resolver.resolve_count) == ([PUBLIC], 1)
    with pytest.raises(AddressError):
        AddressGuard().connect("flip.example.org", 443, 1)
    assert connected == [PUBLIC]


@pytest.mark.parametrize("second", [LOCAL, METADATA, "10.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_one_private_record_among_public_ones_is_enough_to_refuse(
    connected: list[str], monkeypatch: pytest.MonkeyPatch, second: str
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", RebindingResolver([PUBLIC, second]))
    with pytest.raises(AddressError):
        AddressGuard().connect("two.example.org", 443, 1)
    assert connected == []
