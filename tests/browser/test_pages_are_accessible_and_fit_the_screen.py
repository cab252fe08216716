"""Every page in light and dark, wide and narrow: no complaint of the browser, nothing cut off, nothing for axe.

A page is loaded once and then shown in each look, as a window that is made narrower or a machine that turns dark in the
evening does. Dark differs from light in colours alone (tests/web/test_dark_mode_changes_only_colours.py), so there axe
is asked only for what it says about colours.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenBrowser, Visitor
from tests.helpers import page_routes
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES

ERROR_PAGES = "with a status of 4"
WIDTHS: Final = (1280, 360)
# Part of the addresses each, so that several processes share them.
PARTS: Final = 10
# Its eight thousand elements take axe as long as all pages of a part, so it has tests of its own.
API_PAGE: Final = "/api/docs"
RULES: Final[dict[Any, dict[str, Any]]] = {
    "light": {"resultTypes": ["violations"]},
    "dark": {
        "resultTypes": ["violations"],
        "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
    },
}


def _open_and_check(visitor: Visitor, path: str, widths: Sequence[int] = WIDTHS) -> list[str]:
    """What axe finds on the page in every look."""
    visitor.page.goto(visitor.base + path)
    return _violations(visitor.page, path, widths)


def _violations(page: Page, path: str, widths: Sequence[int] = WIDTHS) -> list[str]:
    """What axe finds on a page that is shown, with all that folds opened; nothing is cut off."""
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    page.evaluate(Axe().axe_script)
    expect(page.locator("h1")).to_have_count(1)
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{path} is {over} px too wide at {width}"
        for scheme, rules in RULES.items():
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            answer = page.evaluate("(rules) => axe.run(rules)", rules)
            found += [
                f"{path} at {width}, {scheme}: {one['id']} {one['nodes'][0]['target']}" for one in answer["violations"]
            ]
    return found


def _check_all(visitor: Visitor, paths: Iterable[str]) -> None:
    found = [line for path in paths for line in _open_and_check(visitor, path)]
    visitor.ignore_complaints(ERROR_PAGES)
    assert found == []


@pytest.fixture
def numbers(cast: Cast) -> page_routes.ObjectIds:
    return page_routes.create_sample_data(cast)


@pytest.mark.timeout(240)
@pytest.mark.slow(seconds=40)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_page_is_accessible_and_fits_the_screen(
    open_browser: OpenBrowser, cast: Cast, numbers: page_routes.ObjectIds, part: int
) -> None:
    paths = [page_routes.visit_url(name, visit, numbers) for name, ways in page_routes.PAGES.items() for visit in ways]
    paths = [path for path in [*paths, "/nothing/", "/t/other-team/"] if path != API_PAGE]
    _check_all(open_browser(cast.owner), paths[part::PARTS])


@pytest.mark.timeout(240)
@pytest.mark.slow(seconds=40)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_of_the_api_is_accessible_and_fits_the_screen(
    open_browser: OpenBrowser, cast: Cast, width: int
) -> None:
    visitor = open_browser(cast.owner)
    assert _open_and_check(visitor, API_PAGE, (width,)) == []


def test_violations_that_axe_reports_are_detected(open_browser: OpenBrowser, cast: Cast) -> None:
    visitor = open_browser(cast.owner)
    pale = "data:text/html,<html lang=en><title>x</title><main><h1>x</h1><p style='color:%23bbb;background:%23fff'>pale"
    visitor.base = ""
    assert [line.split(": ")[0].removeprefix(f"{pale} at ") for line in _open_and_check(visitor, pale)] == [
        "1280, light", "1280, dark", "360, light", "360, dark"
    ]  # fmt: skip


def test_forms_that_call_an_unreachable_provider_stay_usable(
    open_browser: OpenBrowser, cast: Cast, numbers: page_routes.ObjectIds
) -> None:
    """Nothing answers at the credential's address; the form stays usable."""
    cast.credential(ARCHIVES, name="other")
    visitor = open_browser(cast.member)
    page = visitor.open(f"new/{numbers['app']}/app/")
    page.locator("text=Enter an id instead.").first.wait_for()
    expect(page.locator("[name=options-scenes]")).to_be_visible()
    assert _violations(page, "the form without lists") == []


def test_pages_for_anonymous_users_are_accessible_and_fit_the_screen(
    open_browser: OpenBrowser, numbers: page_routes.ObjectIds
) -> None:
    paths = [
        page_routes.visit_url(name, visit, numbers)
        for name, ways in page_routes.ANONYMOUS_PAGES.items()
        for visit in ways
    ]
    _check_all(open_browser(), [*paths, "/nothing/"])


def test_refusals_are_accessible_and_fit_the_screen(open_browser: OpenBrowser, cast: Cast) -> None:
    visitor = open_browser(cast.viewer)
    _check_all(visitor, [f"/t/the-team/{path}" for path in ("new/", "credentials/add/")])
    expect(visitor.page.get_by_role("heading", name="You don't have permission")).to_be_visible()


def test_the_admin_site_is_accessible_and_fits_the_screen(
    open_browser: OpenBrowser, cast: Cast, numbers: page_routes.ObjectIds
) -> None:
    user = cast.owner.user
    user.is_staff = user.is_superuser = True
    user.save()
    paths = ("", "exports/export/", f"exports/export/{numbers['open']}/change/", f"exports/team/{cast.team.pk}/change/")
    visitor = open_browser(cast.owner)
    _check_all(visitor, [f"/admin/{path}" for path in paths])
    visitor.page.set_viewport_size({"width": 1280, "height": 800})
    visitor.page.goto(f"{visitor.base}/admin/exports/export/")
    visitor.page.get_by_label("Select all on this page").check()
    expect(visitor.page.get_by_text("selected", exact=False).first).to_be_visible()
    visitor.page.get_by_role("link", name="Back to your teams").click()
    expect(visitor.page).to_have_url(f"{visitor.base}/t/the-team/")
