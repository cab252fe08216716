"""Invalid requests for exports are refused with an error at the right field."""

from typing import Any

import pytest

from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting.create import ExportRequest, Requester, create_export, create_export_once
from exports.models import Change, Export
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS


def export_request(type_: str = "archive", **more: Any) -> ExportRequest:
    return ExportRequest(type_, **more)


@pytest.mark.parametrize(
    ("provider", "invalid_request", "field"),
    [
        (ARCHIVES, export_request("video"), "type"),
        (ARCHIVES, export_request(format="rar"), "format"),
        (ARCHIVES, export_request(options={"nonsense": 1}), "options.nonsense"),
        (ARCHIVES, export_request("app", options={"scenes": [1]}), "options.name"),
        (ARCHIVES, export_request("app", options={"name": "x" * 1000, "scenes": [1]}), "options.name"),
        (ARCHIVES, export_request("app", options={"name": "x", "scenes": "one"}), "options.scenes"),
        (
            ARCHIVES,
            export_request("app", options={"name": "x", "scenes": [1], "scripts_minify": "maybe"}),
            "options.scripts_minify",
        ),
        (ARCHIVES, export_request("app", options={"name": "x", "scenes": [1], "target": "web"}), "options.target"),
        (ARCHIVES, export_request("app", options={"name": ["x"], "scenes": [1]}), "options.name"),
        (VIDEOS, export_request("video", options={"resolution": "8k"}), "options.resolution"),
        (TABLES, export_request("orders", options={"columns": {"order.nonsense": "X"}}), "options.columns"),
        (TABLES, export_request("orders", options={"columns": ["order.id"]}), "options.columns"),
        (CHANGING, export_request("archive"), "confirm"),
        (ARCHIVES, export_request(adopt="a/b"), "adopt"),
    ],
)
def test_an_error_names_its_field(cast: Cast, provider: str, invalid_request: ExportRequest, field: str) -> None:
    project = cast.project(provider)
    with pytest.raises(InvalidError) as caught:
        create_export(project, invalid_request, Requester(cast.member.user))
    assert list(caught.value.errors) == [field]
    assert all(text.endswith((".", ")")) or len(text) > 10 for text in caught.value.errors[field])
    assert not Export.objects.exists()


def test_options_are_stored_as_they_will_be_sent(cast: Cast) -> None:
    options = {"name": "App", "scenes": "3, 4", "scripts_minify": "true", "version": "", "description": None}
    export = create_export(cast.project(ARCHIVES), export_request("app", options=options), Requester(cast.member.user))
    assert export.options == {"name": "App", "scenes": [3, 4], "scripts_minify": True}


def test_an_equal_request_while_one_is_open_is_a_duplicate_unless_allowed(cast: Cast) -> None:
    project, requester = cast.project(TABLES), Requester(cast.member.user)
    first = create_export(project, export_request("orders"), requester)
    with pytest.raises(DuplicateError) as caught:
        create_export(project, export_request("orders", format="csv"), requester)
    assert caught.value.export_id == first.pk
    assert create_export(project, export_request("orders", format="xlsx"), requester).pk
    assert create_export(project, export_request("orders", allow_duplicate=True), requester).pk
    assert Export.objects.count() == 3


def test_the_first_row_of_the_history_names_the_requester(cast: Cast) -> None:
    export = create_export(cast.project(TABLES), export_request("orders"), Requester(cast.member.user, "api", "api"))
    [row] = Change.objects.filter(export=export)
    assert (row.from_status, row.to_status, row.source, row.actor) == (None, "waiting", "api", "member@example.org")


def test_the_same_idempotency_key_returns_the_same_export(cast: Cast) -> None:
    project, requester = cast.project(TABLES), Requester(cast.member.user)
    first = create_export_once("k", cast.member, project, export_request("orders"), requester)
    assert create_export_once("k", cast.member, project, export_request("orders"), requester).pk == first.pk
    assert (
        create_export_once("k", cast.owner, project, export_request("orders", allow_duplicate=True), requester).pk
        != first.pk
    )
    with pytest.raises(ConflictError):
        create_export_once("k", cast.member, project, export_request("orders", format="xlsx"), requester)
