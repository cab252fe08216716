"""After a lost answer: by id above the baseline, in the whole list."""

from typing import Any

import pytest

from exports.providers.base import ABSENT_TWICE, Accepted, Unknown
from exports.providers.errors import UnreadableError
from exports.providers.http import Client
from exports.providers.ulule import Ulule
from tests.providers.ulule.conftest import EXPORTS, export, job, listed
from tests.wire import Reply, Wire

LIST = f"GET {EXPORTS}"


def find(wire: Wire, client: Client, *replies: Reply, **fields: Any) -> object:
    wire.on(LIST, *replies)
    return Ulule().find(client, job(**{"baseline": {"last": 100}, **fields}))


def test_an_export_above_the_baseline_is_ours(wire: Wire, client: Client) -> None:
    found = find(wire, client, listed(export(101, status="processing"), export(99)))
    assert isinstance(found, Accepted)
    assert (found.remote_id, found.sight.word) == ("101", "processing")


def test_the_lowest_of_several_is_ours(wire: Wire, client: Client) -> None:
    found = find(wire, client, listed(export(103), export(102), export(104)))
    assert isinstance(found, Accepted)
    assert found.remote_id == "102"


def test_what_another_export_watches_is_not_ours(wire: Wire, client: Client) -> None:
    found = find(wire, client, listed(export(103), export(102)), taken=frozenset({"102"}))
    assert isinstance(found, Accepted)
    assert found.remote_id == "103"


def test_it_is_found_on_a_later_page(wire: Wire, client: Client) -> None:
    pages = (listed(export(200, format="xlsx"), following="?since=5"), listed(export(150)))
    found = find(wire, client, *pages)
    assert isinstance(found, Accepted)
    assert found.remote_id == "150"


def test_one_that_is_done_already_is_seen_done(wire: Wire, client: Client) -> None:
    found = find(wire, client, listed(export(101, status="succeeded", url="https://cdn.example.org/o.csv")))
    assert isinstance(found, Accepted)
    assert (found.sight.state, found.sight.link) == ("done", "https://cdn.example.org/o.csv")


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
def test_nothing_above_the_baseline_is_absent_and_needs_a_second_look(
    wire: Wire, client: Client, rows: list[Any]
) -> None:
    found = find(wire, client, listed(*rows))
    assert found is ABSENT_TWICE
    assert found.again_after == 30


def test_a_row_that_does_not_say_its_format_may_be_ours(wire: Wire, client: Client) -> None:
    row = export(101)
    del row["format"]
    assert isinstance(find(wire, client, listed(row)), Accepted)


def test_without_a_baseline_nothing_is_proven(wire: Wire, client: Client) -> None:
    found = find(wire, client, listed(export(101)), baseline={})
    assert isinstance(found, Unknown)
    assert found.look_again == 0


def test_a_list_that_cannot_be_read_proves_nothing(wire: Wire, client: Client) -> None:
    with pytest.raises(UnreadableError):
        find(wire, client, Reply(body="<html>"))
