"""The list of exports is read page by page, in every form of the next link, and never from another host."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from exports.providers.contract import Ready, Unknown
from exports.providers.ulule import Ulule
from exports.transport.client import Client
from exports.transport.errors import AddressError, CredentialError, NotFoundError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.ulule.conftest import EXPORTS, error, export, job, listed

LIST = f"GET {EXPORTS}"


def last(client: Client) -> Any:
    ready = Ulule().prepare(client, job())
    assert isinstance(ready, Ready)
    return ready.baseline["last"]


def queries(stub: StubServer) -> list[dict[str, list[str]]]:
    return [parse_qs(urlsplit(asked.path).query) for asked in stub.requests_to(LIST)]


def test_the_highest_id_is_the_baseline_and_ids_are_numbers(stub: StubServer, client: Client) -> None:
    stub.on(LIST, listed(export(9), export(100), export("20")))
    assert last(client) == 100
    assert queries(stub) == [{"limit": ["20"]}]


def test_ids_that_are_no_numbers_are_in_the_baseline_too(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(LIST, listed(export("exp-b"), export(9)))
    assert ulule.prepare(client, job()) == Ready({"last": 9, "others": ["exp-b"]})


@pytest.mark.parametrize("reply", [listed(), Reply(body=[]), Reply(body={"exports": []})])
def test_an_empty_list_has_the_baseline_0(stub: StubServer, client: Client, reply: Reply) -> None:
    stub.on(LIST, reply)
    assert last(client) == 0


@pytest.mark.parametrize(
    "following",
    [
        "?limit=20&since=1700000000",
        "limit=20&since=1700000000",
        f"{EXPORTS}?limit=20&since=1700000000",
        f"/elsewhere{EXPORTS}?limit=20&since=1700000000",
        "ORIGIN" + EXPORTS + "?limit=20&since=1700000000",
    ],
)
def test_the_next_page_is_followed_however_it_is_spelled(stub: StubServer, client: Client, following: str) -> None:
    following = following.replace("ORIGIN", stub.origin)
    stub.on(LIST, listed(export(3), export(2), following=following), listed(export(2), export(50)))
    assert last(client) == 50
    assert queries(stub)[1] == {"limit": ["20"], "since": ["1700000000"]}


@pytest.mark.parametrize("end", [None, "", False])
def test_a_page_without_a_next_one_is_the_last(stub: StubServer, client: Client, end: object) -> None:
    stub.on(LIST, listed(export(3), following=end))
    assert last(client) == 3
    assert len(stub.requests_to(LIST)) == 1


@pytest.mark.parametrize(
    "following", ["https://evil.example.org/v1?limit=20", "//evil.example.org/v1?since=1", "ftp://x/?a=b"]
)
def test_a_next_page_on_another_host_is_refused(stub: StubServer, client: Client, following: str) -> None:
    stub.on(LIST, listed(export(3), following=following))
    with pytest.raises(AddressError):
        last(client)
    assert len(stub.requests_to(LIST)) == 1


@pytest.mark.parametrize("following", [5, ["x"], "http://[::1", "nonsense", "/v1/projects/4001/exports"])
def test_a_next_page_that_is_no_address_is_unreadable(stub: StubServer, client: Client, following: object) -> None:
    stub.on(LIST, listed(export(3), following=following))
    with pytest.raises(UnreadableError):
        last(client)


def test_a_list_without_an_end_is_given_up_and_proves_nothing(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(LIST, *(listed(export(id_), following=f"?limit=20&since={id_}") for id_ in range(60, 0, -1)))
    assert last(client) == 60
    assert len(stub.requests_to(LIST)) == 50
    assert isinstance(ulule.find(client, job(baseline={"last": 60})), Unknown)


def test_a_list_that_repeats_itself_is_given_up_and_proves_nothing(
    stub: StubServer, client: Client, ulule: Ulule
) -> None:
    stub.on(LIST, listed(export(3), following="?limit=20&since=1"))
    assert last(client) == 3
    assert len(stub.requests_to(LIST)) == 2
    assert isinstance(ulule.find(client, job(baseline={"last": 3})), Unknown)


def test_a_list_shorter_than_it_counts_proves_nothing(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(LIST, Reply(body={"exports": [export(3)], "meta": {"total_count": 2, "next": None}}))
    assert isinstance(ulule.find(client, job(baseline={"last": 3})), Unknown)


@pytest.mark.parametrize("key", ["exports", "results"])
def test_the_wrapper_may_have_another_name(stub: StubServer, client: Client, key: str) -> None:
    stub.on(LIST, Reply(body={key: [export(8)], "meta": {}}))
    assert last(client) == 8


@pytest.mark.parametrize(
    "body", [None, {}, "<html>", {"exports": None}, {"exports": [7]}, {"exports": [{}]}, [export("x/y")], 5]
)
def test_an_answer_without_a_list_is_unreadable(stub: StubServer, client: Client, body: Any) -> None:
    stub.on(LIST, Reply(body=body))
    with pytest.raises(UnreadableError):
        last(client)


def test_a_list_of_another_project_is_never_taken(stub: StubServer, client: Client) -> None:
    stub.on(LIST, listed(export(3), export(4, project_id=4002)))
    with pytest.raises(UnreadableError) as caught:
        last(client)
    assert caught.value.final


def test_a_missing_project_is_not_found(stub: StubServer, client: Client) -> None:
    stub.on(LIST, Reply(404, error("ValueError", "No such project")))
    with pytest.raises(NotFoundError, match="No such project"):
        last(client)


def test_a_project_of_another_account_is_an_error_of_the_credential(stub: StubServer, client: Client) -> None:
    stub.on(LIST, Reply(403, error("PermissionError", "Owners only")))
    with pytest.raises(CredentialError):
        last(client)
