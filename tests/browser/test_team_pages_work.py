"""Members, projects, credentials, colors and tokens in a browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from exports.models import Credential, Member, Project, User
from exports.sandbox.server import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.helpers.cast import PASSWORD, SECRETS, Cast
from tests.helpers.roles import ARCHIVES, VIDEOS

OriginOf = Callable[[str], str]


@pytest.mark.parametrize("scripts", [True, False])
def test_a_person_is_invited_joins_and_gets_a_role(open_browser: OpenBrowser, cast: Cast, scripts: bool) -> None:
    options: dict[str, Any] = {"java_script_enabled": scripts}
    owner = open_browser(cast.owner, **options)
    page = owner.open("members/")
    page.get_by_role("link", name="Invite people").click()
    page.get_by_label("Viewer: can view and download").check()
    page.get_by_role("button", name="Send invitation").click()
    link = page.get_by_label("Link", exact=True).input_value()
    if scripts:
        owner.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == link
        assert Axe().run(page).violations_count == 0

    newcomer = open_browser(**options)
    newcomer.page.goto(link)
    newcomer.page.get_by_label("E-mail address").fill("nell@example.org")
    newcomer.page.get_by_label("Your name").fill("Nell")
    newcomer.page.get_by_label("Password").fill(PASSWORD)
    newcomer.page.get_by_role("button", name="Create account and join").click()
    expect(newcomer.page.get_by_text("Welcome to The Team")).to_be_visible()
    expect(newcomer.page.get_by_role("link", name="New export")).to_have_count(0)

    page = owner.open("members/")
    page.get_by_role("link", name="Change Nell").click()
    page.get_by_label("Member: can also run exports").check()
    page.get_by_role("button", name="Change role").click()
    expect(page.get_by_text("Nell is now member in The Team")).to_be_visible()
    expect(newcomer.open("").get_by_role("link", name="New export").first).to_be_visible()
    page.get_by_role("link", name="Activity").click()
    changed = page.get_by_role("listitem").filter(has_text="changed the role of member nell@example.org")
    expect(changed.first).to_contain_text("127.0.0.1")

    newcomer.open("members/leave").get_by_role("button", name="Leave team").click()
    expect(newcomer.page.get_by_text("You've left The Team")).to_be_visible()
    assert not Member.objects.filter(user__email="nell@example.org").exists()


def test_many_projects_are_picked_at_once(
    open_browser: OpenBrowser, cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    credential = cast.credential(ARCHIVES, origin_of(ARCHIVES))
    page = open_browser(cast.member).open(f"projects/add/{credential.pk}/")
    search = page.get_by_label("Search in the list")
    expect(search).to_be_visible()
    everything = page.locator(".picks .check:visible").count()
    search.fill("100002")
    expect(page.locator(".picks .check:visible")).to_have_count(1)
    page.get_by_role("button", name="Select all").click()
    expect(page.get_by_text("1 shown, 1 selected")).to_be_visible()
    search.fill("")
    expect(page.locator(".picks .check:visible")).to_have_count(everything)
    page.locator("[name=picked][value='100003']").check()
    assert Axe().run(page).violations_count == 0
    page.get_by_role("button", name="Add projects").click()
    expect(page.get_by_text(re.compile("^Added 2 projects:"))).to_be_visible()
    assert set(Project.objects.values_list("remote_id", flat=True)) == {"100002", "100003"}


def test_secrets_are_replaced(open_browser: OpenBrowser, cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    credential = cast.credential(VIDEOS, origin_of(VIDEOS), secrets={"app_id": "old", "user_key": "old"})
    visitor = open_browser(cast.owner)
    page = visitor.open(f"credentials/{credential.pk}/")
    page.get_by_label("appId").fill("wrong")
    page.get_by_role("button", name="Test and replace").click()
    expect(page.get_by_text("Not replaced: the new secret failed the test.")).to_be_visible()
    expect(page.get_by_label("appId")).to_have_value("")
    assert Axe().run(page).violations_count == 0
    page.get_by_label("appId").fill(SECRETS[VIDEOS]["app_id"])
    page.get_by_label("userKey").fill(SECRETS[VIDEOS]["user_key"])
    page.get_by_role("button", name="Test and replace").click()
    expect(page.get_by_text("Secret replaced and in use")).to_be_visible()
    assert Credential.objects.get().secrets() == SECRETS[VIDEOS]
    visitor.ignore_complaints("422")


@pytest.mark.parametrize(("theme", "scheme"), [("dark", "light"), ("light", "dark"), ("auto", "dark")])
def test_the_chosen_colors_win_over_the_device(open_browser: OpenBrowser, cast: Cast, theme: str, scheme: Any) -> None:
    User.objects.filter(pk=cast.owner.user.pk).update(theme=theme)
    page = open_browser(cast.owner, color_scheme=scheme).open("members/")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(13, 14, 17)"
    assert dark == ("dark" in (theme, scheme if theme == "auto" else ""))
    assert Axe().run(page).violations_count == 0


def test_a_token_is_created_and_revoked(open_browser: OpenBrowser, cast: Cast) -> None:
    visitor = open_browser(cast.member, viewport={"width": 360, "height": 740})
    page = visitor.open("")
    page.locator("#bar-menu > summary").click()
    page.get_by_role("link", name=re.compile("Profile and settings")).locator("visible=true").click()
    page.locator("#id_token_name").fill("nightly script")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_label("nightly script")).to_have_value(re.compile("^ep_"))
    page.get_by_role("link", name="Done").click()
    page.get_by_role("button", name=re.compile("Revoke nightly script")).click()
    expect(page.get_by_text("Revoked the token")).to_be_visible()
