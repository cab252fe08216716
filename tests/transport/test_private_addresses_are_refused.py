"""No spelling of a private address is reached: directly, by a redirect, or by a name that changes its address."""

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from exports.transport.errors import AddressError, NotSentError, ProviderError
from exports.transport.open_url import open_url
from exports.transport.ssrf import AddressGuard, is_public
from tests.helpers.stub_server import Reply, StubServer

# Hosts as they may stand in an address. {port} is one at which somebody listens on this machine.
LOOPBACK = (
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "00", "0x0", "2130706433",
    "2130706433.", "0x7f000001", "0x7F000001", "0x7f.1", "0x7f.0x0.0x0.0x1", "0177.0.0.1", "017700000001", "0177.1",
    "127.0.0.01", "127.0.0.0x1", "127.000.000.001", "localhost", "LOCALHOST", "localhost.", "127.0.0.1.", "[::1]",
    "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]",
    "[::127.0.0.1]", "[::7f00:1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::]", "[2001::1]", "[::1%25lo]", "[::1%lo]",
    "127\u30020\u30020\u30021", "\u2460\u2461\u2466.0.0.1", "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
    "127%2e0.0.1", "%31%32%37.0.0.1",
    "loc\u00adalhost", "\u24dbocalhost", "localhost%00.example.org", "localhost\\.example.org",
)  # fmt: skip
PRIVATE = (
    "10.0.0.1", "10.255.255.255", "167772161", "0xa000001", "012.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.0.1",
    "192.168.1.1", "3232235521", "0xc0a80001", "169.254.0.1", "169.254.169.254", "2852039166", "0xa9fea9fe",
    "0251.0376.0251.0376", "169.254.43518", "169.16689662", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]",
    "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::]", "[fe80::1]", "[fe80::1%25eth0]", "[febf::1]", "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]", "[fd12:3456:789a::1]", "[::ffff:10.0.0.1]", "[::10.0.0.1]", "[64:ff9b::a00:1]",
    "[64:ff9b:1::a00:1]", "[2002:a00:1::]", "100.64.0.1", "100.100.100.200", "100.127.255.254", "1681915905",
    "192.0.0.1", "192.0.0.170", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.254",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "0.1.2.3",
    "[ff02::1]", "[ff0e::1]", "[2001:db8::1]", "[2001:10::1]", "[2001:20::1]", "[3fff::1]", "[5f00::1]", "[100::1]",
    "[::2]", "[1::1]", "[4000::1]", "[2620:4f:8000::1]",
)  # fmt: skip
# Whole addresses with another trick in them.
TRICKS = (
    "http://example.org/", "ftp://example.org/x", "file:///etc/passwd", "file://localhost/etc/passwd", "gopher://127.0.0.1/",
    "data:text/plain,x", "javascript:alert(1)", "//127.0.0.1/", "https:///127.0.0.1/x", "https://", "https:127.0.0.1",
    "", "https://user@127.0.0.1:{port}/", "https://example.org@127.0.0.1:{port}/", "https://example.org:80@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}@example.org/", "https://127.0.0.1:{port}#@example.org/", "https://127.0.0.1:{port}?@example.org/",
    "https://127.0.0.1\\@example.org:{port}/", "https://example.org\\@127.0.0.1:{port}/", "https://127.0.0.1:{port}\t/",
    "https://127.0.0.1\n:{port}/", " https://127.0.0.1:{port}/", "https://127.0.0.1:0/", "https://127.0.0.1:99999/",
    "https://127.0.0.1:-1/", "https://127.0.0.1:x/", "https://[::1/", "https://::1]:{port}/", "https://[::1]x:{port}/",
    "https://exa mple.org/", "https://.example.org/", "https://example..org/", "https://-/", "https://{{host}}/",
    "https://127.0.0.1:{port}/\r\nHost: example.org", "HTTPS://127.0.0.1:{port}/", "hTTp://127.0.0.1:{port}/",
)  # fmt: skip
TABLE = [f"https://{host}:{{port}}/" for host in (*LOOPBACK, *PRIVATE)] + list(TRICKS)


