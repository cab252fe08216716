"""Servers to measure on, and Django set up for this program: to be done before any part of the portal is imported."""

import atexit
import base64
import functools
import os
import secrets
import shutil
import tempfile
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg
import redis

SERVER: Final = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS: Final = os.environ.get("BENCH_REDIS_URL", "redis://127.0.0.1:6379")
MARK: Final = "portal-bench"
SETTINGS: Final = "tests.bench.settings"
ROUNDS: Final = int(os.environ.get("BENCH_ROUNDS") or 3)
# The same for this program and the portals it starts, so that what one seals the others can open.
KEYS: Final = {
    "SECRET_KEY": secrets.token_urlsafe(48),
    "CREDENTIAL_KEYS": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
}


def set_up_django() -> None:
    """Sets Django up; `ground.use` says which database it works on."""
    folder = tempfile.mkdtemp(prefix="portal-bench-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ.update(KEYS, DATA_DIR=folder, DATABASE_URL=SERVER, DJANGO_SETTINGS_MODULE=SETTINGS, PGAPPNAME="bench")
    import django

    django.setup()


@functools.cache
def broker() -> str:
    """Redis: a database of its numbers 10 to 15 that no other run of a bench works on. What is in it will be lost."""
    for number in range(15, 9, -1):
        place = f"{REDIS.rstrip('/')}/{number}"
        with redis.Redis.from_url(place) as server:
            if server.set(MARK, os.getpid(), nx=True, ex=4 * 3600):
                atexit.register(_give_back, place)
                return place
    raise SystemExit(f"All of Redis' databases 10 to 15 are marked as in use by a bench (key {MARK}).")


def empty_broker() -> str:
    """The same without any message in it."""
    with redis.Redis.from_url(broker()) as server:
        server.flushdb()
        server.set(MARK, os.getpid(), ex=4 * 3600)
    return broker()


def _give_back(place: str) -> None:
    with redis.Redis.from_url(place) as server:
        server.flushdb()


def server_version() -> str:
    """PostgreSQL's version, with what matters of its settings."""
    names = ("server_version", "shared_buffers", "synchronous_commit", "fsync")
    with psycopg.connect(SERVER, connect_timeout=3) as server:
        found = {}
        for name in names:
            row = server.execute(f"SHOW {name}".encode()).fetchone()
            found[name] = str(row[0]) if row else ""
    return f"{found.pop('server_version')} ({', '.join(f'{name}={value}' for name, value in found.items())})"


def address(database: str, scheme: str = "postgres") -> str:
    """An address of one of the server's databases."""
    return urlunsplit(urlsplit(SERVER)._replace(scheme=scheme, path=f"/{database}"))
