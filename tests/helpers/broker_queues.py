"""The queue of one portal among others on the same Redis or RabbitMQ."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import redis
from amqp.exceptions import NotFound
from kombu import Connection

# The variable that names it, see tests/helpers/installation_settings.py.
QUEUE_VARIABLE: Final = "TEST_QUEUE"


def empty_queue(address: str, name: str) -> None:
    """Every message is lost; in Redis everything else that belongs to the queue too."""
    if address.startswith("redis"):
        _forget(address, name)
        return
    with _channel(address) as channel, contextlib.suppress(NotFound):  # no worker has made it yet
        channel.queue_purge(name)


def drop_queue(address: str, name: str) -> None:
    """Nothing of it is left on the server."""
    if address.startswith("redis"):
        _forget(address, name)
        return
    with _channel(address) as channel:
        channel.queue_delete(name)
        channel.exchange_delete(name)


@contextlib.contextmanager
def _channel(address: str) -> Iterator[Any]:
    with Connection(address) as connection:
        yield connection.default_channel


def _forget(address: str, name: str) -> None:
    with redis.Redis.from_url(address) as server:
        keys = list(server.scan_iter(f"{name}:*"))
        if keys:
            server.delete(*keys)
