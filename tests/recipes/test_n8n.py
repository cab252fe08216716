"""The recipe for n8n: its calls, fields and connections are those of the API's description."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from tests.helpers.documented_blocks import RECIPES, files_of

ADDRESS = re.compile(r"=\{\{ \$\('Settings'\)\.item\.json\.api \}\}(/.*)")
FIELD = re.compile(r"(?:\$json|\$\('(?:Run|Look)'\)\.item\.json)\.(\w+)(?:\?\.(\w+))?")


@pytest.fixture(scope="module")
def nodes() -> dict[str, dict[str, Any]]:
    return {node["name"]: node for node in workflow()["nodes"]}


def workflow() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(files_of(RECIPES / "n8n.md")["n8n.json"])
    return found


def calls(nodes: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    found = [node["parameters"] for node in nodes.values() if node["type"] == "n8n-nodes-base.httpRequest"]
    assert len(found) == 3
    return found


@pytest.fixture
def document(db: None) -> dict[str, Any]:
    found: dict[str, Any] = Client().get("/api/v1/openapi.json").json()
    return found


def operation_of(call: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    match = ADDRESS.fullmatch(call["url"])
    assert match, call["url"]
    path = re.sub(r"\{\{.*?\}\}", "{}", match[1])
    paths = {re.sub(r"\{\w+\}", "{}", name): methods for name, methods in document["paths"].items()}
    found: dict[str, Any] = paths[f"/api/v1{path}"][call["method"].lower()]
    return found


def test_every_call_is_one_of_the_api(nodes: dict[str, dict[str, Any]], document: dict[str, Any]) -> None:
    names = [operation_of(call, document)["operationId"] for call in calls(nodes)]
    assert names == ["create_export", "get_export", "export_file"]


def test_bodies_and_headers_are_described(nodes: dict[str, dict[str, Any]], document: dict[str, Any]) -> None:
    (call,) = (call for call in calls(nodes) if call["method"] == "POST")
    operation = operation_of(call, document)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    body = json.loads(call["jsonBody"])
    assert set(schema["required"]) <= set(body) <= set(schema["properties"])
    assert body["type"] in schema["properties"]["type"]["enum"]
    described = {one["name"] for one in operation["parameters"] if one["in"] == "header"}
    assert {one["name"] for one in call["headerParameters"]["parameters"]} <= described


def test_every_field_that_is_read_is_in_the_answers(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    fields = FIELD.findall(json.dumps(workflow()))
    assert {"id", "status", "finished_at", "error"} == {name for name, _inner in fields}
    assert {name for name, _inner in fields} <= set(schemas["ExportOut"]["properties"])
    assert {inner for _name, inner in fields if inner} <= set(schemas["ErrorOut"]["properties"])


def test_every_way_leads_on_and_the_loop_ends(nodes: dict[str, dict[str, Any]]) -> None:
    connections = workflow()["connections"]
    led = {name: [to["node"] for way in ways["main"] for to in way] for name, ways in connections.items()}
    assert {to for found in led.values() for to in found} | {"Every night"} == set(nodes)
    rules = nodes["How is it?"]["parameters"]["rules"]["values"]
    assert [rule["outputKey"] for rule in rules] == ["ready", "running"]
    assert led["How is it?"] == ["Download", "Wait", "It failed"]
