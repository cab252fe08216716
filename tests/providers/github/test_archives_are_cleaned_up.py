"""The archive is deleted at GitHub once the file is kept, unless it was not the portal's or should stay."""

from typing import Any

import pytest

from exports.providers.github import GitHub
from exports.transport.client import Client
from exports.transport.errors import CredentialError
from tests.helpers.stub_server import Reply, StubServer
from tests.providers.github.conftest import MIGRATIONS, job, refusal

DELETE = f"DELETE {MIGRATIONS}/79/archive"


def clean_up(stub: StubServer, client: Client, reply: Reply, **fields: Any) -> int:
    stub.on(DELETE, reply)
    GitHub().clean_up(client, job(remote_id="79", **fields))
    return len(stub.requests_to(DELETE))


def test_the_archive_is_deleted(stub: StubServer, client: Client) -> None:
    assert clean_up(stub, client, Reply(204)) == 1


def test_an_archive_that_is_gone_is_no_error(stub: StubServer, client: Client) -> None:
    assert clean_up(stub, client, Reply(404, refusal("Not Found"))) == 1


def test_it_stays_where_that_is_wanted(stub: StubServer, client: Client) -> None:
    assert clean_up(stub, client, Reply(204), options={"keep_archive": True}) == 0


def test_a_migration_that_was_only_adopted_stays(stub: StubServer, client: Client) -> None:
    assert clean_up(stub, client, Reply(204), baseline={}) == 0


def test_a_refusal_is_told(stub: StubServer, client: Client) -> None:
    with pytest.raises(CredentialError):
        clean_up(stub, client, Reply(403, refusal("Must have admin rights")))
