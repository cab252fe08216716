"""With EGRESS_PROXY every connection leaves through it, to addresses that the portal itself checked."""

import socket
from typing import Any

import pytest

from exports.providers.registry import PROVIDERS
from exports.transport.client import Client
from exports.transport.egress_proxy import EgressProxy
from exports.transport.errors import AddressError, NotSentError
from exports.transport.open_url import open_url
from exports.transport.ssrf import AddressGuard
from tests.helpers.connect_proxy import ConnectProxy, run_connect_proxy
from tests.helpers.raw_server import RawServer, sized
from tests.helpers.roles import ARCHIVES

JOB = b'{"id": 501, "status": "running"}'


def through(proxy: ConnectProxy, *hosts: str) -> AddressGuard:
    return AddressGuard.allowing(hosts, EgressProxy.parse(proxy.url))


def test_calls_and_files_go_through_it(raw: RawServer) -> None:
    raw.on("GET /api/jobs/501", sized(JOB))
    raw.on("GET /file", sized(b"the file"))
    with run_connect_proxy(ConnectProxy("a-user:p%40ss")) as proxy:
        proxy.account = "a-user:p@ss"
        guard = through(proxy, raw.host)
        client = Client(PROVIDERS[ARCHIVES], raw.origin, {"token": "a-token"}, guard)
        assert client.get("/api/jobs/501").body == {"id": 501, "status": "running"}
        with open_url(f"{raw.origin}/file", guard, {}, lambda call: None) as opened:
            assert b"".join(opened.chunks(9)) == b"the file"
    assert proxy.targets == [raw.host] * 2
    assert b"proxy-authorization" not in b"".join(raw.requests).lower()


def named(monkeypatch: pytest.MonkeyPatch, **addresses: str) -> None:
    """The portal's resolver knows these names below example.org."""
    real = socket.getaddrinfo

    def resolve(host: str, port: Any, *args: Any, **more: Any) -> list[Any]:
        if not host.endswith(".example.org"):
            return real(host, port, *args, **more)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (addresses[host.partition(".")[0]], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def test_the_portal_checks_the_target_itself_and_asks_for_the_checked_address(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, public="93.184.215.14", inner="10.0.0.5")
    with run_connect_proxy(ConnectProxy(status="503 Unavailable")) as proxy:
        for url in (
            "https://inner.example.org/x",
            "https://127.0.0.1/x",
            "https://169.254.169.254/",
            "http://public.example.org/",
        ):
            with pytest.raises(AddressError), open_url(url, through(proxy), {}, lambda call: None):
                pass
        assert proxy.targets == []
        with (
            pytest.raises(NotSentError, match=r"could not be reached through the proxy \(it answered 503\)"),
            open_url("https://public.example.org/x", through(proxy), {}, lambda call: None),
        ):
            pass
    assert proxy.targets == ["93.184.215.14:443"]


def test_a_redirect_is_checked_before_the_proxy_is_asked(raw: RawServer) -> None:
    raw.on("GET /start", sized(b"", "Location: https://10.0.0.5/secret", status="302 Found"))
    with (
        run_connect_proxy(ConnectProxy()) as proxy,
        pytest.raises(AddressError),
        open_url(f"{raw.origin}/start", through(proxy, raw.host), {}, lambda call: None),
    ):
        pass
    assert proxy.targets == [raw.host]


def test_a_proxy_that_wants_names_is_given_the_name_of_what_was_checked(
    raw: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(monkeypatch, files="127.0.0.1")
    port = raw.host.partition(":")[2]
    raw.on("GET /file", sized(b"the file"))
    with run_connect_proxy(ConnectProxy(by_name_only=True, names={"files.example.org": "127.0.0.1"})) as proxy:
        guard = through(proxy, f"files.example.org:{port}")
        with open_url(f"http://files.example.org:{port}/file", guard, {}, lambda call: None) as opened:
            assert b"".join(opened.chunks(9)) == b"the file"
    assert proxy.targets == [f"127.0.0.1:{port}", f"files.example.org:{port}"]


@pytest.mark.parametrize(
    ("account", "status", "words"),
    [
        ("a:b", "", "does not accept the portal's user name and password"),
        ("", "403 Forbidden", r"does not let the portal through to 127\.0\.0\.1:\d+ \(it answered 403\)"),
        ("", "502 Bad Gateway", r"could not be reached through the proxy \(it answered 502\)"),
    ],
)
def test_a_refusal_is_a_sentence_and_nothing_was_sent(raw: RawServer, account: str, status: str, words: str) -> None:
    with run_connect_proxy(ConnectProxy(account, status=status)) as proxy:
        guard = AddressGuard.allowing([raw.host], EgressProxy.parse(f"http://wrong:word-of-pass@{proxy.host}"))
        client = Client(PROVIDERS[ARCHIVES], raw.origin, {"token": "a-token"}, guard)
        with pytest.raises(NotSentError, match=words) as caught:
            client.post("/api/jobs", {}, creates=True)
        assert "word-of-pass" not in caught.value.message + repr(guard)
    assert raw.requests == []


def test_a_proxy_that_is_away_or_is_none_is_named(raw: RawServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        away = EgressProxy.parse(f"http://127.0.0.1:{probe.getsockname()[1]}")
    raw.answer_everything(b"220 mail.example.org ESMTP\r\n")
    for proxy, words in ((away, "could not be reached"), (EgressProxy.parse(raw.origin), "did not answer as a proxy")):
        guard = AddressGuard.allowing([raw.host], proxy)
        with pytest.raises(NotSentError, match=words), open_url(f"{raw.origin}/x", guard, {}, lambda call: None):
            pass


@pytest.mark.parametrize(
    ("url", "host", "port", "credentials"),
    [
        ("http://proxy.example.org:3128", "proxy.example.org", 3128, ""),
        ("http://proxy.example.org/", "proxy.example.org", 80, ""),
        ("http://me:p%40s%3As@[2001:db8::1]:8080", "2001:db8::1", 8080, "me:p@s:s"),
    ],
)
def test_addresses_of_proxies_are_read(url: str, host: str, port: int, credentials: str) -> None:
    proxy = EgressProxy.parse(url)
    assert (proxy.host, proxy.port, proxy.credentials) == (host, port, credentials)
    assert EgressProxy.parse(proxy.url) == proxy
    assert "p@s" not in repr(proxy)
