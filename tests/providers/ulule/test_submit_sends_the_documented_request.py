"""Submit sends exactly the documented request, and takes only clear answers as an acceptance."""

from typing import Any

import pytest

from exports.providers.ulule import Ulule
from exports.transport.client import Client
from exports.transport.errors import CredentialError, NotFoundError, UnclearError, UnreadableError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.ulule.conftest import EXPORTS, error, export, job

POST = f"POST {EXPORTS}"


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_any_2xx_with_our_export_is_accepted(
    stub: StubServer, client: Client, ulule: Ulule, status: int, format_: str
) -> None:
    stub.on(POST, Reply(status, export(format=format_)))
    accepted = ulule.submit(client, job(format=format_))
    assert (accepted.remote_id, accepted.status.state, accepted.status.provider_status) == ("77", "running", "waiting")
    (asked,) = stub.requests_to(POST)
    assert asked.json == {"type": "orders", "format": format_}
    assert asked.headers["Ulule-Version"] == "2020-11-10"


def test_columns_are_sent_when_chosen(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(POST, Reply(201, export()))
    ulule.submit(client, job(options={"columns": {"order.id": "Number"}}))
    assert stub.requests_to(POST)[0].json == {"type": "orders", "format": "csv", "columns": {"order.id": "Number"}}


def test_no_columns_are_not_sent(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(POST, Reply(201, export()))
    ulule.submit(client, job(options={"columns": {}}))
    assert stub.requests_to(POST)[0].json == {"type": "orders", "format": "csv"}


def test_an_export_that_is_done_at_once_is_read_as_done(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(POST, Reply(201, export(status="succeeded", url="https://cdn.example.org/o.csv")))
    assert ulule.submit(client, job()).status.link == "https://cdn.example.org/o.csv"


@pytest.mark.parametrize(("id_", "known_as"), [("77", "77"), (77.0, "77"), ("exp-77", "exp-77")])
def test_an_id_of_another_type_is_taken(
    stub: StubServer, client: Client, ulule: Ulule, id_: object, known_as: str
) -> None:
    stub.on(POST, Reply(201, export(id_)))
    assert ulule.submit(client, job()).remote_id == known_as


def test_an_export_of_another_project_is_never_taken(stub: StubServer, client: Client, ulule: Ulule) -> None:
    stub.on(POST, Reply(201, export(project_id=4002)))
    with pytest.raises(UnreadableError, match="another project") as caught:
        ulule.submit(client, job())
    assert caught.value.final


@pytest.mark.parametrize(
    "body",
    [
        None,
        "<html>",
        [],
        {},
        {"id": 77},
        export(None),
        export("seven/ty"),
        export(7.5),
        export(True),
        export(project_id=None),
        export(type="users"),
        export(format="xlsx"),
        {"export": export()},
    ],
)
def test_an_acceptance_of_another_shape_leaves_the_outcome_open(
    stub: StubServer, client: Client, ulule: Ulule, body: Any
) -> None:
    stub.on(POST, Reply(201, body))
    with pytest.raises(UnreadableError) as caught:
        ulule.submit(client, job())
    assert not caught.value.final


@pytest.mark.parametrize("reply", [Reply(cut=True), Reply(500, []), Reply(502, "<html>"), Reply(307)])
def test_a_request_without_an_answer_is_sent_once_and_left_open(
    stub: StubServer, client: Client, ulule: Ulule, reply: Reply
) -> None:
    stub.on(POST, reply)
    with pytest.raises(UnclearError):
        ulule.submit(client, job())
    assert len(stub.requests_to(POST)) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(401, error("PermissionError", "Bad credentials")),
        Reply(403, error("PermissionError", "Owners only")),
        Reply(400, error("PermissionError", "Owners only")),
        Reply(403, "<html>"),
        Reply(401),
    ],
)
def test_a_missing_right_says_that_this_credential_cannot_create(
    stub: StubServer, client: Client, ulule: Ulule, reply: Reply
) -> None:
    stub.on(POST, reply)
    with pytest.raises(CredentialError, match="This credential cannot create exports"):
        ulule.submit(client, job())


@pytest.mark.parametrize("name", ["my-project", "04001", "4001/x", "..", "-1", "4001 ", "٤", "1" * 19])
def test_a_project_is_a_number(stub: StubServer, client: Client, ulule: Ulule, name: str) -> None:
    with pytest.raises(NotFoundError, match="a number"):
        ulule.prepare(client, job(project=name))
    assert stub.requests == []


def test_a_path_before_the_api_is_kept(stub: StubServer, connect: Any, ulule: Ulule) -> None:
    stub.on(f"POST /ulule{EXPORTS}", Reply(201, export()))
    client = connect(ulule, {"api_key": "k"}, path="/ulule")
    assert ulule.submit(client, job()).remote_id == "77"
