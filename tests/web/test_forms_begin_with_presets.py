"""A form begins with a preset's values, which a person may change; columns are chosen by boxes. All without scripts."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from exports.exporting.create import clean_options
from exports.models import Export, Project, Schedule
from exports.providers.contract import Kind, Preset
from exports.providers.registry import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.run_exports import run_to_end

PRESETS = [
    (slug, kind, preset) for slug, provider in PROVIDERS.items() for kind in provider.kinds for preset in kind.presets
]
EVERY = pytest.mark.parametrize(
    ("slug", "kind", "preset"), PRESETS, ids=[f"{slug}-{preset.name}" for slug, _, preset in PRESETS]
)


def form_page(client: Client, project: Project, kind: Kind, query: str = "", path: str = "new") -> str:
    answer = client.get(f"/t/the-team/{path}/{project.pk}/{kind.type}/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def fields_of(page: str) -> dict[str, list[str]]:
    """What a browser without scripts would send of the options as the page shows them."""
    fields: dict[str, list[str]] = {}

    def add(tag: str, value: str) -> None:
        if match := re.search(r' name="(options-[^"]+)"', tag):
            fields.setdefault(match[1], []).append(html.unescape(value))

    for tag in re.findall(r"<input[^>]*>", page):
        value = re.search(r' value="([^"]*)"', tag)
        if 'type="checkbox"' not in tag or " checked" in tag:
            add(tag, value[1] if value else "")
    for tag, options in re.findall(r"(<select[^>]*>)(.*?)</select>", page, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', options)
        add(tag, chosen[1] if chosen else "")
    for tag, text in re.findall(r"(<textarea[^>]*>)(.*?)</textarea>", page, re.DOTALL):
        add(tag, text.strip())
    return fields


def required_of(kind: Kind) -> dict[str, str]:
    return {f"options-{name}": "7" for name, field in kind.options.base_fields.items() if field.required}


@EVERY
def test_its_values_are_options_of_the_kind(slug: str, kind: Kind, preset: Preset) -> None:
    needed = {name.removeprefix("options-"): value for name, value in required_of(kind).items()}
    options, errors = clean_options(kind, {**needed, **preset.options})
    assert not errors
    assert {name: options[name] for name in preset.options} == preset.options


@EVERY
def test_the_form_offers_it_and_sends_its_values(
    as_member: Client, cast: Cast, slug: str, kind: Kind, preset: Preset
) -> None:
    project = cast.project(slug)
    assert f'href="?preset={preset.name}"' in form_page(as_member, project, kind)
    page = form_page(as_member, project, kind, f"?preset={preset.name}")
    assert re.search(rf'href="\?preset={preset.name}"[^>]*aria-current="true"', page)
    as_member.post(
        f"/t/the-team/new/{project.pk}/{kind.type}/",
        {"key": "k1", "format": kind.formats[0], **fields_of(page), **required_of(kind)},
    )
    sent = Export.objects.get().options
    assert {name: sent[name] for name in preset.options} == preset.options


@EVERY
def test_a_schedule_begins_with_it_too(as_member: Client, cast: Cast, slug: str, kind: Kind, preset: Preset) -> None:
    project = cast.project(slug)
    page = form_page(as_member, project, kind, f"?preset={preset.name}", "schedules/new")
    times = {"frequency": "daily", "time": "02:00"}
    as_member.post(
        f"/t/the-team/schedules/new/{project.pk}/{kind.type}/",
        {"format": kind.formats[0], **times, **fields_of(page), **required_of(kind)},
    )
    kept = Schedule.objects.get().options
    assert {name: kept[name] for name in preset.options} == preset.options


def test_an_unknown_preset_leaves_the_form_as_it_is(as_member: Client, cast: Cast) -> None:
    slug, kind, _ = PRESETS[0]
    assert (
        'aria-current="true"'
        not in form_page(as_member, cast.project(slug), kind, "?preset=nonsense").partition('id="ask"')[2]
    )


def test_a_preset_of_which_the_dialect_has_no_words_is_not_offered(as_member: Client, cast: Cast) -> None:
    project = cast.project(ARCHIVES)
    project.credential.dialect = "seed"
    project.credential.save()
    kind = PROVIDERS[ARCHIVES].kind("app")
    assert kind is not None
    assert "?preset=" not in form_page(as_member, project, kind)


def columns(client: Client, project: Project, **fields: Any) -> dict[str, str]:
    client.post(f"/t/the-team/new/{project.pk}/orders/", {"key": "k", "format": "csv", **fields})
    chosen: dict[str, str] = Export.objects.latest("pk").options.get("columns", {})
    return chosen


def test_checked_columns_get_their_own_heading_or_the_usual_one(as_member: Client, cast: Cast) -> None:
    fields = {
        "options-columns": ["user.email", "order.id"],
        "options-columns.order.id": " No. ",
        "options-columns.x": "y",
    }
    wanted = {"user.email": "Email", "order.id": "No."}
    assert columns(as_member, cast.project(TABLES), **fields) == wanted


def test_no_checked_column_asks_for_all(as_member: Client, cast: Cast) -> None:
    assert columns(as_member, cast.project(TABLES), **{"options-columns.order.id": "typed, and not checked"}) == {}


def test_a_heading_is_in_the_readers_language(as_member: Client, cast: Cast) -> None:
    as_member.cookies["django_language"] = "fr"
    cast.member.user.language = "fr"
    cast.member.user.save()
    project = cast.project(TABLES)
    page = form_page(as_member, project, PROVIDERS[TABLES].kinds[0], "?preset=shipping")
    chosen = columns(as_member, project, **fields_of(page))
    assert chosen["order.id"] == "Numéro de commande"


def test_an_unknown_column_is_named_and_what_was_chosen_stays(as_member: Client, cast: Cast) -> None:
    project = cast.project(TABLES)
    data = {"key": "k", "format": "csv", "options-columns": ["order.id", "order.nonsense"]}
    answer = as_member.post(f"/t/the-team/new/{project.pk}/orders/", data)
    assert answer.status_code == 422
    page = html.unescape(answer.content.decode())
    assert f"{TABLES.label} has no column order.nonsense" in page
    assert re.search(r'value="order.id" checked', page)


@pytest.mark.slow(10)
def test_the_columns_of_a_preset_reach_the_provider(
    as_member: Client, cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(TABLES, origin_of(TABLES))
    page = form_page(as_member, project, PROVIDERS[TABLES].kinds[0], "?preset=accounting")
    columns(as_member, project, **fields_of(page))
    export = run_to_end(Export.objects.get())
    assert (export.status, export.error_message) == ("succeeded", "")
    (job,) = sandbox.state.jobs.of_project(TABLES, "4001")
    preset = next(preset for preset in PROVIDERS[TABLES].kinds[0].presets if preset.name == "accounting")
    assert job.options["columns"] == preset.options["columns"]
