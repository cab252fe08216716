"""kill -9 of workers while events are told: every mail, alert and webhook arrives, and once more only after a kill.

A real mail server and real HTTP servers, each of which takes its time. `make chaos` has it tell 500 events.
"""

import json
import os
import random
import re
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from aiosmtpd.controller import Controller

from exports.sandbox.server import Sandbox
from tests.helpers.installation import Installation, installation, wait_for
from tests.helpers.roles import TABLES
from tests.helpers.servers import DATABASE, servers_environment
from tests.helpers.stub_server import ReceivedRequest, Reply, StubServer, free_port, run_stub_server

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.services, pytest.mark.timeout(900)]

EVENTS = int(os.environ.get("CHAOS_EVENTS", "60"))
KILLS = max(2, EVENTS // 80)
SLOTS = 4
ANSWER_SECONDS = 0.03
MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)", re.MULTILINE | re.IGNORECASE)


class Inbox:
    """Takes mails, each after a while, and keeps their ids."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.ids += [found.decode() for found in MESSAGE_ID.findall(envelope.content)]
        time.sleep(ANSWER_SECONDS)
        return "250 OK"


@contextmanager
def running_inbox() -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield inbox, controller.port
    finally:
        controller.stop()


def answer_slowly(request: ReceivedRequest) -> Reply:
    time.sleep(ANSWER_SECONDS)
    return Reply(200)


def cancel_exports(portal: Installation, project: int) -> list[int]:
    """So many exports that are canceled before any worker runs."""

    def cancel_one(_number: int) -> int:
        export = portal.ask(project, "orders", allow_twin=True)
        assert portal.api("POST", f"/exports/{export}/cancel").status_code == 200
        return export

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(cancel_one, range(EVENTS)))


def left_over(portal: Installation) -> int:
    """How many events and messages are not through."""
    with psycopg.connect(portal.environment["DATABASE_URL"]) as database:
        rows = database.execute(
            "SELECT (SELECT count(*) FROM exports_event WHERE fanned_out_at IS NULL)"
            " + (SELECT count(*) FROM exports_outboxmessage WHERE sent_at IS NULL)"
        )
        row = rows.fetchone()
    return int(row[0]) if row else 0


def watch_kills(portal: Installation) -> None:
    """Kills one worker after the other, at random moments, and starts another in its place."""
    chance = random.Random(7)
    workers = [portal.start_worker(slots=SLOTS) for _ in range(2)]
    wait_for(lambda: left_over(portal) > EVENTS, 90, "the first fan-out")
    for number in range(KILLS):
        time.sleep(chance.uniform(0.002, 0.008) * EVENTS)
        portal.kill(workers[number % 2])
        workers[number % 2] = portal.start_worker(slots=SLOTS)


@pytest.fixture
def stub() -> Iterator[StubServer]:
    with run_stub_server() as server:
        for route in ("POST /events", "POST /"):
            server.on(route, answer_slowly)
        yield server


def test_each_mail_alert_and_webhook_arrives(
    tmp_path: Path, own_sandbox: Sandbox, prepared: Path, stub: StubServer
) -> None:
    private = f"127.0.0.1:{own_sandbox.port},{stub.host}"
    with (
        running_inbox() as (inbox, port),
        servers_environment("redis", DATABASE) as environment,
        installation(
            tmp_path,
            private,
            prepared,
            EMAIL_URL=f"smtp://127.0.0.1:{port}",
            LISTENING_URL="http://127.0.0.1:8000",
            **environment,
        ) as portal,
    ):
        portal.start_web()
        events = ["export.canceled"]
        for path, body in (
            ("/webhooks", {"url": f"{stub.origin}/events", "events": events}),
            ("/alerts", {"kind": "ntfy", "address": f"{stub.origin}/a-topic-nobody-guesses", "events": events}),
        ):
            answer = portal.api("POST", path, body)
            assert answer.status_code == 201, answer.text
        exports = cancel_exports(portal, portal.project(TABLES, own_sandbox.origin(TABLES), "4001"))
        watch_kills(portal)
        wait_for(lambda: left_over(portal) == 0, 360, lambda: f"{left_over(portal)} are left")

    hooks = Counter(one.headers["webhook-id"] for one in stub.requests_to("POST /events"))
    events_sent = Counter(int(one.json["data"]["export"]["id"]) for one in stub.requests_to("POST /events"))
    alerted = Counter(
        int(re.findall(r"/exports/(\d+)/", json.dumps(one.json))[0]) for one in stub.requests_to("POST /")
    )
    mailed = Counter(inbox.ids)
    assert set(events_sent) == set(alerted) == set(exports)
    assert len(hooks) == len(mailed) == EVENTS, "the same id each time"
    repeated = [sum(counts.values()) - EVENTS for counts in (hooks, alerted, mailed)]
    assert sum(repeated) <= KILLS * SLOTS, repeated
    assert max(*hooks.values(), *alerted.values(), *mailed.values()) <= 2, repeated
