"""A passkey in a real browser with a virtual authenticator: created, used alone, used as a second factor."""

import re
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from exports.models import AuditEntry, User
from tests.browser.conftest import OpenBrowser, Visitor
from tests.helpers.cast import PASSWORD, Cast


def with_authenticator(visitor: Visitor) -> None:
    """Gives the visitor's browser an authenticator that says yes to everything."""
    session = visitor.context.new_cdp_session(visitor.page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def is_sound(page: Page) -> None:
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{page.url} is {over} px too wide"
    found = [f"{one['id']} {one['nodes'][0]['target']}" for one in Axe().run(page).response["violations"]]
    assert found == [], page.url


def sign_out(page: Page) -> None:
    page.locator("#bar-menu > summary").click()
    page.locator(".sheet").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in/")


def test_a_passkey_is_created_and_signs_in(open_browser: OpenBrowser, cast: Cast) -> None:
    visitor = open_browser(cast.member, viewport={"width": 360, "height": 740}, accept_downloads=True)
    with_authenticator(visitor)
    page = visitor.page
    page.goto(f"{visitor.base}/profile/")
    page.get_by_role("link", name="Two-factor authentication").click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()

    # The other way to a second factor, while we are here.
    page.goto(f"{visitor.base}/profile/second-factor/app")
    assert page.evaluate("document.querySelector('.qr').naturalWidth") > 0
    is_sound(page)

    page.goto(f"{visitor.base}/profile/second-factor/passkeys/add")
    is_sound(page)
    page.get_by_label("Name").fill("Phone")
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    is_sound(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as text").click()
    kept = Path(download.value.path()).read_text().split()
    assert len(kept) == 10
    expect(page.locator("#codes")).to_have_text(re.compile(r"\s+".join(kept)))

    for place in ("", "passkeys/{}/name", "passkeys/{}/remove", "recovery-codes/new"):
        found = re.search(r"passkeys/(\d+)/name", page.content())
        page.goto(f"{visitor.base}/profile/second-factor/{place.format(found[1] if found else '')}")
        is_sound(page)
        page.goto(f"{visitor.base}/profile/second-factor/")

    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/t/the-team/")

    sign_out(page)
    page.fill("[name=username]", cast.member.user.email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
    is_sound(page)
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url("**/t/the-team/")
    assert AuditEntry.objects.filter(verb="added second factor", target="passkey", user=cast.member.user).count() == 1
    assert User.objects.get(pk=cast.member.user.pk).last_login is not None
