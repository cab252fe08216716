"""Pages that refresh by themselves, and the same pages without scripts."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from exports.models import Call, Change, Export, User
from exports.sandbox.server import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def _open_menu(page: Page) -> None:
    """On a phone, the sections are in a menu."""
    menu = page.locator("#bar-menu > summary")
    if menu.is_visible():
        menu.click()


def test_a_row_is_refreshed_and_keeps_the_focus(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    page = open_browser(cast.viewer).open("exports/")
    link = page.locator(f"#x{export.pk}")
    link.focus()
    Export.objects.filter(pk=export.pk).update(progress=80)
    expect(page.locator("table")).to_contain_text("80 %")
    expect(link).to_be_focused()
    export.move("canceled", source="person")
    expect(page.locator(".state-canceled")).to_be_visible()
    # Nothing shown is open any more: it only asks now and then whether there are new ones.
    expect(page.locator("#live")).to_have_attribute("hx-trigger", re.compile("every 20s"))
    expect(link).to_be_focused()


def test_what_the_reader_opened_stays_open(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    page = open_browser(cast.viewer).open(f"exports/{export.pk}/")
    page.locator("#calls > summary").click()
    Export.objects.filter(pk=export.pk).update(progress=80)
    expect(page.locator("progress")).to_have_attribute("value", "80")
    expect(page.locator("#calls")).to_have_attribute("open", "")


def test_a_new_status_is_announced_to_screen_readers(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    page = open_browser(cast.viewer).open(f"exports/{export.pk}/")
    export.move("canceled", source="person")
    expect(page.locator("#aloud")).to_have_text(f"Export {export.pk}: Canceled")
    expect(page).to_have_title(re.compile("^Canceled"))


def test_an_unchanged_page_is_left_alone(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    page = open_browser(cast.viewer).open(f"exports/{export.pk}/")
    page.evaluate("document.getElementById('live').firstElementChild.dataset.same = 'yes'")
    with page.expect_response(lambda answer: answer.status == 204):
        pass
    assert page.evaluate("document.getElementById('live').firstElementChild.dataset.same") == "yes"


def test_times_are_in_the_readers_zone(open_browser: OpenBrowser, cast: Cast) -> None:
    """The one of the profile, wherever the device is."""
    at = datetime(2026, 3, 1, 20, 0, tzinfo=UTC)
    Export.objects.filter(pk=factories.succeeded_export(cast).pk).update(created_at=at)
    User.objects.filter(pk=cast.viewer.user.pk).update(time_zone="Asia/Tokyo")
    page = open_browser(cast.viewer, timezone_id="America/New_York").open("exports/")
    expect(page.locator("td time").first).to_have_attribute("data-exact", re.compile("05:00:00$"))


def test_a_timeline_has_one_clock(open_browser: OpenBrowser, cast: Cast) -> None:
    """Scripts leave the clock of collapsed polls as the server wrote it, in the zone of the profile."""
    export = factories.succeeded_export(cast)
    at = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    for change in Change.objects.filter(export=export).order_by("seq"):
        Change.objects.filter(pk=change.pk).update(at=at + timedelta(minutes=0 if change.seq == 1 else 30))
    credential = export.project.credential
    for minutes in (5, 10, 20):
        given = {"export": export, "credential": credential, "method": "GET", "status": 200, "seconds": 0.1}
        Call.objects.create(at=at + timedelta(minutes=minutes), url="https://x.example/", **given)
    User.objects.filter(pk=cast.viewer.user.pk).update(time_zone="Asia/Tokyo")
    page = open_browser(cast.viewer, timezone_id="America/New_York").open(f"exports/{export.pk}/")
    clocks = page.locator("ol.timeline .polls time")
    expect(clocks.nth(1)).to_have_text("21:05")
    expect(clocks.last).to_have_text("21:20")
    assert page.locator("ol.timeline > li > time").all_inner_texts()[0] == "21:00:00"


def test_an_export_is_canceled_from_its_page(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    page = open_browser(cast.member).open(f"exports/{export.pk}/")
    page.get_by_role("link", name="Cancel").click()
    expect(page.get_by_text("A canceled export never resumes.")).to_be_visible()
    page.get_by_role("button", name="Cancel export").click()
    expect(page.locator(".state-canceled").first).to_be_visible()


def test_a_double_click_creates_one_export(open_browser: OpenBrowser, cast: Cast) -> None:
    project = cast.project(TABLES)
    page = open_browser(cast.member).open(f"new/{project.pk}/orders/")
    page.locator("#ask button[type=submit]").dblclick()
    page.wait_for_url(re.compile(r"/exports/\d+/$"))
    assert Export.objects.count() == 1


def test_a_page_whose_session_has_ended_leads_to_the_sign_in_page(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    visitor = open_browser(cast.member)
    page = visitor.open(f"exports/{export.pk}/")
    visitor.context.clear_cookies()
    page.wait_for_url(re.compile(r"/sign-in/\?next=/t/the-team/exports/"))


@pytest.mark.parametrize("width", [1280, 360])
def test_without_scripts_everything_but_live_refresh_works(
    open_browser: OpenBrowser,
    running_worker: None,
    cast: Cast,
    sandbox: Sandbox,
    origin_of: Callable[[str], str],
    width: int,
) -> None:
    cast.project(TABLES, origin_of(TABLES))
    visitor = open_browser(java_script_enabled=False, viewport={"width": width, "height": 740})
    visitor.sign_in(cast.member)
    page = visitor.page
    page.get_by_role("link", name="New export").locator("visible=true").first.click()
    page.get_by_role("link", name=re.compile("^Orders")).click()
    page.get_by_label("XLSX").check()
    page.locator("#ask button[type=submit]").click()
    for _ in range(60):
        if page.locator(".state-succeeded").count():
            break
        page.wait_for_timeout(500)
        page.reload()
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^Download")).click()
    assert download.value.suggested_filename.endswith(".xlsx")
    _open_menu(page)
    page.get_by_role("link", name="Exports", exact=True).locator("visible=true").first.click()
    page.get_by_role("group", name="Status").get_by_role("link", name="Succeeded").click()
    expect(page).to_have_url(re.compile("status=succeeded"))
    expect(page.locator("tbody tr:not(.day)")).to_have_count(1)
    _open_menu(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in/$"))
