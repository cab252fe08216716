"""A project is scheduled in a browser, and runs by itself; every branch is exported with one press."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from exports import clock
from exports.models import Export, Schedule
from tests.browser.conftest import OpenBrowser
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES
from tests.helpers.schedules import run_all

OriginOf = Callable[[str], str]
pytestmark = pytest.mark.usefixtures("running_worker")


def check_accessibility(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_project_is_scheduled_and_runs_by_itself(
    open_browser: OpenBrowser, cast: Cast, origin_of: OriginOf, scripts: bool
) -> None:
    project = cast.project(TABLES, origin_of(TABLES))
    options: dict[str, Any] = {"java_script_enabled": scripts}
    member = open_browser(cast.member, **options)
    page = member.open(f"projects/{project.pk}/")
    page.get_by_role("link", name="Schedule: Orders").click()
    page.get_by_text("Weekly", exact=True).click()
    page.get_by_text("Sat", exact=True).click()
    page.get_by_text("Mon", exact=True).click()
    page.locator("[name=time]").fill("07:45")
    page.locator("[name=spread_minutes]").press("Tab")
    if not scripts:
        page.get_by_role("button", name="Show next runs").click()
    five = page.locator("#next-runs li")
    expect(five).to_have_count(5)
    expect(five.first).to_contain_text(re.compile("Sat .* 07:45"))
    assert not Schedule.objects.exists()
    if scripts:
        check_accessibility(page)
    page.get_by_role("button", name="Save schedule").click()
    expect(page.get_by_text("Saturdays at 07:45").first).to_be_visible()
    expect(page.get_by_text("It has not run yet.")).to_be_visible()

    # Saturday comes.
    Schedule.objects.update(next_run_at=clock.now(), ask_at=clock.now())
    run_all()
    page.reload()
    expect(page.locator("tbody .state")).to_have_count(1)
    export = Export.objects.get()
    page = member.open(f"exports/{export.pk}/")
    expect(page.get_by_role("link", name="by a schedule")).to_be_visible()
    for _ in range(100):
        export.refresh_from_db()
        if not export.is_open:
            break
        page.wait_for_timeout(100)
    assert export.status == "succeeded"
    page = member.open("schedules/")
    expect(page.locator("tbody tr")).to_contain_text("Succeeded")
    if scripts:
        check_accessibility(page)
    page.locator("tbody").get_by_role("link", name=f"The {TABLES} one").first.click()
    if scripts:
        check_accessibility(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_be_visible()
    assert member.complaints == []


def test_every_branch_is_exported_with_one_press(open_browser: OpenBrowser, cast: Cast, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    member = open_browser(cast.member)
    page = member.open(f"new/{project.pk}/archive/")
    page.get_by_role("link", name="Every branch").click()
    button = page.get_by_role("button", name=re.compile(r"Run \d+ exports"))
    expect(button).to_be_visible()
    check_accessibility(page)
    count = int(re.findall(r"\d+", button.inner_text())[0])
    button.click()
    expect(page.get_by_text(f"{count} exports requested")).to_be_visible()
    assert Export.objects.count() == count > 1
    assert member.complaints == []
