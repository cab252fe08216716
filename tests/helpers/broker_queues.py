"""The queues of one portal among others on the same Redis or RabbitMQ."""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

import redis
from amqp.exceptions import NotFound
from kombu import Connection

# The variable that names them, see tests/helpers/installation_settings.py.
PREFIX_VARIABLE: Final = "TEST_QUEUE_PREFIX"
QUEUES: Final = ("submit", "poll", "fetch", "deliver", "control")


def empty_queues(address: str, prefix: str) -> None:
    """Every message is lost; in Redis everything else that belongs to the queues too."""
    if address.startswith("redis"):
        _delete_keys(address, prefix)
        return
    for name in QUEUES:
        with _channel(address) as channel, contextlib.suppress(NotFound):  # no worker has made it yet
            channel.queue_purge(f"{prefix}.{name}")


def drop_queues(address: str, prefix: str) -> None:
    """Nothing of them is left on the server."""
    if address.startswith("redis"):
        _delete_keys(address, prefix)
        return
    with _channel(address) as channel:
        for name in QUEUES:
            channel.queue_delete(f"{prefix}.{name}")
        for name in (prefix, f"{prefix}.events", f"{prefix}.pidbox", f"reply.{prefix}.pidbox"):
            channel.exchange_delete(name)


@contextlib.contextmanager
def _channel(address: str) -> Iterator[Any]:
    with Connection(address) as connection:
        yield connection.default_channel


def _delete_keys(address: str, prefix: str) -> None:
    with redis.Redis.from_url(address) as server:
        keys = list(server.scan_iter(f"{prefix}:*"))
        if keys:
            server.delete(*keys)
