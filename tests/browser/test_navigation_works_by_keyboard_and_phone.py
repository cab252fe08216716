"""Navigation: back and forth, by keyboard alone, on a phone, in the chosen colors."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from exports.models import User
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast

DARK = "rgb(13, 14, 17)"


def _press_until(page: Page, wanted: Locator, max_presses: int = 60) -> None:
    """Presses Tab until the wanted thing has the focus; what has it must be seen."""
    for _ in range(max_presses):
        page.keyboard.press("Tab")
        if wanted.evaluate("(one) => one === document.activeElement"):
            shown = "(one) => one.matches(':focus-visible') && getComputedStyle(one).outlineStyle !== 'none'"
            assert wanted.evaluate(shown), "the focus is shown"
            return
    raise AssertionError(f"Tab never came to {wanted}")


@pytest.mark.parametrize("scripts", [True, False])
def test_the_back_button_returns_to_the_filtered_list(open_browser: OpenBrowser, cast: Cast, scripts: bool) -> None:
    good, bad = factories.succeeded_export(cast), factories.failed_export(cast, allow_duplicate=True)
    page = open_browser(cast.viewer, java_script_enabled=scripts).open("exports/")
    views, rows = page.get_by_role("group", name="Status"), page.locator("tbody tr:not(.day)")
    current = views.locator("[aria-current]")
    views.get_by_role("link", name="Failed").click()
    page.wait_for_url(re.compile("status=failed"))
    views.get_by_role("link", name="Succeeded").click()
    page.wait_for_url(re.compile("status=succeeded"))
    page.locator(f"#x{good.pk}").click()
    page.wait_for_url(re.compile(rf"/exports/{good.pk}/$"))

    page.go_back()
    expect(page).to_have_url(re.compile("status=succeeded"))
    expect(page.locator(f"#x{good.pk}")).to_be_visible()
    expect(current).to_have_text("Succeeded")
    page.go_back()
    expect(page).to_have_url(re.compile("status=failed"))
    expect(page.locator(f"#x{bad.pk}")).to_be_visible()
    expect(current).to_have_text("Failed")
    page.go_back()
    expect(rows).to_have_count(2)
    expect(current).to_have_text("All")
    page.go_forward()
    expect(rows).to_have_count(1)
    expect(current).to_have_text("Failed")


def test_an_export_is_created_and_canceled_by_keyboard_alone(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    visitor = open_browser()
    visitor.sign_in(cast.member)
    page = visitor.page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.goto(page.url.split("#")[0])
    _press_until(page, page.get_by_role("link", name="Exports", exact=True).first)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/exports/$"))
    _press_until(page, page.locator(f"#x{export.pk}"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/exports/{export.pk}/$"))
    _press_until(page, page.get_by_role("link", name="Cancel"))
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/cancel$"))
    _press_until(page, page.get_by_role("button", name="Cancel export"))
    page.keyboard.press("Enter")
    expect(page.locator(".state-canceled").first).to_be_visible()
    export.refresh_from_db()
    assert export.status == "canceled"


def test_a_theme_is_chosen_in_the_profile_and_stays(open_browser: OpenBrowser, cast: Cast) -> None:
    visitor = open_browser(cast.member, color_scheme="light")

    page = visitor.open("exports/")
    body = page.locator("body")
    expect(body).not_to_have_css("background-color", DARK)
    page.get_by_role("link", name=re.compile("Profile and settings")).click()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".messages")).to_be_visible()
    expect(body).to_have_css("background-color", DARK)
    page = visitor.open("exports/")
    expect(body).to_have_css("background-color", DARK)
    expect(page.locator("meta[name=color-scheme]")).to_have_attribute("content", "dark")
    assert Axe().run(page).violations_count == 0
    assert User.objects.get(pk=cast.member.user.pk).theme == "dark"


def test_every_menu_is_reached_on_a_phone(open_browser: OpenBrowser, cast: Cast) -> None:
    """Rows with one button and with several: each menu opens within the screen, and what is in it can be pressed."""
    factories.succeeded_export(cast)
    factories.failed_export(cast, allow_duplicate=True)
    factories.failed_export(cast, "unconfirmed", allow_duplicate=True)
    factories.failed_export(cast, "rejected", allow_duplicate=True)
    factories.processing_export(cast, allow_duplicate=True)
    page = open_browser(cast.member, viewport={"width": 360, "height": 740}, has_touch=True).open("exports/")
    menus = page.locator("table details.menu")
    expect(menus).to_have_count(5)
    for place in range(5):
        menu = menus.nth(place)
        menu.locator("summary").tap()
        for one in menu.locator(".pop > *").all():
            one.scroll_into_view_if_needed()
            sandbox = one.bounding_box()
            assert sandbox is not None
            assert sandbox["x"] >= 0
            assert sandbox["x"] + sandbox["width"] <= 360
            one.tap(trial=True)
        page.keyboard.press("Escape")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    expect(page.locator("table details.menu[open]")).to_have_count(0)


def test_every_section_is_reached_on_a_phone(open_browser: OpenBrowser, cast: Cast) -> None:
    page = open_browser(cast.owner, viewport={"width": 360, "height": 740}, has_touch=True).open("")
    for name in ("Exports", "Projects", "Credentials", "Members", "Activity", "Home"):
        page.locator("#bar-menu > summary").tap()
        page.locator(".sheet").get_by_role("link", name=name, exact=True).tap()
        expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()
        page.locator("#bar-menu > summary").tap()
        current = page.locator(".sheet [aria-current=page]")
        expect(current).to_have_text(name)
        expect(current).to_be_in_viewport(ratio=1)
        page.locator("#bar-menu > summary").tap()
