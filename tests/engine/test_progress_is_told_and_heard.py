"""The provider's webhook is only a hint; the address a user named hears of progress from us."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.engine import hooks, notices
from exports.models import Export, Notice
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import ask, drive, step
from tests.wire import Reply, Wire, wire

At = Callable[[str], str]


@pytest.fixture(name="listener")
def listener_fixture(settings: Settings, box: Sandbox) -> Iterator[Wire]:
    """An address of the user's, reachable as an exception."""
    with wire() as one:
        one.on("POST /news", Reply(204))
        settings.PRIVATE_HOSTS = (*settings.PRIVATE_HOSTS, one.host)
        yield one


def video(cast: Cast, at: At, **options: str) -> Export:
    return ask(cast.project("aistudios", at("aistudios")), cast.member, "video", options=options)


def test_the_address_given_to_the_provider_is_ours_and_cannot_be_guessed(cast: Cast, settings: Settings) -> None:
    export = ask(cast.project("aistudios"), cast.member, "video")
    assert hooks.address(export) == ""
    settings.PUBLIC_URL = "https://portal.example.org"
    other = ask(cast.project("aistudios"), cast.member, "video", allow_twin=True)
    assert hooks.address(export).startswith(f"https://portal.example.org/hooks/{export.pk}/")
    assert hooks.mark(export.pk) != hooks.mark(other.pk)
    assert len(hooks.mark(export.pk)) == 40


def test_the_users_address_hears_of_progress_and_the_provider_never_sees_it(
    cast: Cast, box: Sandbox, at: At, listener: Wire
) -> None:
    export = drive(video(cast, at, webhook_url=f"{listener.origin}/news"))
    while notices.send_due():
        pass

    assert export.status == states.SUCCEEDED
    told = [asked.json for asked in listener.calls("POST /news")]
    assert told
    assert all(one["export_id"] == export.pk for one in told)
    assert told[-1]["progress"] == 100
    assert not any("Authorization" in asked.headers for asked in listener.asked)


def test_an_address_that_is_private_is_not_told(cast: Cast, box: Sandbox, at: At) -> None:
    export = drive(video(cast, at, webhook_url="http://169.254.169.254/latest"))
    notices.send_due()
    assert export.status == states.SUCCEEDED
    relays = Notice.objects.filter(export=export, kind="relay")
    assert relays.exists()
    assert all(notice.due_at is None and notice.sent_at is None and notice.trouble for notice in relays)


def test_a_hint_makes_the_next_poll_due_now(cast: Cast, box: Sandbox, at: At) -> None:
    export = step(video(cast, at))
    before = export.next_step_at
    hooks.receive(export.pk, hooks.mark(export.pk))
    export.refresh_from_db()
    assert before is not None
    assert export.next_step_at is not None
    assert export.next_step_at < before


def test_a_hint_for_an_ended_export_does_nothing(cast: Cast, box: Sandbox, at: At) -> None:
    export = drive(video(cast, at))
    hooks.receive(export.pk, hooks.mark(export.pk))
    export.refresh_from_db()
    assert (export.status, export.next_step_at) == (states.SUCCEEDED, None)
