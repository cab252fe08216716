"""Servers to measure on, and Django set up for this program, before any part of the portal is imported.

TEST_DATABASE_URL is a PostgreSQL server on which databases may be made. BENCH_REDIS_URL is a Redis server: with the
number of a database, that one is used; without, one of 10 to 15. It must be empty, and no other bench may use it.
"""

import atexit
import base64
import functools
import os
import secrets
import shutil
import tempfile
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

SERVER: Final = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS: Final = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379")
MARK: Final = "portal-bench"
MARK_SECONDS: Final = 4 * 3600
SETTINGS: Final = "tests.bench.settings"
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS") or 3)
# The same for this program and the portals it starts, so that what one encrypts the others can decrypt.
KEYS: Final = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "CREDENTIAL_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}


def set_up_django() -> None:
    """Sets Django up; `testbed.use_database` says which database it works on."""
    folder = tempfile.mkdtemp(prefix="portal-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(KEYS, DATA_DIR=folder, DATABASE_URL=SERVER, DJANGO_SETTINGS_MODULE=SETTINGS, PGAPPNAME="bench")
    import django

    django.setup()


@functools.cache
def broker() -> str:
    """The Redis database of this run, marked as in use. SystemExit with a sentence when there is none to be had."""
    server, numbers = redis_databases(REDIS)
    refusals = []
    for number in numbers:
        url = f"{server}/{number}"
        with redis.Redis.from_url(url) as connection:
            if not connection.set(MARK, os.getpid(), nx=True, ex=MARK_SECONDS):
                refusals.append(f"another bench uses {number} (or was killed and has left its key {MARK} there)")
            elif connection.dbsize() > 1:
                connection.delete(MARK)
                refusals.append(f"{number} holds keys, which the bench would delete")
            else:
                atexit.register(_release, url)
                return url
    raise SystemExit(f"No database of Redis on {urlsplit(REDIS).hostname} can be used: {'; '.join(refusals)}.")


def redis_databases(url: str) -> tuple[str, Sequence[int]]:
    """The address of the server, and which numbers of its databases may be used."""
    parts = urlsplit(url)
    path = parts.path.strip("/")
    if parts.scheme not in {"redis", "rediss"} or not parts.hostname or parts.query or (path and not path.isdigit()):
        raise SystemExit(
            "BENCH_REDIS_URL cannot be read: give redis://host:6379, or redis://host:6379/11 to choose the database."
        )
    return urlunsplit(parts._replace(path="")), [int(path)] if path else range(15, 9, -1)


def empty_broker() -> str:
    """The same without any message in it."""
    with redis.Redis.from_url(broker()) as connection:
        connection.flushdb()
        connection.set(MARK, os.getpid(), ex=MARK_SECONDS)
    return broker()


def _release(url: str) -> None:
    with redis.Redis.from_url(url) as connection:
        connection.flushdb()


def server_version() -> str:
    """PostgreSQL's version, with what matters of its settings."""
    names = ("server_version", "shared_buffers", "synchronous_commit", "fsync")
    with psycopg.connect(SERVER, connect_timeout=3) as server:
        settings = {}
        for name in names:
            row = server.execute(f"SHOW {name}".encode()).fetchone()
            settings[name] = str(row[0]) if row else ""
    return f"{settings.pop('server_version')} ({', '.join(f'{name}={value}' for name, value in settings.items())})"


def address(database: str, scheme: str = "postgres") -> str:
    """An address of one of the server's databases."""
    return urlunsplit(urlsplit(SERVER)._replace(scheme=scheme, path=f"/{database}"))
