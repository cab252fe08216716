"""The OpenAPI document describes what the API does."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.api.conftest import PROBLEM, ApiClient

CONTRACT = {
    "/me": {"get"},
    "/team": {"get", "patch"},
    "/providers": {"get"},
    "/credentials": {"get", "post"},
    "/credentials/{}": {"get", "patch", "delete"},
    "/credentials/{}/check": {"post"},
    "/credentials/{}/discover": {"post"},
    "/coverage": {"get"},
    "/credentials/{}/remote-projects": {"get"},
    "/projects": {"get", "post"},
    "/projects/{}": {"get", "patch", "delete"},
    "/projects/{}/exports": {"get", "post"},
    "/exports": {"get"},
    "/exports/{}": {"get"},
    "/exports/{}/cancel": {"post"},
    "/exports/{}/retry": {"post"},
    "/exports/{}/adopt": {"post"},
    "/exports/{}/fetch": {"post"},
    "/exports/{}/history": {"get"},
    "/exports/{}/calls": {"get"},
    "/exports/{}/file": {"get", "delete"},
    "/exports/{}/pin": {"post"},
    "/exports/{}/unpin": {"post"},
    "/retention": {"get", "put"},
    "/retention/preview": {"get"},
    "/projects/{}/retention": {"get", "put"},
    "/exports/{}/compare": {"get"},
    "/alerts": {"get", "post"},
    "/alerts/{}": {"get", "patch", "delete"},
    "/alerts/{}/test": {"post"},
    "/projects/{}/schedules": {"get", "post"},
    "/schedules": {"get"},
    "/schedules/{}": {"get", "patch", "delete"},
    "/schedules/{}/run": {"post"},
    "/webhooks": {"get", "post"},
    "/webhooks/{}": {"get", "patch", "delete"},
    "/webhooks/{}/rotate": {"post"},
    "/webhooks/{}/test": {"post"},
    "/webhooks/{}/deliveries": {"get"},
    "/deliveries/{}/redeliver": {"post"},
}


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    answer = Client().get("/api/v1/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    body: dict[str, Any] = answer.json()
    return body


def test_it_has_exactly_the_documented_paths(document: dict[str, Any]) -> None:
    said = {re.sub("{.*?}", "{}", path): set(methods) for path, methods in document["paths"].items()}
    assert said == {f"/api/v1{path}": methods for path, methods in CONTRACT.items()}


def test_every_reference_resolves(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [found for inner in value.values() for found in references(inner)]
        return [found for inner in value for found in references(inner)] if isinstance(value, list) else []

    for reference in references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_every_operation_describes_its_responses(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            statuses = set(operation["responses"])
            assert {"401", "429"} <= statuses
            assert ("404" in statuses) == ("{" in path or (path.endswith("/projects") and method == "post"))
            if method == "post":
                assert {"403", "413", "422"} <= statuses
                assert "application/json" in operation["requestBody"]["content"]
            assert operation["description"]
            assert operation["security"] == [{"Bearer": []}]


def test_errors_are_described_as_problems(document: dict[str, Any]) -> None:
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == [PROBLEM]
    assert set(document["components"]["schemas"]["Problem"]["required"]) == {"type", "title", "status", "detail"}


def test_the_filters_are_described(document: dict[str, Any]) -> None:
    for path in ("/api/v1/exports", "/api/v1/projects/{project_id}/exports"):
        parameters = {one["name"]: one for one in document["paths"][path]["get"]["parameters"] if one["in"] == "query"}
        assert list(parameters) == [
            *("status", "type", "provider", "project_id", "since", "until", "q"),
            *("limit", "before"),
        ]
        assert parameters["limit"]["schema"]["maximum"] == 100


def test_bodies_accept_no_undescribed_fields(document: dict[str, Any]) -> None:
    create = document["paths"]["/api/v1/projects/{project_id}/exports"]["post"]
    schema = create["requestBody"]["content"]["application/json"]["schema"]
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["type"]
    assert set(schema["properties"]) == {"type", "format", "options", "confirm", "adopt", "allow_twin"}
    assert "Idempotency-Key" in [one["name"] for one in create["parameters"]]


def test_responses_match_their_schemas(member_api: ApiClient, document: dict[str, Any]) -> None:
    said = document["components"]["schemas"]
    assert set(member_api.get("/me").json()) == set(said["MeOut"]["properties"])
    assert said["ExportOut"]["properties"]["created_at"] == {
        "type": "string",
        "format": "date-time",
        "title": "Created At",
    }
    assert set(said["ChangeOut"]["required"]) == {"from", "to", "at", "source", "actor", "provider_status", "note"}
