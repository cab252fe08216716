"""All calls of one poll together take at most so long, however slowly an answer drips."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.models import OpenCircuit
from exports.steps import poll
from exports.transport import connections
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, take_step

SECONDS = 1.0


@pytest.fixture
def dripping() -> Iterator[str]:
    """host:port of a server whose answers drip without an end."""
    server = socket.create_server(("127.0.0.1", 0))
    ends = threading.Event()

    def answer(peer: socket.socket) -> None:
        with peer:
            try:
                peer.recv(65536)
                peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                while not ends.wait(0.05):
                    peer.sendall(b" ")
            except OSError:
                return

    def serve() -> None:
        while not ends.is_set():
            try:
                peer, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(peer,), daemon=True).start()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    ends.set()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def test_a_dripping_answer_holds_a_poll_for_no_longer(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch, dripping: str
) -> None:
    settings.PRIVATE_HOSTS = (dripping,)
    monkeypatch.setattr(poll, "POLL_SECONDS", SECONDS)
    export = request_export(cast.project(ARCHIVES, f"http://{dripping}"), cast.member, "archive", adopt="7")
    begun = time.monotonic()
    export = take_step(export)

    assert time.monotonic() - begun < SECONDS + connections.OVERDUE_CHECK_SECONDS + 2
    assert (export.status, export.step, export.consecutive_failures) == (states.WAITING, states.POLL, 1)
    assert "did not answer in time" in export.wait_note
    assert export.in_doubt_since is None
    assert not OpenCircuit.objects.exists()


def test_the_limit_is_long_enough_for_a_provider_that_needs_half_a_minute() -> None:
    assert 30 < poll.POLL_SECONDS <= 60
