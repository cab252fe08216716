"""A provider that sends its response byte by byte does not hold a slot for ever."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.transport import client
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, take_step

SECONDS = 1.0
BEGINNINGS = {"headers": b"HTTP/1.1 200 OK\r\nX-", "body": b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"}


@pytest.fixture(params=sorted(BEGINNINGS))
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """host:port of a server that sends a byte every now and then, in the headers or in the body."""
    server = socket.create_server(("127.0.0.1", 0))
    ends = threading.Event()

    def serve() -> None:
        while not ends.is_set():
            try:
                peer, _ = server.accept()
            except OSError:
                return
            with peer:
                try:
                    peer.recv(65536)
                    peer.sendall(BEGINNINGS[request.param])
                    while not ends.wait(0.05):
                        peer.sendall(b"a")
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    ends.set()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def test_a_dripping_response_is_cut_off_at_its_time_limit_and_polled_again(
    cast: Cast, settings: Settings, monkeypatch: pytest.MonkeyPatch, dripping: str
) -> None:
    settings.PRIVATE_HOSTS = (dripping,)
    monkeypatch.setattr(client, "TOTAL_SECONDS", SECONDS)
    export = request_export(cast.project(ARCHIVES, f"http://{dripping}"), cast.member, "archive", adopt="7")
    begun = time.monotonic()
    export = take_step(export)

    assert time.monotonic() - begun < SECONDS + 30
    assert (export.status, export.step, export.consecutive_failures) == (states.WAITING, states.POLL, 1)
    assert export.unreadable_answers == 0, export.wait_note
