"""A client that calls the API as a program does, and exports in every state without a provider."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from exports import states
from exports.models import Export, File, Member, Project, Token
from exports.models.token import WRITE
from exports.settle.good_copies import record_good_copy
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.run_exports import request_export

PROBLEM = "application/problem+json"


class ApiClient:
    """Calls of one token, as JSON. Without a member: without a token."""

    def __init__(self, member: Member | None, scope: str = WRITE) -> None:
        # What is unexpected must become an answer here as it does in the portal.
        self.client = Client(raise_request_exception=False)
        self.token = Token.issue(member, scope) if member else ""

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response; `body` is sent as JSON, or as it is when it is bytes. Header names with underscores."""
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        content_type = sent.pop("Content-Type", "application/json")
        return self.client.generic(method, f"/api/v1{path}", data, content_type, headers=sent)

    def get(self, path: str, **headers: str) -> Any:
        """A GET."""
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """A POST."""
        return self.call("POST", path, body, **headers)


@pytest.fixture
def api() -> Callable[..., ApiClient]:
    """api(member, scope) speaks for that member."""
    return ApiClient


@pytest.fixture
def member_api(member: Member) -> ApiClient:
    """Speaks for the member, with a token that may write."""
    return ApiClient(member)


@pytest.fixture
def project(cast: Cast) -> Project:
    """A project that only needs a type to be exported."""
    return cast.project(TABLES)


@pytest.fixture
def export(project: Project, member: Member) -> Export:
    """A waiting export."""
    return request_export(project, member, "orders")


@pytest.fixture
def finished(member: Member) -> Callable[..., Export]:
    """finished(project, content, name) is a succeeded export that holds that file."""

    def make(project: Project, content: bytes = b"id,total\r\n1,10\r\n", name: str = "orders.csv") -> Export:
        export = request_export(project, member, "orders", allow_duplicate=True)
        path = Path(f"{export.team_id}/{export.pk}/{name.encode().hex()[:40]}")
        (files.files_dir() / path).parent.mkdir(parents=True)
        (files.files_dir() / path).write_bytes(content)
        file = File.objects.create(
            team=export.team,
            name=name,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            content_type="text/csv; charset=utf-8",
            path=str(path),
            verified_at=timezone.now() - timedelta(seconds=10),
        )
        export.move(states.PROCESSING, source="worker", step=states.FETCH)
        export.move(states.SUCCEEDED, source="worker", file=file)
        record_good_copy(export, file)
        return export

    return make


def problem_body(response: Any, status: int) -> dict[str, Any]:
    """The problem a response holds, after a look at its form."""
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == PROBLEM
    body: dict[str, Any] = response.json()
    assert set(body) - {"errors", "export_id"} == {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert body["detail"].endswith((".", ")"))
    assert ("errors" in body) == (status == 422)
    return body
