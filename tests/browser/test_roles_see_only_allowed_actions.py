"""Each role in a browser sees only the actions that it may take."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from exports.models import Credential
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES

TO_EXPORT = re.compile("^(New export|Retry|Run again|Edit and run|Cancel|Delete|Export now)(?!ed)")
WIDTHS = pytest.mark.parametrize("width", [1280, 360])


def _offers(page: Page) -> list[str]:
    """The links and buttons of a page that would export, by their words; those in menus too."""
    words: list[str] = page.locator("a, button").evaluate_all("all => all.map((one) => one.textContent.trim())")
    return [word for word in words if TO_EXPORT.match(word)]


@WIDTHS
def test_a_viewer_downloads_and_is_offered_nothing_else(open_browser: OpenBrowser, cast: Cast, width: int) -> None:
    good, bad, going = (
        factories.succeeded_export(cast),
        factories.failed_export(cast, allow_duplicate=True),
        factories.processing_export(cast, allow_duplicate=True),
    )
    visitor = open_browser(cast.viewer, viewport={"width": width, "height": 740})
    for path in ("", "exports/", "projects/", *(f"exports/{export.pk}/" for export in (good, bad, going))):
        assert _offers(visitor.open(path)) == [], path
    page = visitor.open(f"exports/{good.pk}/")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^Download")).click()
    assert Path(download.value.path()).read_bytes() == factories.ORDERS_CSV
    page = visitor.open("exports/")
    page.set_viewport_size({"width": 1280, "height": 740})
    page.locator(f"#c{good.pk}").check()
    with page.expect_download() as zipped:
        page.get_by_role("button", name="Download as zip").click()
    assert zipped.value.suggested_filename.endswith(".zip")


@WIDTHS
def test_a_member_exports_and_is_offered_no_credentials(open_browser: OpenBrowser, cast: Cast, width: int) -> None:
    credential = cast.project(TABLES).credential
    visitor = open_browser(cast.member, viewport={"width": width, "height": 740})
    page = visitor.open("credentials/")
    expect(page.get_by_text(credential.name).first).to_be_visible()
    holding = re.compile("Add a credential|Test|Replace|Delete|Change")
    for one in (page.get_by_role("link", name=holding), page.get_by_role("button", name=holding)):
        expect(one).to_have_count(0)
    expect(page.get_by_role("link", name="Activity")).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("^New")).locator("visible=true").first).to_be_visible()
    for path in ("credentials/add/", "activity/", "members/invite"):
        expect(visitor.open(path).get_by_role("heading", name="You don't have permission")).to_be_visible()
    assert Credential.objects.count() == 1
    visitor.ignore_complaints("403")
