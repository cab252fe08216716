"""Every error below /api/ is application/problem+json with one sentence."""

import json
import logging
from typing import Any

import pytest
from django.test import Client

from exports.exporting import actions
from exports.models import Export, Project
from tests.api.conftest import PROBLEM, ApiClient, problem_body


@pytest.mark.parametrize("path", ["/nope", "/", "", "/me/", "/exports/", "/exports/one", "/exports/-1", "/exports/1/x"])
def test_an_unknown_address_is_a_problem(member_api: ApiClient, path: str) -> None:
    problem_body(member_api.get(path), 404)
    problem_body(member_api.post(path, {}), 404)


@pytest.mark.parametrize("path", ["/api/", "/api/v2/exports", "/api/v1x", "/api/docs/x", "/api/%00", "/api/a%0Ab"])
def test_an_unknown_version_is_a_problem(db: None, path: str) -> None:
    problem_body(Client().get(path), 404)


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 19, "9" * 40, "9" * 5000])
def test_ids_that_are_too_large_are_404(member_api: ApiClient, number: str) -> None:
    for path in (f"/exports/{number}", f"/projects/{number}", f"/projects/{number}/exports"):
        problem_body(member_api.get(path), 404)
    problem_body(member_api.post(f"/credentials/{number}/check"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/exports", "GET, HEAD"),
        ("POST", "/me", "GET, HEAD"),
        ("PUT", "/projects", "GET, HEAD, POST"),
        ("OPTIONS", "/credentials", "GET, HEAD, POST"),
        ("GET", "/exports/1/cancel", "POST"),
        ("HEAD", "/exports/1/cancel", "POST"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(
    member_api: ApiClient, method: str, path: str, allowed: str
) -> None:
    answer = member_api.call(method, path)
    assert answer.status_code == 405
    assert sorted(answer.headers["Allow"].split(", ")) == allowed.split(", ")
    assert answer.headers["Content-Type"] == PROBLEM
    if method != "HEAD":
        problem_body(answer, 405)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"nonsense",
        b"{'type': 'orders'}",
        b'{"type": NaN}',
        b'{"type": Infinity}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'{"a": ' * 100_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[]",
        b'"orders"',
        b"1",
        b"null",
        b'{"type": "\\u0000"}',
        b'{"type": "\\ud800"}',
        b'{"\\u0000": 1}',
        b'{"options": {"columns": {"\\udfff": "x"}}}',
    ],
)
def test_a_body_that_cannot_be_read_is_422(member_api: ApiClient, project: Project, body: bytes) -> None:
    assert "body" in problem_body(member_api.post(f"/projects/{project.pk}/exports", body), 422)["errors"]
    assert not Export.objects.exists()


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"{}"])
def test_an_empty_body_counts_as_an_empty_object(member_api: ApiClient, export: Export, body: bytes) -> None:
    assert member_api.post(f"/exports/{export.pk}/cancel", body).status_code == 200


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "ü"])
def test_the_content_type_does_not_matter(member_api: ApiClient, project: Project, type_: str) -> None:
    body = json.dumps({"type": "orders"}).encode()
    answer = member_api.post(f"/projects/{project.pk}/exports", body, Content_Type=type_)
    assert answer.status_code == 201


def test_a_body_above_the_limit_is_413(member_api: ApiClient, project: Project) -> None:
    path = f"/projects/{project.pk}/exports"
    assert member_api.post(path, b'{"type": "orders"}'.ljust(1_000_000)).status_code == 201
    problem_body(member_api.post(path, b'{"type": "orders"}'.ljust(1_000_001)), 413)


def test_a_body_without_a_length_is_411_and_not_read_as_empty(member_api: ApiClient, export: Export) -> None:
    environ: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {member_api.token}", "HTTP_TRANSFER_ENCODING": "chunked"}
    path = f"/api/v1/exports/{export.pk}/cancel"
    problem_body(member_api.client.post(path, b"", "application/json", CONTENT_LENGTH="", **environ), 411)


def test_an_unexpected_error_is_500_without_details_and_is_logged(
    member_api: ApiClient, export: Export, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the secret is sandbox-key")

    monkeypatch.setattr(actions, "cancel", explode)
    with caplog.at_level(logging.ERROR):
        answer = member_api.post(f"/exports/{export.pk}/cancel")
    problem_body(answer, 500)
    assert b"sandbox-key" not in answer.content
    assert "RuntimeError" in caplog.text


def test_too_many_parameters_are_422(member_api: ApiClient) -> None:
    problem_body(member_api.get("/exports?" + "&".join("q=x" for _ in range(2000))), 422)


def test_answers_are_not_kept_by_caches(member_api: ApiClient) -> None:
    assert member_api.get("/me").headers["Cache-Control"] == "no-store"
    assert member_api.get("/nope").headers["Cache-Control"] == "no-store"


def test_head_is_get_without_the_body(member_api: ApiClient) -> None:
    whole, head = member_api.get("/me"), member_api.call("HEAD", "/me")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))
