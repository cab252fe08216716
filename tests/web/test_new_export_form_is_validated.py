"""The form for a new export: declared fields, errors beside their fields, one export per form."""

import re
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import pytest
from django.test import Client

from exports.credentials import service
from exports.models import Export, Project
from exports.providers.registry import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.helpers import factories
from tests.helpers.cast import KINDS, Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS

ALL_KINDS = [(slug, kind.type) for slug, provider in PROVIDERS.items() for kind in provider.kinds]


def form(project: Project, type_: str) -> str:
    return f"/t/the-team/new/{project.pk}/{type_}/"


def send(client: Client, project: Project, type_: str, key: str = "k1", **fields: Any) -> Any:
    return client.post(form(project, type_), {"key": key, **fields})


def fields_of(options: dict[str, Any]) -> dict[str, Any]:
    return {f"options-{name}": value for name, value in options.items()}


@pytest.mark.parametrize(("slug", "type_"), ALL_KINDS)
def test_every_kind_has_its_declared_form(as_member: Client, cast: Cast, slug: str, type_: str) -> None:
    project = cast.project(slug)
    kind = PROVIDERS[slug].kind(type_)
    assert kind is not None
    page = as_member.get(form(project, type_)).content.decode()
    dialect = next(iter(PROVIDERS[slug].dialects), "")
    foreign = PROVIDERS[slug].option_problems(kind, dict.fromkeys(kind.options.base_fields, "x"), dialect)
    for name in kind.options.base_fields:
        assert (f'name="options-{name}"' in page) == (name not in foreign)
    if kind.cost:
        assert page.index(kind.cost.replace("'", "&#x27;")) < page.rindex('type="submit"'), "the cost before the button"
    assert ("This changes the project" in page) == (kind.effect == "changes")
    assert ('name="confirm"' in page) == (kind.effect == "changes")


@pytest.mark.parametrize(("slug", "type_", "format_", "options"), KINDS)
def test_every_kind_can_be_requested(
    as_member: Client, cast: Cast, slug: str, type_: str, format_: str, options: dict[str, Any]
) -> None:
    project = cast.project(slug)
    answer = send(as_member, project, type_, format=format_, confirm=str(project), **fields_of(options))
    export = Export.objects.get()
    assert answer["Location"] == f"/t/the-team/exports/{export.pk}/"
    assert (export.status, export.format, export.options) == ("waiting", format_, options)
    assert (export.trigger, export.user) == ("person", cast.member.user)


@pytest.mark.parametrize(("slug", "type_", "format_", "options"), KINDS)
def test_options_are_validated_once(
    as_member: Client,
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    slug: str,
    type_: str,
    format_: str,
    options: dict[str, Any],
) -> None:
    project = cast.project(slug)
    form_class = PROVIDERS[slug].kind(type_).options
    original, validated = form_class.full_clean, []

    def count(self: Any) -> None:
        validated.append(self)
        original(self)

    monkeypatch.setattr(form_class, "full_clean", count)
    send(as_member, project, type_, format=format_, confirm=str(project), **fields_of(options))
    assert Export.objects.get().options == options
    assert len(validated) == 1


def test_checkboxes_of_a_list_become_one_list(as_member: Client, cast: Cast) -> None:
    boxes: dict[str, Any] = {"options-name": "A", "options-scenes": ["3", "5"]}
    send(as_member, cast.project(ARCHIVES), "app", **boxes)
    assert Export.objects.get().options == {"name": "A", "scenes": [3, 5]}


def test_errors_are_shown_beside_their_fields_and_input_is_kept(as_member: Client, cast: Cast) -> None:
    project = cast.project(ARCHIVES)
    typed = {"options-name": "", "options-scenes": "one, two", "options-description": "Long <text>"}
    answer = send(as_member, project, "app", **typed)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "is no whole number" in page
    assert "This field is required." in page
    assert 'value="one, two"' in page
    assert "Long &lt;text&gt;" in page
    assert not Export.objects.exists()


def test_an_option_that_the_dialect_lacks_is_an_error_of_its_field(as_member: Client, cast: Cast) -> None:
    project = cast.project(ARCHIVES)
    answer = send(as_member, project, "app", **fields_of({"name": "A", "scenes": "1", "target": "ios"}))
    assert answer.status_code == 422
    assert 'id="id_options-target_error"' in answer.content.decode()


def test_an_unknown_format_is_refused(as_member: Client, cast: Cast) -> None:
    answer = send(as_member, cast.project(TABLES), "orders", format="pdf")
    assert answer.status_code == 422
    assert not Export.objects.exists()


def test_a_kind_that_changes_something_requires_confirmation(as_member: Client, cast: Cast) -> None:
    project = cast.project(CHANGING)
    answer = send(as_member, project, "archive")
    assert answer.status_code == 422
    assert "Type the project&#x27;s name" in answer.content.decode()
    assert not Export.objects.exists()
    assert send(as_member, project, "archive", confirm=str(project)).status_code == 302


