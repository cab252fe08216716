"""A client of AI Studios that has a token, and the replies that most tests share."""

from collections.abc import Callable
from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.providers.contract import Job
from exports.transport.client import Client
from tests.helpers.stub_server import Reply, StubServer

PROJECT = "65fa6b07dca2e367461a2925"
API = "/api/odin/v3"
TOKEN = f"POST {API}/auth/token"
EXPORT = f"POST {API}/editor/project/export"
PROGRESS = f"GET {API}/editor/progress/{PROJECT}"
READ = f"GET {API}/editor/project/{PROJECT}"
OLD = "https://cdn.example.org/yesterday.mp4"
NEW = "https://cdn.example.org/today.mp4"
SECRETS = {"app_id": "the-app-id", "user_key": "the-user-key"}


def good(data: Any) -> Reply:
    """The envelope of a success."""
    return Reply(body={"success": True, "data": data})


def bad(code: Any, msg: str, status: int = 200) -> Reply:
    """The envelope of a failure."""
    return Reply(status, {"success": False, "error": {"code": code, "msg": msg}})


def project(**fields: Any) -> Reply:
    """GET /editor/project/{id} as documented."""
    return good({"project": {"_id": PROJECT, "name": "Welcome", **fields}})


def job(**fields: Any) -> Job:
    """An export of the one project."""
    return Job(**{"project": PROJECT, "type": "video", "format": "mp4", **fields})


@pytest.fixture
def aistudios() -> AIStudios:
    return AIStudios()


@pytest.fixture
def client(stub: StubServer, connect: Callable[..., Client], aistudios: AIStudios) -> Client:
    stub.on(TOKEN, good({"token": "a.b.c"}))
    return connect(aistudios, SECRETS)
