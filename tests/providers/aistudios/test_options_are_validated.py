"""The options of AI Studios are validated, from a browser's form and from JSON."""

from typing import Any

import pytest

from exports.providers.aistudios import AIStudios
from exports.providers.aistudios.options import VideoOptions


def test_every_option_is_optional() -> None:
    form = VideoOptions({})
    assert form.is_valid()
    assert form.cleaned_data == {"resolution": "", "workspace_id": "", "webhook_url": ""}


@pytest.mark.parametrize("size", ["4k", "1080", "720", "480"])
def test_every_documented_resolution_is_offered(size: str) -> None:
    form = VideoOptions({"resolution": size, "workspace_id": "w1", "webhook_url": "https://example.org/a?b=c"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["resolution"] == size


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("resolution", "8k"),
        ("resolution", 1080),
        ("resolution", ["1080"]),
        ("resolution", True),
        ("workspace_id", 5),
        ("workspace_id", ["w1"]),
        ("workspace_id", {"a": 1}),
        ("workspace_id", "w" * 201),
        ("webhook_url", ["https://example.org/"]),
        ("webhook_url", "example.org"),
        ("webhook_url", "ftp://example.org/"),
        ("webhook_url", "javascript:alert(1)"),
        ("webhook_url", "https://"),
        ("webhook_url", "https://me:secret@example.org/"),
        ("webhook_url", "https://example.org/two words"),
        ("webhook_url", "https://[::1"),
        ("webhook_url", "https://example.org:99999/"),
        ("webhook_url", "https://example.org/" + "a" * 2000),
    ],
)
def test_a_wrong_value_is_an_error_of_its_field(name: str, value: Any) -> None:
    form = VideoOptions({name: value})
    assert set(form.errors) == {name}


def test_the_kind_has_the_notes_that_a_person_must_read() -> None:
    (kind,) = AIStudios.kinds
    assert (kind.type, kind.formats, kind.exclusive, kind.effect) == ("video", ("mp4",), True, "copies")
    assert "credits" in kind.cost
    assert kind.relay_option in kind.options.base_fields
    assert set(kind.options_with_choices) <= set(kind.options.base_fields)
    assert kind.deadline.total_seconds() == 7200
    assert AIStudios.supports_webhooks


def test_both_secrets_are_required() -> None:
    assert AIStudios().secret_problems({"app_id": "a", "user_key": "b"}) == {}
    assert set(AIStudios().secret_problems({"app_id": "a"})) == {"user_key"}
    assert set(AIStudios().secret_problems({"app_id": "a b", "user_key": "c", "token": "x"})) == {"app_id", "token"}
