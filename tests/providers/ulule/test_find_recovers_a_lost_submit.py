"""After a lost answer `find` looks for ids above the baseline in the complete list."""

from typing import Any

import pytest

from exports.providers.contract import Absent, Accepted, Unknown
from exports.providers.ulule import Ulule
from exports.transport.client import Client
from exports.transport.errors import UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.ulule.conftest import EXPORTS, export, job, listed

LIST = f"GET {EXPORTS}"


def find(stub: StubServer, client: Client, *replies: Reply, **fields: Any) -> object:
    stub.on(LIST, *replies)
    return Ulule().find(client, job(**{"baseline": {"last": 100}, **fields}))


def test_an_export_above_the_baseline_is_ours(stub: StubServer, client: Client) -> None:
    found = find(stub, client, listed(export(101, status="processing"), export(99)))
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.status.provider_status) == ("101", "processing")


def test_the_lowest_of_several_is_ours(stub: StubServer, client: Client) -> None:
    found = find(stub, client, listed(export(103), export(102), export(104)))
    assert isinstance(found, Accepted)
    assert found.remote_id == "102"


def test_what_another_export_watches_is_not_ours(stub: StubServer, client: Client) -> None:
    found = find(stub, client, listed(export(103), export(102)), watched_ids=frozenset({"102"}))
    assert isinstance(found, Accepted)
    assert found.remote_id == "103"


def test_it_is_found_on_a_later_page(stub: StubServer, client: Client) -> None:
    pages = (listed(export(200, format="xlsx"), following="?since=5"), listed(export(150)))
    found = find(stub, client, *pages)
    assert isinstance(found, Accepted)
    assert found.remote_id == "150"


def test_an_export_that_has_ended_already_is_found_as_done(stub: StubServer, client: Client) -> None:
    found = find(stub, client, listed(export(101, status="succeeded", url="https://cdn.example.org/o.csv")))
    assert isinstance(found, Accepted)
    assert (found.status.state, found.status.link) == ("done", "https://cdn.example.org/o.csv")


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [export(100)],
        [export(99), export(9)],
        [export(101, format="xlsx")],
        [export(101, type="users")],
    ],
)
def test_nothing_above_the_baseline_is_absent(stub: StubServer, client: Client, rows: list[Any]) -> None:
    assert find(stub, client, listed(*rows)) == Absent()


def test_an_id_that_is_no_number_is_compared_with_those_before(stub: StubServer, client: Client) -> None:
    rows = [export("exp-c"), export("exp-b"), export("exp-a"), export(7)]
    found = find(stub, client, listed(*rows), baseline={"last": 7, "others": ["exp-a"]})
    assert isinstance(found, Accepted)
    assert found.remote_id == "exp-b"
    assert find(stub, client, listed(*rows[2:]), baseline={"last": 7, "others": ["exp-a"]}) == Absent()


def test_a_row_that_does_not_say_its_format_may_be_ours(stub: StubServer, client: Client) -> None:
    row = export(101)
    del row["format"]
    assert isinstance(find(stub, client, listed(row)), Accepted)


def test_without_a_baseline_nothing_is_proven(stub: StubServer, client: Client) -> None:
    found = find(stub, client, listed(export(101)), baseline={})
    assert isinstance(found, Unknown)
    assert not found.may_turn_up


def test_a_list_that_cannot_be_read_proves_nothing(stub: StubServer, client: Client) -> None:
    with pytest.raises(UnreadableError):
        find(stub, client, Reply(body="<html>"))
