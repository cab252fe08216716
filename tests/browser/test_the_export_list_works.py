"""The list of exports in a browser: selections, menus, bulk actions, keyboard, refresh, and without scripts."""

import re
import zipfile

from playwright.sync_api import expect

from exports.models import Export, File
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING


def test_selections_and_menus_survive_a_refresh(open_browser: OpenBrowser, cast: Cast) -> None:
    export, good = factories.processing_export(cast), factories.succeeded_export(cast, format_="xlsx")
    page = open_browser(cast.member).open("exports/")
    expect(page.get_by_role("button", name="Download as zip")).to_be_hidden()
    page.locator(f"#c{good.pk}").check()
    page.locator(f"#m{good.pk} > summary").click()
    Export.objects.filter(pk=export.pk).update(progress=80)
    expect(page.locator("table")).to_contain_text("80 %")
    expect(page.locator(f"#c{good.pk}")).to_be_checked()
    expect(page.locator(f"#m{good.pk}")).to_have_attribute("open", "")
    expect(page.locator("#chosen")).to_have_text("1 selected")
    page.keyboard.press("Escape")
    expect(page.locator(f"#m{good.pk}")).not_to_have_attribute("open", "")
    expect(page.locator(f"#m{good.pk} > summary")).to_be_focused()


def test_the_list_works_by_keyboard_alone(open_browser: OpenBrowser, cast: Cast) -> None:
    bad = factories.failed_export(cast)
    page = open_browser(cast.member).open("exports/")
    page.locator(f"#m{bad.pk} > summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Edit and run", exact=True)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Retry", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    page.get_by_role("main").get_by_role("button", name="Retry").press("Enter")
    page.wait_for_url(re.compile(r"/exports/\d+/$"))
    assert Export.objects.filter(retry_of=bad).count() == 1


def test_the_page_stays_usable_after_a_zip_download(open_browser: OpenBrowser, cast: Cast) -> None:
    first, second = factories.succeeded_export(cast), factories.succeeded_export(cast, name="more.csv")
    factories.failed_export(cast, allow_duplicate=True)
    page = open_browser(cast.member).open("exports/?status=succeeded")
    page.get_by_label("Select all on this page").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as zip").click()
    with zipfile.ZipFile(download.value.path()) as sandbox:
        assert {"orders.csv", "more.csv"} < set(sandbox.namelist())
    page.get_by_role("button", name="Delete files").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Delete 2 files")
    page.get_by_role("button", name="Delete 2 files").click()
    expect(page.locator(".messages")).to_contain_text("Deleted the file of 2 exports")
    expect(page, "the list comes back as it was").to_have_url(re.compile(r"exports/\?status=succeeded$"))
    assert File.objects.filter(pk__in=[first.file_id, second.file_id], deleted_at=None).count() == 0


def test_many_exports_are_retried_at_once(open_browser: OpenBrowser, cast: Cast) -> None:
    first, second = factories.failed_export(cast), factories.failed_export(cast, format_="xlsx")
    change = factories.failed_export(cast, "precondition", "Pools are open.", project=cast.project(CHANGING))
    page = open_browser(cast.member).open("exports/?status=failed")
    page.get_by_label("Select all on this page").check()
    expect(page.locator("#chosen")).to_have_text("3 selected")
    page.locator("#bulk").get_by_role("button", name="Run again").click()
    expect(page.locator("#skipped")).to_contain_text(f"#{change.pk}, Archive project")
    page.get_by_role("button", name="Run 2 exports again").click()
    expect(page.locator(".messages")).to_contain_text("Requested 2 exports")
    expect(page, "the list comes back as it was").to_have_url(re.compile(r"exports/\?status=failed$"))
    assert set(Export.objects.exclude(retry_of=None).values_list("retry_of", flat=True)) == {first.pk, second.pk}
    expect(page.get_by_role("link", name=re.compile("^Retried in #")).locator("visible=true")).to_have_count(2)


def test_filters_are_removed_one_by_one(open_browser: OpenBrowser, cast: Cast) -> None:
    factories.failed_export(cast)
    good = factories.succeeded_export(cast)
    page = open_browser(cast.viewer).open("exports/")
    page.locator("#menu-file > summary").click()
    page.get_by_role("link", name="Has a file").click()
    page.locator("#menu-user_id > summary").click()
    page.get_by_role("link", name="Member", exact=True).click()
    expect(page.locator("tbody tr:not(.day)")).to_have_count(1)
    expect(page.locator(f"#x{good.pk}")).to_be_visible()
    page.get_by_role("link", name=re.compile("^File: Has a file")).click()
    expect(page.locator("tbody tr:not(.day)")).to_have_count(2)
    expect(page).not_to_have_url(re.compile("file="))
    expect(page).to_have_url(re.compile("user_id="))


def test_bulk_actions_work_without_scripts(open_browser: OpenBrowser, cast: Cast) -> None:
    first, second = factories.waiting_export(cast), factories.waiting_export(cast, format_="xlsx")
    page = open_browser(cast.member, java_script_enabled=False).open("exports/")
    page.locator(f"#c{first.pk}").check()
    page.locator("#bulk").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel 1 export").click()
    expect(page.locator(".messages")).to_contain_text(f"Canceled 1 export (#{first.pk})")
    page.locator(f"#m{second.pk} > summary").click()
    page.get_by_role("link", name="Only this project").locator("visible=true").click()
    expect(page).to_have_url(re.compile("project_id="))
