"""Webhooks that never answer, on several hosts, beside one that does: with a real worker it gets each event at once."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest
from pytest_django.fixtures import Settings

from exports.models import Event
from exports.models.event import TEAM_QUOTA
from tests.helpers.cast import make_cast
from tests.helpers.installation import wait_for
from tests.helpers.stub_server import StubServer
from tests.helpers.webhooks import ROUTE, make_webhook, run_receiver
from tests.helpers.worker import running_worker

pytestmark = [pytest.mark.slow(seconds=30), pytest.mark.django_db(transaction=True)]

SLOTS = 6
HOSTS = 4
PER_HOST = 2
EVENTS = 5
# About one, on a machine that does nothing else.
SECONDS = 6.0


@contextmanager
def silent_server(settings: Settings, address: str) -> Iterator[str]:
    """A host that takes connections and says nothing."""
    with socket.create_server((address, 0), backlog=50) as server:
        host = f"{address}:{server.getsockname()[1]}"
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, host)
        yield f"http://{host}"


def has_arrived(receiver: StubServer, count: int) -> bool:
    return len(receiver.requests_to(ROUTE)) == count


def test_the_others_get_each_event_at_once(settings: Settings) -> None:
    cast = make_cast()
    settings.PRIVATE_HOSTS = ()
    with ExitStack() as stack:
        for number in range(HOSTS):
            origin = stack.enter_context(silent_server(settings, f"127.0.0.{number + 2}"))
            for path in range(PER_HOST):
                make_webhook(cast, f"{origin}/{path}", TEAM_QUOTA)
        receiver = stack.enter_context(run_receiver(settings))
        good, _secret = make_webhook(cast, f"{receiver.origin}/events", TEAM_QUOTA)
        stack.enter_context(running_worker(SLOTS))
        # As after the first attempts to them, which may take all slots once.
        type(good).objects.exclude(pk=good.pk).update(failing_since=good.created_at)
        waits = []
        for number in range(EVENTS):
            began = time.monotonic()
            Event.record(cast.team.pk, TEAM_QUOTA, str(number), percent=80)
            wait_for(partial(has_arrived, receiver, number + 1), SECONDS, "the webhook")
            waits.append(time.monotonic() - began)
        print("seconds from event to arrival:", [round(one, 2) for one in waits])