def test_a_double_press_creates_one_export(as_member: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    first = send(as_member, project, "orders", format="csv")
    second = send(as_member, project, "orders", format="csv")
    assert first["Location"] == second["Location"]
    assert Export.objects.count() == 1


def test_a_changed_form_sent_again_is_another_request(as_member: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    send(as_member, project, "orders", format="csv")
    send(as_member, project, "orders", format="xlsx")
    assert Export.objects.count() == 2


def test_a_duplicate_is_warned_of_and_can_be_created(as_member: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    send(as_member, project, "orders", key="a", format="csv")
    answer = send(as_member, project, "orders", key="b", format="csv")
    assert answer.status_code == 422
    page = answer.content.decode()
    assert f"/t/the-team/exports/{Export.objects.get().pk}/" in page
    assert 'name="allow_twin"' in page
    assert send(as_member, project, "orders", key="b", format="csv", allow_twin="on").status_code == 302
    assert Export.objects.count() == 2


def test_repeating_with_changes_starts_with_the_options_of_the_export(as_member: Client, cast: Cast) -> None:
    project = cast.project(ARCHIVES)
    send(as_member, project, "app", **fields_of({"name": "Old name", "scenes": "7, 8", "scripts_minify": "false"}))
    export = Export.objects.get()
    page = as_member.get(f"{form(project, 'app')}?from={export.pk}").content.decode()
    assert 'value="Old name"' in page
    assert 'value="7, 8"' in page
    assert '<option value="false" selected>' in page
    for nonsense in ("x", "999999", "9" * 40, "²"):
        assert as_member.get(f"{form(project, 'app')}?from={nonsense}").status_code == 200


def test_an_unknown_kind_is_404(as_member: Client, cast: Cast) -> None:
    assert as_member.get(form(cast.project(TABLES), "archive")).status_code == 404


def test_without_a_project_the_first_step_is_shown(as_owner: Client, cast: Cast) -> None:
    assert as_owner.get("/t/the-team/new/")["Location"] == "/t/the-team/credentials/add/"


def test_lists_of_the_provider_become_checkboxes(
    as_member: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    answer = as_member.get(f"{form(project, 'app')}choices/scenes?options-scenes=1000011, 9")
    page = answer.content.decode()
    assert 'type="checkbox" name="options-scenes" value="1000011" checked' in page
    assert 'value="9" checked' in page, "what was typed is kept although the provider does not list it"
    branch = as_member.get(f"{form(project, 'archive')}choices/branch_id").content.decode()
    assert '<select name="options-branch_id"' in branch
    assert as_member.get(f"{form(project, 'app')}choices/name").status_code == 404


def test_an_unavailable_list_leaves_the_text_field(
    as_member: Client, cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES), secrets={"token": "sandbox-no-such-token"})
    Project.objects.filter(pk=project.pk).update(remote_id="1")
    answer = as_member.get(f"{form(project, 'app')}choices/scenes?options-scenes=12")
    assert answer.status_code == 200
    page = answer.content.decode()
    assert 'name="options-scenes"' in page
    assert 'value="12"' in page


def test_advice_of_the_provider_is_shown_before_the_button(
    as_member: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(CHANGING, origin_of(CHANGING))
    page = as_member.get(f"{form(project, 'archive')}advice").content.decode()
    assert "All pools are archived." in page
    assert "<html" not in page


def test_advice_before_a_retry_uses_its_options(as_member: Client, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    options = {"archive_pools": True}
    export = factories.failed_export(cast, project=cast.project(CHANGING), options=options)
    page = as_member.get(f"/t/the-team/exports/{export.pk}/retry").content.decode()
    found = re.search('hx-get="([^"]+advice[^"]+)" hx-trigger="load"', page)
    assert found is not None
    look = Mock(return_value=[])
    monkeypatch.setattr(service, "preflight", look)
    assert as_member.get(found[1]).status_code == 200
    look.assert_called_once_with(export.project, "archive", options)


def test_unavailable_advice_is_reported_in_its_place(
    as_member: Client, cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(CHANGING, origin_of(CHANGING))
    sandbox.fault(provider=CHANGING, on="list", fault="status", status=403, project="10")
    answer = as_member.get(f"{form(project, 'archive')}advice")
    assert answer.status_code == 200
    assert "You can still run it." in answer.content.decode()


def test_an_error_is_kept_when_the_list_replaces_the_text_field(
    as_member: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    came_back = send(as_member, project, "app", **{"options-name": "A"}).content.decode()
    assert "choices/scenes?wrong" in came_back
    assert "choices/branch_id?wrong" not in came_back
    page = as_member.get(f"{form(project, 'app')}choices/scenes?wrong&options-scenes=").content.decode()
    assert "This field is required." in page
    assert 'type="checkbox"' in page


def test_required_fields_come_first_and_the_rest_is_collapsed(as_member: Client, cast: Cast) -> None:
    page = as_member.get(form(cast.project(ARCHIVES), "app")).content.decode()
    fold = page.index('<details class="fold" id="more">')
    assert page.index('name="options-name"') < page.index('name="options-scenes"') < fold
    assert fold < page.index('name="options-description"')
    few = as_member.get(form(cast.project(VIDEOS), "video")).content.decode()
    assert 'id="more"' not in few, "a few options need no fold"


def test_the_collapsed_fields_are_open_where_one_is_set_or_wrong(as_member: Client, cast: Cast) -> None:
    project = cast.project(ARCHIVES)
    answer = send(as_member, project, "app", **fields_of({"name": "A", "scenes": "1", "version": "x" * 21}))
    assert '<details class="fold" id="more" open>' in answer.content.decode()
    send(as_member, project, "app", **fields_of({"name": "A", "scenes": "1", "version": "2.0"}))
    page = as_member.get(f"{form(project, 'app')}?from={Export.objects.get().pk}").content.decode()
    assert '<details class="fold" id="more" open>' in page
    assert 'value="2.0"' in page


def test_lists_in_the_collapsed_fields_are_requested_when_they_open(as_member: Client, cast: Cast) -> None:
    page = as_member.get(form(cast.project(ARCHIVES), "app")).content.decode()
    folded = page[page.index('id="more"') :]
    assert 'choices/branch_id" hx-trigger="toggle from:closest details once"' in folded
    assert 'choices/scenes" hx-trigger="load"' in page


def test_options_of_another_dialect_are_not_offered(as_member: Client, cast: Cast) -> None:
    seed = cast.project(ARCHIVES, credential=cast.credential(ARCHIVES, name="seed", dialect="seed"))
    page = as_member.get(form(seed, "app")).content.decode()
    assert 'name="options-target"' in page
    assert 'name="options-branch_id"' not in page
    Export.objects.all().delete()
    sent = send(as_member, seed, "app", **fields_of({"name": "A", "scenes": "1", "branch_id": "b"}))
    assert 'id="id_options-branch_id_error"' in sent.content.decode(), (
        "sent all the same, it is shown with what is wrong"
    )


@pytest.mark.parametrize("typed", [f"The {CHANGING} one", f"  the {CHANGING.upper()} one ", "10"])
def test_the_confirmation_is_the_projects_name_or_id(as_member: Client, cast: Cast, typed: str) -> None:
    assert send(as_member, cast.project(CHANGING), "archive", confirm=typed).status_code == 302


@pytest.mark.parametrize("typed", ["on", "yes", "1", f"The {CHANGING}"])
def test_any_other_text_does_not_confirm(as_member: Client, cast: Cast, typed: str) -> None:
    answer = send(as_member, cast.project(CHANGING), "archive", confirm=typed)
    assert answer.status_code == 422
    assert "That&#x27;s not the project&#x27;s name or id" in answer.content.decode()
    assert not Export.objects.exists()


def test_the_form_can_be_filled_with_the_options_of_the_last_export(as_member: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    assert "Fill in like last time" not in as_member.get(form(project, "orders")).content.decode()
    send(as_member, project, "orders", format="xlsx", **{"options-columns": '{"order.id": "Nr"}'})
    past = Export.objects.get()
    page = as_member.get(form(project, "orders")).content.decode()
    assert f'href="?from={past.pk}"' in page
    filled = as_member.get(f"{form(project, 'orders')}?from={past.pk}").content.decode()
    assert f'Filled in like <a href="/t/the-team/exports/{past.pk}/">#{past.pk}</a>' in filled
    assert "order.id" in filled
    assert 'value="xlsx"' in filled
    assert "checked" in filled[filled.index('value="xlsx"') : filled.index('value="xlsx"') + 80]


def test_options_of_another_team_are_not_offered(as_member: Client, as_outsider: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    send(as_member, project, "orders", format="xlsx")
    past = Export.objects.get()
    Export.objects.filter(pk=past.pk).update(team=cast.other_team)
    page = as_member.get(f"{form(project, 'orders')}?from={past.pk}").content.decode()
    assert "Filled in as in" not in page


def test_checkboxes_have_a_help_text_for_checkboxes(
    as_member: Client, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    page = as_member.get(f"{form(project, 'app')}choices/scenes").content.decode()
    boxes, typing = page.split("Custom order")
    assert "like 1, 2, 3" not in boxes
    assert "like 1, 2, 3" in typing
    assert "The app starts with the first." in page


def test_a_chosen_order_is_kept(as_member: Client, cast: Cast) -> None:
    own: dict[str, Any] = {"options-name": "A", "options-scenes": ["", "5, 3"]}
    send(as_member, cast.project(ARCHIVES), "app", **own)
    assert Export.objects.get().options["scenes"] == [5, 3]
