"""The options of PlayCanvas are validated, from a browser's form and from JSON, for each dialect."""

from typing import Any

import pytest
from django.http import QueryDict

from exports.providers.contract import Kind
from exports.providers.playcanvas import PlayCanvas
from exports.providers.playcanvas.options import AppOptions, ArchiveOptions

APP = {"name": "My game", "scenes": [7, 5]}
OF_TODAY = {
    "branch_id": "b",
    "scripts_minify": False,
    "scripts_sourcemaps": True,
    "optimize_scene_format": True,
    "engine_version": "1.70.0",
    "app_format": "npm",
}


def kind(type_: str) -> Kind:
    found = PlayCanvas().kind(type_)
    assert found is not None
    return found


def errors(data: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [str(text) for text in texts] for name, texts in AppOptions(data).errors.items()}


def test_options_from_json_come_out_with_their_types() -> None:
    form = AppOptions({**APP, "scripts_minify": False, "scripts_concatenate": True, "app_format": "static"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["scenes"] == [7, 5]
    assert form.cleaned_data["scripts_minify"] is False
    assert form.cleaned_data["scripts_concatenate"] is True
    assert form.cleaned_data["scripts_sourcemaps"] is None
    assert form.cleaned_data["app_format"] == "static"


def test_options_from_a_browser_come_out_the_same() -> None:
    form = AppOptions(QueryDict("name=My+game&scenes=7,+5&scripts_minify=false&scripts_concatenate=true&app_format="))
    assert form.is_valid(), form.errors
    assert form.cleaned_data["scenes"] == [7, 5]
    assert form.cleaned_data["scripts_minify"] is False
    assert form.cleaned_data["scripts_concatenate"] is True
    assert form.cleaned_data["app_format"] == ""


def test_scenes_ticked_one_by_one_are_one_list_in_their_order() -> None:
    form = AppOptions(QueryDict("name=x&scenes=7&scenes=5"))
    assert form.is_valid(), form.errors
    assert form.cleaned_data["scenes"] == [7, 5]


def test_an_app_wants_a_name_and_at_least_one_scene() -> None:
    assert set(errors({})) == {"name", "scenes"}
    assert set(errors({"name": "x", "scenes": []})) == {"scenes"}
    assert set(errors({"name": "x", "scenes": " "})) == {"scenes"}


def test_an_archive_wants_nothing() -> None:
    assert ArchiveOptions({}).is_valid()
    assert not ArchiveOptions({"branch_id": 7}).is_valid()
    assert not ArchiveOptions({"branch_id": "b" * 101}).is_valid()


@pytest.mark.parametrize(
    ("name", "max_length"), [("name", 999), ("description", 9999), ("version", 20), ("release_notes", 10000)]
)
def test_texts_are_as_long_as_the_documents_allow(name: str, max_length: int) -> None:
    assert errors({**APP, name: "x" * max_length}) == {}
    assert set(errors({**APP, name: "x" * (max_length + 1)})) == {name}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", ["My game"]),
        ("name", 7),
        ("description", {"text": "x"}),
        ("description", []),
        ("version", 1.2),
        ("scenes", ["7", "5"]),
        ("scenes", 7),
        ("scenes", [True]),
        ("scenes", [1.5]),
        ("scenes", [-1]),
        ("scenes", {"a": 1}),
        ("scenes", "7, five"),
        ("scenes", [7, 7]),
        ("scripts_minify", "maybe"),
        ("scripts_minify", 1),
        ("scripts_concatenate", []),
        ("target", "android"),
        ("target", 7),
        ("app_format", "web_lens"),
        ("app_format", ["npm"]),
        ("engine_version", 1),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error_of_its_field(name: str, value: Any) -> None:
    assert set(errors({**APP, name: value})) == {name}


def test_the_current_dialect_cannot_say_a_target() -> None:
    problems = PlayCanvas().option_problems(kind("app"), {**APP, "target": "ios"}, "current")
    assert problems == {"target": ["The current dialect of PlayCanvas has no word for this."]}
    assert PlayCanvas().option_problems(kind("app"), {**APP, **OF_TODAY}, "current") == {}


def test_the_seed_dialect_cannot_say_what_came_later() -> None:
    given = {**APP, **OF_TODAY, "target": "ios", "scripts_concatenate": True}
    problems = PlayCanvas().option_problems(kind("app"), given, "seed")
    assert set(problems) == set(OF_TODAY)


def test_options_that_are_not_set_are_no_problem_in_any_dialect() -> None:
    empty = {**APP, "target": "", "branch_id": "", "scripts_minify": None}
    assert PlayCanvas().option_problems(kind("app"), empty, "current") == {}
    assert PlayCanvas().option_problems(kind("app"), empty, "seed") == {}


def test_without_a_dialect_the_current_one_counts() -> None:
    assert set(PlayCanvas().option_problems(kind("app"), {"target": "web"})) == {"target"}


@pytest.mark.parametrize("dialect", ["current", "seed"])
def test_a_branch_can_be_archived_in_either_dialect(dialect: str) -> None:
    assert PlayCanvas().option_problems(kind("archive"), {"branch_id": "b"}, dialect) == {}


def test_the_form_is_rendered_with_the_given_values() -> None:
    drawn = str(AppOptions({**APP, "scripts_minify": False})["scripts_minify"])
    assert '<option value="false" selected>' in drawn
    assert 'value="7, 5"' in str(AppOptions(APP)["scenes"])
    assert 'value="1, 2"' in str(AppOptions({"scenes": "1, 2"})["scenes"])
