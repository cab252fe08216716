"""A preview's pages are turned by the arrows, where they neither write nor scroll."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenBrowser
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import csv_bytes, keep_export
from tests.helpers.roles import TABLES


def test_the_arrows_turn_pages(open_browser: OpenBrowser, cast: Cast) -> None:
    rows = ((number, f"Order {number}") for number in range(1, 121))
    export = keep_export(cast.project(TABLES), cast.member, csv_bytes(("id", "what"), *rows))
    page = open_browser(cast.viewer).open(f"exports/{export.pk}/preview")
    page.get_by_role("searchbox").press("ArrowRight")
    expect(page.get_by_text("Rows 1 to 50 of 120")).to_be_visible()
    page.locator("main").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("Rows 51 to 100 of 120")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text("Rows 1 to 50 of 120")).to_be_visible()
