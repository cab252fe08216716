"""In a browser: a person is told that a project is overdue, and finds an unprotected project and protects it."""

import re
from collections.abc import Callable
from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from exports.housekeeping.discovery import run_discovery
from exports.models import Project, Schedule
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def test_a_person_is_told_that_a_project_is_overdue(open_browser: OpenBrowser, cast: Cast) -> None:
    project = factories.succeeded_export(cast).project
    page = open_browser(cast.member).open(f"projects/{project.pk}/")
    page.get_by_label("Oldest good export, in hours").fill("24")
    page.get_by_role("button", name="Set target").click()
    expect(page.get_by_text("may be 24 hours old")).to_be_visible()
    Project.objects.update(last_good_at=timezone.now() - timedelta(days=3))
    page.goto(page.url.replace(f"projects/{project.pk}/", ""))
    freshness = page.get_by_role("region", name="Freshness")
    expect(freshness.get_by_text("0 of 1 projects meet their target")).to_be_visible()
    freshness.get_by_role("link", name=f"The {TABLES} one").click()
    expect(page.get_by_text("Late by 2 d.")).to_be_visible()
    page.get_by_role("link", name="Export now").first.click()
    page.wait_for_url("**/new/**")


def test_an_unprotected_project_is_found_and_protected(
    open_browser: OpenBrowser, cast: Cast, origin_of: Callable[[str], str]
) -> None:
    credential = cast.credential(TABLES, origin_of(TABLES))
    page = open_browser(cast.member).open("coverage/")
    page.get_by_role("button", name="Look again", exact=True).click()
    expect(page.get_by_text("Listing the projects at the providers.")).to_be_visible()
    run_discovery()
    # The page goes on by itself.
    row = page.get_by_role("row").filter(has_text="4001")
    expect(row.get_by_text("Not protected")).to_be_visible()
    expect(page.get_by_text("Listing the projects at the providers.")).to_be_hidden()
    row.get_by_role("link", name="Protect").click()
    page.get_by_label(re.compile("^At")).fill("03:15")
    page.get_by_role("button", name="Protect", exact=True).click()
    expect(page.get_by_text("1 project is protected now.")).to_be_visible()
    page.get_by_role("link", name="Never exported 1").click()
    expect(page.get_by_role("row").filter(has_text="4001").get_by_text("Never exported")).to_be_visible()
    assert Schedule.objects.get().cron == "15 3 * * *"
    page.get_by_role("link", name=re.compile("^Protect all, also new ones")).click()
    page.get_by_role("button", name="Protect", exact=True).click()
    expect(page.get_by_text("All protected, also new ones.")).to_be_visible()
    run_discovery()
    page.reload()
    expect(page.get_by_text("All protected", exact=True)).to_be_visible()
    assert Project.objects.filter(credential=credential).count() == Schedule.objects.count() > 5
