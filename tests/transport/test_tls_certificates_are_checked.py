"""Nothing is sent over TLS to a host whose certificate is not its own or not signed by a trusted authority."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.providers.registry import PROVIDERS
from exports.transport import connections as sockets
from exports.transport.client import CallRecord, Client
from exports.transport.errors import NotSentError
from exports.transport.open_url import open_url
from exports.transport.ssrf import AddressGuard
from tests.helpers import certificates
from tests.helpers.roles import ARCHIVES
from tests.helpers.stub_server import Reply, StubServer, run_stub_server


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The list of authorities that are trusted: a folder's own, in which `certificates.make` writes."""
    monkeypatch.setattr(sockets, "CA_FILE", str(tmp_path / "ca.pem"))
    sockets.tls_context.cache_clear()
    yield tmp_path
    sockets.tls_context.cache_clear()


def _client(one: StubServer) -> Client:
    secrets = {"token": "a-secret-token"}
    return Client(
        provider=PROVIDERS[ARCHIVES], origin=one.origin, secrets=secrets, guard=AddressGuard.allowing([one.host])
    )


def test_a_host_with_a_valid_certificate_is_called(trusted: Path) -> None:
    _, own = certificates.make_certificates(trusted)
    with run_stub_server(own) as one:
        one.on("GET /api/jobs/1", Reply(body={"id": 1}))
        client = _client(one)
        assert [client.get("/api/jobs/1").body for _ in range(3)] == [{"id": 1}] * 3


@pytest.mark.parametrize("why", ["nobody knows who signed it", "it is another host's"])
def test_nothing_is_sent_to_a_host_with_an_invalid_certificate(trusted: Path, tmp_path: Path, why: str) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    signed_here = certificates.make_certificates(trusted, "127.0.0.9" if "another" in why else "127.0.0.1")[1]
    own = signed_here if "another" in why else certificates.make_certificates(stranger)[1]
    with run_stub_server(own) as one:
        client = _client(one)
        calls: list[CallRecord] = []
        with pytest.raises(NotSentError, match="its certificate does not hold"):
            client.get("/api/jobs/1")
        with pytest.raises(NotSentError, match="its certificate does not hold"):
            client.post("/api/jobs", {"made": "once"}, creates=True)
        link = open_url(f"{one.origin}/file.zip", client.guard, {}, calls.append)
        with pytest.raises(NotSentError, match="its certificate does not hold"), link:
            pass
        assert one.requests == []
