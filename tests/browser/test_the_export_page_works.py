"""The export's page in a browser: preview, video, copying, deleting; the tab shows the status."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from exports import clock
from exports.models import AuditEntry, Call, Download, Export
from exports.sandbox.server import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, TABLES, VIDEOS
from tests.helpers.run_exports import request_export, run_to_end


@pytest.mark.parametrize(
    ("slug", "type_", "format_", "shown"),
    [
        (TABLES, "orders", "csv", "stand-in-1@example.com"),
        (TABLES, "orders", "xlsx", "stand-in-1@example.com"),
        (ARCHIVES, "archive", "zip", "README-STAND-IN.txt"),
    ],
)
@pytest.mark.parametrize("scripts", [True, False])
def test_the_file_is_previewed(
    open_browser: OpenBrowser,
    cast: Cast,
    sandbox: Sandbox,
    origin_of: Callable[[str], str],
    slug: str,
    type_: str,
    format_: str,
    shown: str,
    scripts: bool,
) -> None:
    export = run_to_end(request_export(cast.project(slug, origin_of(slug)), cast.member, type_, format_))
    page = open_browser(cast.viewer, java_script_enabled=scripts).open(f"exports/{export.pk}/")
    if not scripts:
        page.get_by_role("link", name="Preview").click()
    expect(page.locator("#preview").get_by_text(shown).first).to_be_visible()
    over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0
    assert not Download.objects.exists()


def test_a_video_is_played_and_can_be_sought(
    open_browser: OpenBrowser, cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]
) -> None:
    export = run_to_end(request_export(cast.project(VIDEOS, origin_of(VIDEOS)), cast.member, "video"))
    page = open_browser(cast.viewer).open(f"exports/{export.pk}/")
    player = page.locator("video.player")
    expect(player).to_be_visible()
    cover = page.locator(".film-cover")
    expect(cover).to_be_visible()
    cover.locator("video").evaluate(
        "(video) => video.readyState >= 2 || new Promise((done) => video.addEventListener('loadeddata', done))"
    )
    assert not Download.objects.exists(), "its first picture is no download"
    length = player.evaluate(
        """async (video) => {
            video.muted = true;
            await video.play();
            video.pause();
            const there = new Promise((done) => video.addEventListener("seeked", done, { once: true }));
            video.currentTime = video.duration * 0.8;
            await there;
            return [video.duration, video.currentTime, video.seekable.end(0)];
        }"""
    )
    expect(cover).to_have_count(0)
    assert length[0] > 0
    assert length[1] == pytest.approx(length[0] * 0.8, abs=0.3)
    assert length[2] == length[0]
    assert Download.objects.filter(export=export, user=cast.viewer.user).count() == 1


def test_the_hash_is_copied(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    visitor = open_browser(cast.viewer, permissions=["clipboard-read", "clipboard-write"])
    page = visitor.open(f"exports/{export.pk}/")
    page.get_by_role("button", name="Copy the SHA-256").click()
    expect(page.locator("#copy-hash")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == export.file.sha256


def test_the_title_and_the_icon_follow_the_status(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    page = open_browser(cast.viewer).open(f"exports/{export.pk}/")
    icon = page.locator("link[rel=icon]")
    expect(icon).to_have_attribute("href", re.compile("favicon-processing"))
    export.move("canceled", source="person")
    expect(icon).to_have_attribute("href", re.compile("favicon-canceled"))
    expect(page).to_have_title(re.compile("^Canceled"))


def test_calls_are_loaded_when_opened_and_refreshed(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.processing_export(cast)
    given = {"export": export, "method": "GET", "seconds": 0.1, "credential": export.project.credential}
    Call.objects.create(at=clock.now(), url="https://x.example/first", **given)
    page = open_browser(cast.viewer).open(f"exports/{export.pk}/")
    expect(page.get_by_text("https://x.example/first")).to_have_count(0)
    page.locator("#calls > summary").click()
    expect(page.get_by_text("https://x.example/first")).to_be_visible()
    Call.objects.create(at=clock.now(), url="https://x.example/second", **given)
    expect(page.get_by_text("https://x.example/second")).to_be_visible()


def test_a_file_is_deleted_after_a_confirmation(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    page = open_browser(cast.member).open(f"exports/{export.pk}/")
    page.locator("#more > summary").click()
    page.get_by_role("link", name="Delete file…").click()
    expect(page.get_by_text("No one has downloaded it yet.")).to_be_visible()
    page.get_by_role("button", name="Delete file").click()
    page.wait_for_url(re.compile(rf"/exports/{export.pk}/$"))
    expect(page.get_by_text("File deleted")).to_be_visible()
    assert AuditEntry.objects.filter(verb="deleted file").count() == 1


def test_the_collapsed_form_requests_lists_only_when_opened(
    open_browser: OpenBrowser, cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str]
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    page = open_browser(cast.member).open(f"new/{project.pk}/app/")
    expect(page.locator("input[type=checkbox]").first).to_be_visible()
    expect(page.locator("select[name=options-branch_id]")).to_have_count(0)
    page.locator("#more > summary").click()
    expect(page.locator("select[name=options-branch_id]")).to_be_visible()
    page.fill("[name=options-name]", "An app")
    page.locator("input[value='1000012']").check()
    page.locator("#ask button[type=submit]").click()
    page.wait_for_url(re.compile(r"/exports/\d+/$"))
    assert Export.objects.get().options == {"name": "An app", "scenes": [1000012]}
