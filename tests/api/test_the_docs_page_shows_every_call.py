"""The API's page shows every call with curl and a recorded answer, to everybody, and works without scripts."""

import base64
import hashlib
import hmac
import re
import shlex
from html import unescape
from typing import Any

import pytest
from django.test import Client

from exports.api.documented_calls import Builder, highlight_json
from exports.api.examples import load_signature_check
from exports.api.urls import api
from exports.models import Member
from tests.api.conftest import problem_body
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.processes import ROOT


@pytest.fixture(scope="module")
def builder() -> Builder:
    return Builder(api.get_openapi_schema(), "https://exports.example.org", {"project_id": 42})


def page(client: Client, query: str = "") -> str:
    answer = client.get(f"/api/docs{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_everybody_can_read_it_without_scripts(db: None) -> None:
    html = page(Client())
    for path, methods in api.get_openapi_schema()["paths"].items():
        assert path in html
        for operation in methods.values():
            assert f'id="{operation["operationId"]}"' in html
            assert f'href="#{operation["operationId"]}"' in html
    assert html.count("<h1") == 1
    assert "`" not in html
    assert "Create token" not in html
    assert 'class="side"' not in html
    # Nothing that a strict policy would refuse, and nothing from elsewhere.
    assert not re.search(r"<script(?![^>]* src=\"/static/)|<style|style=|\son\w+=|(src)=\"(https?:)?//", html)
    problem_body(Client().post("/api/docs"), 405)


def test_every_link_within_the_page_leads_somewhere(db: None) -> None:
    html = page(Client())
    targets = set(re.findall(r' id="([^"]+)"', html))
    missing = set(re.findall(r'href="#([^"]+)"', html)) - targets
    assert not missing


def test_members_see_their_team_beside_it(as_viewer: Client, viewer: Member) -> None:
    html = page(as_viewer, "?team=the-team")
    assert 'class="side"' in html
    assert "The Team" in html
    assert f'href="/t/{viewer.team.slug}/exports/"' in html
    assert "/t/other-team/" not in page(as_viewer, "?team=other-team")


def test_a_stranger_to_a_team_sees_nothing_of_it(as_outsider: Client) -> None:
    assert "The Team ·" not in page(as_outsider, "?team=the-team")
    assert "/t/the-team/" not in page(as_outsider, "?team=the-team")


def test_reading_calls_use_ids_of_the_team_and_changing_ones_do_not(as_viewer: Client, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    html = unescape(page(as_viewer))
    assert f"/api/v1/exports/{export.pk}/history'" in html


def test_it_takes_few_queries_and_little_room(
    as_viewer: Client, cast: Cast, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(11):
        answer = as_viewer.get("/api/docs", headers={"Accept-Encoding": "gzip"})
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) <= 30_000


def test_curl_is_one_command_with_the_portals_address(builder: Builder) -> None:
    calls = {call.id: call for call in builder.calls()}
    for call in calls.values():
        words = shlex.split(call.curl)
        assert words[0] == "curl"
        assert any(word.startswith("https://exports.example.org/api/v1/") for word in words), call.curl
        assert "Authorization: Bearer $EXPORT_TOKEN" in words
        assert ("-X" in words) == (call.method != "GET")
        assert ("-d" in words) == bool(call.body)
    assert "'https://exports.example.org/api/v1/projects/42'" in calls["get_project"].curl
    assert "/42" not in calls["archive_project"].curl, "pasted by mistake it would archive the reader's own project"


def test_what_changes_or_costs_something_is_said(builder: Builder) -> None:
    for call in builder.calls():
        assert bool(call.effect) or call.method == "GET"
    effects = {call.id: call.effect for call in builder.calls()}
    assert "may cost credits" in effects["create_export"]
    assert "can't be undone" in effects["delete_export_file"]
    assert effects["list_exports"] == ""


def test_every_error_has_an_example(builder: Builder) -> None:
    errors = {error["status"]: error for error in builder.errors()}
    assert {"401", "403", "404", "409", "422", "429", "502", "503"} <= set(errors)
    assert all("detail" in error["example"] for error in errors.values())


def test_json_is_escaped_and_marked() -> None:
    assert highlight_json('{"a<": ["<b>", 1, null]}') == (
        '{<span class="k">&quot;a&lt;&quot;</span>: [<span class="s">&quot;&lt;b&gt;&quot;</span>, '
        '<span class="n">1</span>, <span class="n">null</span>]}'
    )


def test_the_signature_check_is_the_one_of_the_recipe_and_works() -> None:
    text = load_signature_check()
    assert text in (ROOT / "docs" / "recipes" / "verify-a-webhook.md").read_text(encoding="utf-8")
    scope: dict[str, Any] = {}
    exec(text, scope)  # noqa: S102  our own example
    now = str(int(scope["time"].time()))
    key, body = b"k" * 24, b'{"type": "webhook.test"}'
    signed = base64.b64encode(hmac.new(key, f"m1.{now}.".encode() + body, hashlib.sha256).digest()).decode()
    headers = {"webhook-id": "m1", "webhook-timestamp": now, "webhook-signature": f"v1,{signed}"}
    secret = "whsec_" + base64.b64encode(key).decode()
    assert scope["verify"](secret, headers, body)
    assert not scope["verify"](secret, headers, body + b" ")
