"""GET /providers describes every provider as declared: secrets, kinds, formats, options as JSON Schema, effect."""

from typing import Any

import pytest
from django import forms

from exports.api.options import form_schema
from exports.providers.registry import PROVIDERS
from tests.api.conftest import ApiClient
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS


@pytest.fixture
def described(member_api: ApiClient) -> dict[str, Any]:
    """Slug to what the API says of the provider."""
    return {one["slug"]: one for one in member_api.get("/providers").json()["providers"]}


def kind(described: dict[str, Any], slug: str, type_: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in described[slug]["kinds"] if one["type"] == type_)
    return found


def test_every_provider_and_kind_is_listed(described: dict[str, Any]) -> None:
    said = {slug: [one["type"] for one in provider["kinds"]] for slug, provider in described.items()}
    assert said == {slug: [one.type for one in provider.kinds] for slug, provider in PROVIDERS.items()}
    assert all(provider["docs"].startswith("https://") for provider in described.values())


def test_secret_fields_are_named(described: dict[str, Any]) -> None:
    fields = {slug: [one["name"] for one in provider["secret_fields"]] for slug, provider in described.items()}
    assert fields == {slug: [one.name for one in provider.secrets] for slug, provider in PROVIDERS.items()}
    assert {slug: fields[slug] for slug in (ARCHIVES, VIDEOS, CHANGING, TABLES)} == {
        ARCHIVES: ["token"],
        VIDEOS: ["app_id", "user_key"],
        CHANGING: ["token", "scheme"],
        TABLES: ["api_key", "client_id", "client_secret", "refresh_token"],
    }
    scheme = described[CHANGING]["secret_fields"][1]
    assert (scheme["required"], scheme["choices"]) == (False, ["ApiKey", "OAuth"])


def test_formats_and_effects_are_described(described: dict[str, Any]) -> None:
    archive = kind(described, CHANGING, "archive")
    assert (archive["formats"], archive["effect"]) == (["none"], "changes")
    orders = kind(described, TABLES, "orders")
    assert (orders["formats"], orders["effect"]) == (["csv", "xlsx"], "copies")


def test_origins_and_dialects_are_described(described: dict[str, Any]) -> None:
    names = [origin["name"] for origin in described[CHANGING]["origins"]]
    assert names == ["production", "sandbox"]
    assert described[ARCHIVES]["dialects"] == ["current", "seed"]


def test_options_are_json_schema(described: dict[str, Any]) -> None:
    app = kind(described, ARCHIVES, "app")["options"]
    assert (app["type"], app["additionalProperties"]) == ("object", False)
    assert sorted(app["required"]) == ["name", "scenes"]
    said = app["properties"]
    assert (said["name"]["type"], said["name"]["maxLength"], said["name"]["title"]) == (
        "string",
        999,
        "Name of the app",
    )
    assert (said["scenes"]["type"], said["scenes"]["items"]) == ("array", {"type": "integer"})
    assert said["scripts_minify"]["type"] == "boolean"
    assert said["target"]["enum"] == ["web", "ios"]
    assert said["app_format"]["enum"] == ["static", "npm"]
    columns = kind(described, TABLES, "orders")["options"]["properties"]["columns"]
    assert (columns["type"], columns["additionalProperties"]) == ("object", {"type": "string"})
    video = kind(described, VIDEOS, "video")["options"]["properties"]
    assert video["resolution"]["enum"] == ["4k", "1080", "720", "480"]
    assert kind(described, CHANGING, "archive")["options"]["properties"]["archive_pools"]["type"] == "boolean"


def test_djangos_own_fields_have_a_schema_too() -> None:
    class Some(forms.Form):
        count = forms.IntegerField()
        share = forms.FloatField(required=False)
        quick = forms.BooleanField(required=False, help_text="Or slow.")
        parts = forms.MultipleChoiceField(required=False, choices=[("a", "A")])

    assert form_schema(Some) == {
        "type": "object",
        "properties": {
            "count": {"type": "integer", "title": "Count"},
            "share": {"type": "number", "title": "Share"},
            "quick": {"type": "boolean", "title": "Quick", "description": "Or slow."},
            "parts": {"type": "array", "items": {"type": "string"}, "title": "Parts"},
        },
        "additionalProperties": False,
        "required": ["count"],
    }
