"""A migration's states; the link of a finished one; the archive that is over."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exports.providers.contract import Status
from exports.providers.github import GitHub
from exports.transport.client import Client
from exports.transport.errors import NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.github.conftest import MIGRATIONS, job, migration, refusal

POLL = f"GET {MIGRATIONS}/79"


def poll(stub: StubServer, client: Client, body: Any, status: int = 200) -> Status:
    stub.on(POLL, Reply(status, body))
    return GitHub().poll(client, job(remote_id="79"))


def ago(**span: float) -> str:
    return (datetime.now(UTC) - timedelta(**span)).isoformat(timespec="seconds")


@pytest.mark.parametrize(
    ("word", "state"),
    [("pending", "running"), ("exporting", "running"), ("failed", "failed"), ("archiving", "unknown")],
)
def test_states_are_read(stub: StubServer, client: Client, word: str, state: str) -> None:
    seen = poll(stub, client, migration(79, word))
    assert (seen.state, seen.provider_status, seen.link) == (state, word, "")
    assert "updated 2026-11-30T15:40:00-07:00" in seen.note
    assert stub.requests_to(POLL)[0].path.endswith("?exclude=repositories")


def test_a_failure_says_what_is_known_of_such_failures(stub: StubServer, client: Client) -> None:
    assert "20 GB" in poll(stub, client, migration(79, "failed")).message


def test_the_link_of_a_finished_one_is_below_the_origin(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, migration(79, "exported", updated_at=ago(days=6)))
    assert (seen.state, seen.link) == ("done", "orgs/acme/migrations/79/archive")


def test_an_archive_of_more_than_a_week_ago_is_not_asked_for(stub: StubServer, client: Client) -> None:
    seen = poll(stub, client, migration(79, "exported", updated_at=ago(days=9)))
    assert (seen.state, seen.code) == ("failed", "no_file")
    assert "seven days" in seen.message


@pytest.mark.parametrize("when", ["", "soon", None, 12, "2026-01-01"])
def test_a_time_that_cannot_be_read_ends_nothing(stub: StubServer, client: Client, when: Any) -> None:
    assert poll(stub, client, migration(79, "exported", updated_at=when)).state == "done"


def test_another_migration_or_owner_is_not_taken_for_ours(stub: StubServer, client: Client) -> None:
    for body in (migration(80), migration(79, owner={"login": "elsewhere"})):
        with pytest.raises(UnreadableError) as caught:
            poll(stub, client, body)
        assert caught.value.final


def test_the_owners_login_is_the_same_in_upper_case(stub: StubServer, client: Client) -> None:
    assert poll(stub, client, migration(79, owner={"login": "ACME"})).state == "running"


def test_an_answer_without_a_state_is_unreadable(stub: StubServer, client: Client) -> None:
    with pytest.raises(UnreadableError):
        poll(stub, client, {"id": 79})


def test_a_404_says_what_it_also_means(stub: StubServer, client: Client) -> None:
    with pytest.raises(NotFoundError, match="admin:org"):
        poll(stub, client, refusal("Not Found"), 404)