class Listener:
    """Somebody on this machine whom nobody may reach, on IPv4 and IPv6."""

    def __init__(self) -> None:
        self.reached: list[Any] = []
        self.sockets = [socket.socket(socket.AF_INET)]
        self.sockets[0].bind(("0.0.0.0", 0))
        self.port = int(self.sockets[0].getsockname()[1])
        if socket.has_ipv6:
            try:
                six = socket.socket(socket.AF_INET6)
                six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                six.bind(("::", self.port))
                self.sockets.append(six)
            except OSError:
                six.close()
        for one in self.sockets:
            one.listen(50)
            threading.Thread(target=self._accept, args=(one,), daemon=True).start()

    def _accept(self, sock: socket.socket) -> None:
        while True:
            try:
                found, peer = sock.accept()
            except OSError:
                return
            self.reached.append(peer)
            found.close()

    def close(self) -> None:
        for one in self.sockets:
            one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    one = Listener()
    yield one
    one.close()


def test_the_listener_notices_a_request(listener: Listener) -> None:
    socket.create_connection(("127.0.0.1", listener.port), timeout=5).close()
    while not listener.reached:
        pass


def test_many_spellings_are_tried() -> None:
    assert len(set(TABLE)) == len(TABLE) >= 120


@pytest.mark.parametrize("url", TABLE)
def test_no_spelling_of_a_private_address_is_reached(listener: Listener, url: str) -> None:
    with (
        pytest.raises(ProviderError) as caught,
        open_url(url.replace("{port}", str(listener.port)), AddressGuard(), {}, print),
    ):
        pass
    assert isinstance(caught.value, AddressError), caught.value
    assert listener.reached == []


@pytest.mark.parametrize("url", TABLE)
def test_a_redirect_to_a_private_address_is_refused(stub: StubServer, listener: Listener, url: str) -> None:
    target = url.replace("{port}", str(listener.port)).replace("\r", "%0d").replace("\n", "%0a")
    if not target.isascii() or "://" not in target:
        pytest.skip("Cannot stand in a header, or is relative to the host that was allowed.")
    stub.on("GET /file", Reply(302, headers={"Location": target}))
    guard = AddressGuard.allowing([stub.host])
    with pytest.raises(ProviderError) as caught, open_url(f"{stub.origin}/file", guard, {}, lambda call: None):
        pass
    assert isinstance(caught.value, AddressError), caught.value
    assert listener.reached == []


@pytest.mark.parametrize("bad", ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fe80::1%lo"])
@pytest.mark.parametrize("first", [True, False])
def test_one_private_record_of_a_name_refuses_all(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, bad: str, first: bool
) -> None:
    def answer(host: str, port: int, **more: Any) -> list[Any]:
        rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in (bad, "93.184.216.34")]
        return rows if first else rows[::-1]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    with (
        pytest.raises(AddressError),
        open_url(f"https://files.example.org:{listener.port}/", AddressGuard(), {}, print),
    ):
        pass
    assert listener.reached == []


def test_a_name_is_resolved_once_per_connection(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver that first says something public and then this machine (DNS rebinding)."""
    asked: list[str] = []
    went: list[Any] = []

    def answer(host: str, port: int, **more: Any) -> list[Any]:
        asked.append(host)
        address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(self: socket.socket, place: Any) -> None:
        went.append(place)
        raise TimeoutError

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    monkeypatch.setattr(socket.socket, "connect", connect)
    with (
        pytest.raises(NotSentError),
        open_url(f"https://files.example.org:{listener.port}/", AddressGuard(), {}, print),
    ):
        pass
    assert (asked, went) == (["files.example.org"], [("93.184.216.34", listener.port)])
    assert listener.reached == []


@pytest.mark.parametrize("good", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::1"])
def test_public_addresses_are_allowed(good: str) -> None:
    assert is_public(good)
