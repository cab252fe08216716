"""Ulule's answers, for the tests that every provider passes."""

from typing import Any, Final

from tests.helpers.json_changes import ORIGIN
from tests.helpers.sample import Sample

ORDERS: Final = {
    "id": 501,
    "project_id": 4001,
    "type": "orders",
    "format": "csv",
    "status": "succeeded",
    "created_at": "2026-01-02T03:04:05Z",
    "url": f"{ORIGIN}/file",
}


def running(**more: Any) -> dict[str, Any]:
    fields = {"id": 501, "project_id": 4001, "type": "orders", "format": "csv"}
    return {**fields, "status": "processing", "url": None, **more}


def done(link: str, **more: Any) -> dict[str, Any]:
    return running(**{"status": "succeeded", "url": link or None, **more})


SAMPLE: Final = Sample(
    secrets={"client_id": "a-client", "client_secret": "a-client-secret", "refresh_token": "a-token-of-a-credential"},
    project="4001",
    pages=("https://www.ulule.com/projects/{}/", "https://api.ulule.com/v1/projects/{}"),
    answers=(
        (r"POST /oauth2/", {"access_token": "abc", "refresh_token": "def", "expires_in": 36000}),
        (r"POST", {**ORDERS, "status": "waiting", "url": None}),
        (r"GET /v1/me", {"id": 9, "username": "somebody"}),
        (r"GET /v1/users/", {"projects": [{"id": 4001, "name": {"fr": "Lampe"}}], "meta": {"next": None}}),
        (r"GET /v1/projects/\d+/exports", {"exports": [{**ORDERS, "id": 400}], "meta": {"next": None}}),
        (r"GET /v1/projects/", {"id": 4001, "user_role": "owner"}),
        (r"GET ", ORDERS),
    ),
    submit="POST /v1/projects/4001/exports",
    poll="GET /v1/exports/501",
    list="GET /v1/projects/4001/exports",
    listed=lambda *jobs: {"exports": list(jobs), "meta": {"next": None}},
    accepted=running,
    running=running,
    done=done,
    options={"orders": {"columns": {"order.id": "Number"}}},
    forbidden=[{"classification": "PermissionError", "fieldNames": [], "message": "Owners only"}],
    not_found=[{"classification": "ValueError", "fieldNames": [], "message": "Not found"}],
)
