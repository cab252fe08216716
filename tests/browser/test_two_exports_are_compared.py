"""Two exports are compared in a browser, with scripts and without: from a project's boxes and from an export's page."""

import pytest
from playwright.sync_api import expect

from exports.models import Export, Project
from exports.preview import oddness
from tests.browser.conftest import OpenBrowser
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import csv_bytes, keep_export, orders
from tests.helpers.roles import TABLES

HEAD = ("order.id", "status")


@pytest.fixture
def project(cast: Cast) -> Project:
    return cast.project(TABLES)


@pytest.mark.parametrize("scripts", [True, False])
def test_two_boxes_of_a_project_are_compared(
    open_browser: OpenBrowser, cast: Cast, project: Project, scripts: bool
) -> None:
    first = keep_export(project, cast.member, csv_bytes(HEAD, (1, "paid"), (2, "paid")))
    middle = keep_export(project, cast.member, csv_bytes(HEAD, (1, "paid"), (2, "refunded"), (3, "paid")))
    latest = keep_export(project, cast.member, csv_bytes(HEAD, (1, "paid"), (2, "refunded"), (3, "paid")))
    page = open_browser(cast.viewer, java_script_enabled=scripts).open(f"projects/{project.pk}/")
    if scripts:
        expect(page.get_by_text("Both files have the same SHA-256.")).to_be_visible()
    page.get_by_role("checkbox", name=f"Compare export {middle.pk}").uncheck()
    page.get_by_role("checkbox", name=f"Compare export {first.pk}").check()
    page.get_by_role("button", name="Compare 2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"#{latest.pk} compared with #{first.pk}")
    changed = page.get_by_role("region", name="Changed rows")
    expect(changed.get_by_role("row").nth(1)).to_have_text("2statuspaidrefunded", use_inner_text=False)
    expect(page.get_by_role("region", name="Added rows").get_by_role("cell", name="3", exact=True)).to_be_visible()
    page.get_by_label("Match rows by").select_option("status")
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_text("so whole rows were compared")).to_be_visible()
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0


def test_an_odd_export_says_so_and_leads_to_what_changed(
    open_browser: OpenBrowser, cast: Cast, project: Project
) -> None:
    for count in (100, 100, 39):
        export: Export = keep_export(project, cast.member, orders(range(count)))
        oddness.examine_new_files()
    visitor = open_browser(cast.viewer)
    page = visitor.open("exports/")
    expect(page.get_by_text("39 rows, 61 % fewer than usual")).to_be_visible()
    page = visitor.open(f"exports/{export.pk}/")
    expect(page.get_by_text("39 rows, 61 % fewer than usual")).to_be_visible()
    page.get_by_role("link", name=f"Compare with #{export.pk - 1}").first.click()
    expect(page.get_by_text("First 20 of 61")).to_be_visible()
