"""Beat that is to end while it waits for the database ends after that round, and not never."""

import signal

import psycopg
import pytest

from tests.helpers.installation import Installation, wait_for

pytestmark = [pytest.mark.services, pytest.mark.slow(seconds=25), pytest.mark.timeout(240)]

WAITING = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'exports_heartbeat'::regclass"
HEARTBEATS = "SELECT count(*) FROM exports_heartbeat WHERE name LIKE 'beat:%'"


def count(database: "psycopg.Connection[tuple[object, ...]]", query: str) -> object:
    row = database.execute(query).fetchone()
    return row and row[0]


def test_a_signal_during_a_query_ends_beat_and_its_heartbeat_is_removed(on_redis: Installation) -> None:
    address = on_redis.environment["DATABASE_URL"]
    beat = on_redis.start_beat()
    with psycopg.connect(address, autocommit=True) as watcher:
        wait_for(lambda: count(watcher, HEARTBEATS) == 1, 60, on_redis.logs)
        with psycopg.connect(address) as holder:
            holder.execute("LOCK TABLE exports_heartbeat")
            wait_for(lambda: count(watcher, WAITING) == 1, 30, on_redis.logs)
            beat.send_signal(signal.SIGTERM)
            holder.commit()
        assert beat.wait(30) == 0
        assert count(watcher, HEARTBEATS) == 0
