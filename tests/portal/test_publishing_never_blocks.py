"""Publishing a message never blocks for long, whatever the state of the broker."""

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import Celery
from kombu.exceptions import OperationalError

from portal import environment

# Far less than the minutes of a client that keeps trying, and enough for a machine with much else to do.
SOON = 15


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as server:
        yield int(server.getsockname()[1])


def publish(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str) -> None:
    """Publish one message with the settings that the portal would use for that broker."""
    monkeypatch.setenv("CELERY_BROKER_URL", url)
    broker, options = environment.broker(tmp_path)
    app = Celery("test", broker=broker, fixups=[], set_as_current=False)
    app.conf.update(broker_transport_options=options, broker_connection_timeout=2, task_publish_retry=False)
    try:
        app.send_task("test.hint", ignore_result=True)
    finally:
        app.close()


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_an_unreachable_broker_fails_at_once(scheme: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError):
        publish(monkeypatch, tmp_path, f"{scheme}://127.0.0.1:1//")
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_silent_broker_is_given_up_soon(
    scheme: str, silent: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    began = time.monotonic()
    with pytest.raises(OperationalError):
        publish(monkeypatch, tmp_path, f"{scheme}://127.0.0.1:{silent}//")
    assert time.monotonic() - began < SOON


def test_the_embedded_broker_needs_no_url(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    publish(monkeypatch, tmp_path, "")
    assert len(os.listdir(tmp_path / "broker" / "celery")) == 1
