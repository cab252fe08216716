"""After a lost answer or a 502 `find` looks for a migration above the baseline with the same repositories."""

from typing import Any

import pytest

from exports.providers.contract import Accepted, Unknown
from exports.providers.github import GitHub
from exports.transport.client import Client
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.github.conftest import MIGRATIONS, NAMES, job, migration, refusal, repositories

LIST = f"GET {MIGRATIONS}"


def of(id_: int) -> str:
    return f"GET {MIGRATIONS}/{id_}/repositories"


def find(stub: StubServer, client: Client, *rows: dict[str, Any], **fields: Any) -> Accepted | Unknown:
    stub.on(LIST, Reply(body=list(rows)))
    return GitHub().find(client, job(**fields))


def test_a_new_migration_of_the_same_repositories_is_ours(stub: StubServer, client: Client) -> None:
    stub.on(of(79), repositories(*NAMES))
    found = find(stub, client, migration(79, "exporting"), migration(78))
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.status.provider_status) == ("79", "exporting")


def test_the_oldest_of_several_is_ours(stub: StubServer, client: Client) -> None:
    for id_ in (79, 80):
        stub.on(of(id_), repositories(*NAMES))
    found = find(stub, client, migration(80), migration(79))
    assert isinstance(found, Accepted)
    assert found.remote_id == "79"


def test_one_that_another_export_watches_is_not_ours(stub: StubServer, client: Client) -> None:
    stub.on(of(80), repositories(*NAMES))
    found = find(stub, client, migration(80), migration(79), watched_ids=frozenset({"79"}))
    assert isinstance(found, Accepted)
    assert found.remote_id == "80"


def test_other_repositories_or_other_options_are_of_another_request(stub: StubServer, client: Client) -> None:
    stub.on(of(79), repositories("acme/api"))
    rows = migration(80, exclude_metadata=True), migration(79)
    found = find(stub, client, *rows)
    assert isinstance(found, Unknown)
    assert found.may_turn_up


def test_an_import_by_another_tool_is_passed_over(stub: StubServer, client: Client) -> None:
    stub.on(of(81), Reply(404, refusal("Not Found")))
    stub.on(of(82), repositories(*NAMES))
    found = find(stub, client, migration(82), migration(81, "imported"))
    assert isinstance(found, Accepted)
    assert found.remote_id == "82"


def test_absence_is_never_proven_by_the_list(stub: StubServer, client: Client) -> None:
    found = find(stub, client, migration(78))
    assert isinstance(found, Unknown)
    assert found.may_turn_up


@pytest.mark.parametrize("baseline", [{}, {"repositories": NAMES}])
def test_without_a_baseline_a_person_decides_at_once(
    stub: StubServer, client: Client, baseline: dict[str, Any]
) -> None:
    found = find(stub, client, migration(79), baseline=baseline)
    assert isinstance(found, Unknown)
    assert not found.may_turn_up
