"""Over TLS nothing is said to anybody whose certificate is not that of the host, signed by somebody who is trusted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from exports.providers import wire as sockets
from exports.providers.errors import NotSentError
from exports.providers.guard import Guard
from exports.providers.http import CallRecord, Client
from exports.providers.links import open_link
from exports.providers.registry import PROVIDERS
from tests import certificates
from tests.wire import Reply, Wire, wire


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The list of authorities that are trusted: a folder's own, in which `certificates.make` writes."""
    monkeypatch.setattr(sockets, "CA_FILE", str(tmp_path / "ca.pem"))
    sockets._trust.cache_clear()
    yield tmp_path
    sockets._trust.cache_clear()


def _client(one: Wire) -> Client:
    secrets = {"token": "a-secret-token"}
    return Client(
        provider=PROVIDERS["playcanvas"], origin=one.origin, secrets=secrets, guard=Guard.allowing([one.host])
    )


def test_a_host_with_a_certificate_of_its_own_is_spoken_with(trusted: Path) -> None:
    _, own = certificates.make(trusted)
    with wire(own) as one:
        one.on("GET /api/jobs/1", Reply(body={"id": 1}))
        client = _client(one)
        assert [client.get("/api/jobs/1").body for _ in range(3)] == [{"id": 1}] * 3


@pytest.mark.parametrize("why", ["nobody knows who signed it", "it is another host's"])
def test_nothing_is_said_to_a_host_whose_certificate_does_not_hold(trusted: Path, tmp_path: Path, why: str) -> None:
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    signed_here = certificates.make(trusted, "127.0.0.9" if "another" in why else "127.0.0.1")[1]
    own = signed_here if "another" in why else certificates.make(stranger)[1]
    with wire(own) as one:
        client = _client(one)
        calls: list[CallRecord] = []
        with pytest.raises(NotSentError, match="its certificate does not hold"):
            client.get("/api/jobs/1")
        with pytest.raises(NotSentError, match="its certificate does not hold"):
            client.post("/api/jobs", {"made": "once"}, makes=True)
        link = open_link(f"{one.origin}/file.zip", client.guard, {}, calls.append)
        with pytest.raises(NotSentError, match="its certificate does not hold"), link:
            pass
        assert one.asked == []
