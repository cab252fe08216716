"""The account and what it may read; the one database; what would go wrong, told before."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.contract import RemoteProject
from exports.providers.project_ids import clean_project_id
from exports.providers.youtrack import YouTrack
from exports.transport.client import Client
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.youtrack.conftest import BACKUPS, SETTINGS, TOKEN, file, job, refusal, settings

ME = "GET /youtrack/api/users/me"


def check(stub: StubServer, client: Client, me: Reply, said: Reply) -> list[tuple[bool, str]]:
    stub.on(ME, me)
    stub.on(SETTINGS, said)
    return [(step.ok, step.detail) for step in YouTrack().check(client)]


def test_a_good_token_reads_the_settings(stub: StubServer, client: Client) -> None:
    steps = check(stub, client, Reply(body={"login": "admin", "$type": "Me"}), Reply(body=settings()))
    assert steps == [(True, "admin"), (True, "TAR_GZ")]


def test_a_token_without_the_right_to_read_is_told_in_youtracks_words(stub: StubServer, client: Client) -> None:
    denied = Reply(403, refusal("Forbidden", "Insufficient rights"))
    steps = check(stub, client, Reply(body={"login": "somebody"}), denied)
    assert steps == [(True, "somebody"), (False, "YouTrack answered 403: Insufficient rights")]


@pytest.mark.parametrize("body", ["<html>", {}, [], None])
def test_an_address_of_something_else_fails_the_check(stub: StubServer, client: Client, body: Any) -> None:
    assert not check(stub, client, Reply(body=body), Reply(body=settings()))[0][0]


def test_an_installation_has_one_database(connect: Callable[..., Client], youtrack: YouTrack) -> None:
    assert list(youtrack.projects(connect(youtrack, TOKEN))) == [
        RemoteProject("database", "Database of 127.0.0.1"),
    ]
    assert clean_project_id("database", youtrack.project_id, label="YouTrack") == "database"
    with pytest.raises(ValueError, match="database"):
        clean_project_id("0-1", youtrack.project_id, label="YouTrack", help_=youtrack.project_help)


def preflight(stub: StubServer, client: Client, format_: str = "tar.gz", **fields: Any) -> list[str]:
    stub.on(SETTINGS, Reply(body=settings(**fields)))
    advice = YouTrack().preflight(client, job(format=format_, baseline={}))
    assert not any(one.ok for one in advice)
    return [one.message for one in advice]


def test_too_little_space_is_told_before(stub: StubServer, client: Client) -> None:
    assert "less space" in preflight(stub, client, availableDiskSpace=9_000_000)[0]
    assert preflight(stub, client) == []
    stub.on(BACKUPS, Reply(body=[]))
    assert preflight(stub, client, availableDiskSpace=9_000_000) == []


def test_another_format_is_told_before(stub: StubServer, client: Client) -> None:
    assert "backups as TAR_GZ" in preflight(stub, client, "zip")[0]
    assert preflight(stub, client, "") == []


@pytest.mark.parametrize("size", [None, "big", 1.5])
def test_a_size_that_cannot_be_read_is_no_advice(stub: StubServer, client: Client, size: Any) -> None:
    stub.on(BACKUPS, Reply(body=[file(29, size=size)]))
    assert preflight(stub, client) == []
