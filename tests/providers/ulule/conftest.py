"""Clients of Ulule with either kind of credential, and the replies most tests share."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.contract import Job
from exports.providers.ulule import Ulule
from exports.transport.client import Client
from tests.helpers.stub_server import Reply, StubServer

PROJECT = "/v1/projects/4001"
EXPORTS = f"{PROJECT}/exports"
TOKEN = "POST /oauth2/token/"
KEY = {"api_key": "the-api-key"}
OAUTH = {"client_id": "the-client", "client_secret": "the-secret", "refresh_token": "refresh-1"}


def export(id_: Any = 77, **fields: Any) -> dict[str, Any]:
    """An export as documented (reference/export)."""
    return {
        "id": id_,
        "project_id": 4001,
        "type": "orders",
        "format": "csv",
        "status": "waiting",
        "url": None,
        "created_at": "2026-01-02T03:04:05Z",
        "user": {"id": 9, "email": "owner@example.org"},
        **fields,
    }


def listed(*rows: Any, following: Any = None) -> Reply:
    """A page of the list of exports."""
    return Reply(body={"exports": list(rows), "meta": {"limit": 20, "next": following}})


def error(classification: str, message: str, *names: str) -> list[dict[str, Any]]:
    """An error body as documented (overview/errors)."""
    return [{"classification": classification, "fieldNames": list(names), "message": message}]


def job(**fields: Any) -> Job:
    """An export of the one project."""
    return Job(**{"project": "4001", "type": "orders", "format": "csv", **fields})


@pytest.fixture
def ulule() -> Ulule:
    return Ulule()


@pytest.fixture
def client(connect: Callable[..., Client], ulule: Ulule) -> Client:
    """With an API key."""
    return connect(ulule, KEY)


@pytest.fixture
def oauth(stub: StubServer, connect: Callable[..., Client], ulule: Ulule) -> Client:
    """With OAuth2."""
    stub.on(TOKEN, Reply(body={"access_token": "access-1", "expires_in": 36000, "token_type": "Bearer"}))
    return connect(ulule, OAUTH)
