"""The search that jumps and the keys, on few pages that are shared by what is looked at."""

import re

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from exports.models import Export, User
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


def _focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


def test_anything_is_reached_by_typing_alone(open_browser: OpenBrowser, cast: Cast) -> None:
    project, export = cast.project(TABLES), factories.succeeded_export(cast)
    page = open_browser(cast.member).open("")
    page.keyboard.press("Control+k")
    field, options = page.locator("#jump-q"), page.locator("#jump-hits [role=option]")
    expect(field).to_be_focused()
    expect(options.first, "pages, before anything is typed").to_have_attribute("aria-selected", "true")
    page.keyboard.type(f"the {TABLES}")
    expect(options.first).to_contain_text(f"The {TABLES} one")
    expect(page.locator("#jump-said")).to_have_text(re.compile(r"\d+ hits?"))
    found = Axe().run(page, {"include": ["#jump"]})
    assert found.violations_count == 0, found.generate_report()
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(field).to_have_attribute("aria-activedescendant", str(options.nth(1).get_attribute("id")))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/projects/{project.pk}/")
    page.locator(".jump").click()
    page.keyboard.type(f"#{export.pk}")
    expect(options.first).to_contain_text(f"#{export.pk}")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/exports/{export.pk}/")


def test_keys_act_outside_of_fields_alone(open_browser: OpenBrowser, cast: Cast) -> None:
    older, newer = factories.succeeded_export(cast), factories.succeeded_export(cast, format_="xlsx")
    page = open_browser(cast.member).open("exports/")
    page.keyboard.press("j")
    assert _focused(page) == f"x{newer.pk}"
    time = page.locator("tr", has=page.locator(f"#x{newer.pk}")).locator("time")
    expect(time.locator(".exact"), "a row with the focus says its exact time").to_be_visible()
    page.keyboard.press("j")
    assert _focused(page) == f"x{older.pk}"
    page.keyboard.press("x")
    expect(page.locator(f"#c{older.pk}")).to_be_checked()
    page.keyboard.press("k")
    assert _focused(page) == f"x{newer.pk}"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Shift+T")
    expect(page.locator("time .exact").first).to_be_visible()
    page.keyboard.press("Shift+T")
    page.keyboard.press("/")
    expect(page.locator("#f-q")).to_be_focused()
    with page.expect_response(lambda answer: "q=xlsx" in answer.url):
        page.keyboard.type("xlsx")
    expect(page, "filters apply by themselves").to_have_url(re.compile("q=xlsx"))
    expect(page.locator("#f-q"), "and typing goes on").to_be_focused()
    page.keyboard.type(" gn?")
    expect(page.locator("#f-q"), "letters of a field are no keys").to_have_value("xlsx gn?")
    page.locator("h1").click()
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/t/the-team/")
    page.keyboard.press("n")
    page.wait_for_url("**/new/")


def test_keys_are_turned_off_in_the_profile(open_browser: OpenBrowser, cast: Cast) -> None:
    User.objects.filter(pk=cast.viewer.user.pk).update(shortcuts=False)
    page = open_browser(cast.viewer).open("")
    for key in ("g", "e", "?", "/"):
        page.keyboard.press(key)
    expect(page.locator("dialog[open]")).to_have_count(0)
    page.keyboard.press("Control+k")
    expect(page.locator("#jump-q"), "a key with a modifier stays").to_be_focused()
    assert page.url.endswith("/t/the-team/")


def test_new_exports_wait_until_they_are_asked_for(open_browser: OpenBrowser, cast: Cast) -> None:
    running = factories.processing_export(cast)
    page = open_browser(cast.viewer).open("exports/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/exports/") else None)
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    new = factories.succeeded_export(cast, format_="xlsx")
    page.wait_for_timeout(2500)
    assert asked == [], "a page that nobody sees asks for nothing"
    page.evaluate("""() => {
        delete document.hidden;
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    pill = page.locator("#show-new")
    expect(pill).to_have_text("1 new export")
    expect(page.locator("#aloud")).to_have_text("1 new export")
    expect(page.locator(f"#x{new.pk}")).to_have_count(0)
    Export.objects.filter(pk=running.pk).update(progress=80)
    expect(page.locator("table"), "the rows that are shown stay live").to_contain_text("80 %")
    pill.click()
    expect(page.locator(f"#x{new.pk}")).to_be_visible()
    expect(pill).to_have_count(0)


def test_the_browsers_zone_is_offered_and_taken(open_browser: OpenBrowser, cast: Cast) -> None:
    visitor = open_browser(cast.viewer, timezone_id="Asia/Tokyo")
    page = visitor.page
    page.goto(f"{visitor.base}/profile/")
    expect(page.locator("[data-zone-name]")).to_have_text("Asia/Tokyo")
    page.get_by_role("button", name="Use this zone").click()
    expect(page.locator("[data-zone-offer]")).to_be_hidden()
    assert User.objects.get(pk=cast.viewer.user.pk).time_zone == "Asia/Tokyo"
