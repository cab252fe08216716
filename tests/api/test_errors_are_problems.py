"""Whatever goes wrong below /api/ is application/problem+json, with a sentence."""

import json
import logging
from typing import Any

import pytest
from django.test import Client

from exports.engine import end
from exports.models import Export, Project
from tests.api.conftest import PROBLEM, Api, problem


@pytest.mark.parametrize("path", ["/nope", "/", "", "/me/", "/exports/", "/exports/one", "/exports/-1", "/exports/1/x"])
def test_an_unknown_address_is_a_problem(mine: Api, path: str) -> None:
    problem(mine.get(path), 404)
    problem(mine.post(path, {}), 404)


@pytest.mark.parametrize("path", ["/api/", "/api/v2/exports", "/api/v1x", "/api/docs/x", "/api/%00", "/api/a%0Ab"])
def test_so_is_one_outside_this_version(db: None, path: str) -> None:
    problem(Client().get(path), 404)


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 19, "9" * 40, "9" * 5000])
def test_ids_beyond_all_bounds_are_404(mine: Api, number: str) -> None:
    for path in (f"/exports/{number}", f"/projects/{number}", f"/projects/{number}/exports"):
        problem(mine.get(path), 404)
    problem(mine.post(f"/credentials/{number}/check"), 404)


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
def test_a_wrong_method_is_405_and_names_the_right_ones(mine: Api, method: str, path: str, allowed: str) -> None:
    answer = mine.call(method, path)
    assert answer.status_code == 405
    assert sorted(answer.headers["Allow"].split(", ")) == allowed.split(", ")
    assert answer.headers["Content-Type"] == PROBLEM
    if method != "HEAD":
        problem(answer, 405)


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
def test_a_body_that_cannot_be_read_is_422(mine: Api, project: Project, body: bytes) -> None:
    assert "body" in problem(mine.post(f"/projects/{project.pk}/exports", body), 422)["errors"]
    assert not Export.objects.exists()


@pytest.mark.parametrize("body", [b"", b"  \r\n", b"{}"])
def test_an_empty_body_counts_as_an_empty_object(mine: Api, export: Export, body: bytes) -> None:
    assert mine.post(f"/exports/{export.pk}/cancel", body).status_code == 200


@pytest.mark.parametrize("type_", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "ü"])
def test_the_content_type_does_not_matter(mine: Api, project: Project, type_: str) -> None:
    body = json.dumps({"type": "orders"}).encode()
    answer = mine.post(f"/projects/{project.pk}/exports", body, Content_Type=type_)
    assert answer.status_code == 201


def test_a_body_may_be_large_but_not_too_large(mine: Api, project: Project) -> None:
    path = f"/projects/{project.pk}/exports"
    assert mine.post(path, b'{"type": "orders"}'.ljust(1_000_000)).status_code == 201
    problem(mine.post(path, b'{"type": "orders"}'.ljust(1_000_001)), 413)


def test_a_body_without_a_length_is_411_and_not_read_as_empty(mine: Api, export: Export) -> None:
    environ: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {mine.token}", "HTTP_TRANSFER_ENCODING": "chunked"}
    path = f"/api/v1/exports/{export.pk}/cancel"
    problem(mine.client.post(path, b"", "application/json", CONTENT_LENGTH="", **environ), 411)


def test_what_is_unexpected_is_500_without_details_and_in_the_log(
    mine: Api, export: Export, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("the secret is sandbox-key")

    monkeypatch.setattr(end, "cancel", explode)
    with caplog.at_level(logging.ERROR):
        answer = mine.post(f"/exports/{export.pk}/cancel")
    problem(answer, 500)
    assert b"sandbox-key" not in answer.content
    assert "RuntimeError" in caplog.text


def test_more_parameters_than_can_be_read_is_422(mine: Api) -> None:
    problem(mine.get("/exports?" + "&".join("q=x" for _ in range(2000))), 422)


def test_answers_are_not_kept_by_caches(mine: Api) -> None:
    assert mine.get("/me").headers["Cache-Control"] == "no-store"
    assert mine.get("/nope").headers["Cache-Control"] == "no-store"


def test_head_is_get_without_the_body(mine: Api) -> None:
    whole, head = mine.get("/me"), mine.call("HEAD", "/me")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.content))
