"""In a browser: a file is pinned and unpinned; an owner previews a retention rule and saves it; a pinned file stays."""

from datetime import timedelta

from django.utils import timezone
from playwright.sync_api import expect

from exports.exporting import purge
from exports.models import File
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast


def test_a_file_is_pinned_on_its_page_and_in_the_list(open_browser: OpenBrowser, cast: Cast) -> None:
    export = factories.succeeded_export(cast)
    page = open_browser(cast.member).open(f"exports/{export.pk}/")
    page.get_by_role("button", name="Pin", exact=True).click()
    expect(page.get_by_role("button", name="Unpin")).to_be_visible()
    assert File.objects.get(export=export).pinned_at is not None
    page.goto(page.url.partition("exports/")[0] + "exports/")
    row = page.get_by_role("row", name=f"#{export.pk}")
    expect(row.get_by_text("Pinned")).to_be_attached()
    row.locator("summary").click()
    row.get_by_role("button", name="Unpin").click()
    expect(page.get_by_role("button", name="Pin", exact=True)).to_be_visible()
    assert File.objects.get(export=export).pinned_at is None


def test_an_owner_previews_a_rule_and_saves_it(open_browser: OpenBrowser, cast: Cast) -> None:
    pinned, old, new = (
        factories.succeeded_export(cast, name=f"{name}.csv", allow_duplicate=True) for name in ("pinned", "old", "new")
    )
    File.objects.exclude(export=new).update(verified_at=timezone.now() - timedelta(days=60))
    File.objects.filter(export=pinned).update(pinned_at=timezone.now())
    page = open_browser(cast.owner).open("settings/retention/")
    expect(page.get_by_text("Nothing. Every file stays.")).to_be_visible()
    page.get_by_label("Keep files for days").fill("30")
    page.get_by_role("button", name="Preview").click()
    preview = page.get_by_role("table", name="Files that would be deleted")
    expect(preview.get_by_role("link", name="old.csv")).to_be_visible()
    expect(preview.get_by_text("Older than 30 days")).to_be_visible()
    expect(preview.get_by_role("link")).to_have_count(1)
    expect(page.get_by_label("Keep files for days")).to_have_value("30")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Retention saved.")).to_be_visible()
    assert purge.purge(cast.team).files == 1
    assert set(File.objects.filter(deleted_at=None).values_list("export__pk", flat=True)) == {pinned.pk, new.pk}
    page.goto(page.url.partition("settings/")[0] + f"exports/{old.pk}/")
    expect(page.get_by_text("By the team's retention rule (keep_days)").first).to_be_visible()
