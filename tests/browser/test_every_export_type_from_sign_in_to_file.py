"""Every kind of export in a browser: sign in, choose, fill in, submit, watch, download the file."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from exports.models import Change, Export
from exports.providers.registry import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.helpers.cast import KINDS, PROJECTS, Cast

WAIT = 60_000
STARTS = {"zip": b"PK\x03\x04", "xlsx": b"PK\x03\x04", "csv": b"", "mp4": b"", "tar.gz": b"\x1f\x8b"}


@pytest.mark.parametrize(("slug", "type_", "format_", "options"), KINDS)
def test_every_kind_of_export_works_from_sign_in_to_file(
    open_browser: OpenBrowser,
    running_worker: None,
    cast: Cast,
    sandbox: Sandbox,
    origin_of: Callable[[str], str],
    slug: str,
    type_: str,
    format_: str,
    options: dict[str, Any],
) -> None:
    project = cast.project(slug, origin_of(slug))
    kind = PROVIDERS[slug].kind(type_)
    assert kind is not None
    visitor = open_browser()
    visitor.sign_in(cast.member)
    page = visitor.page
    page.get_by_role("link", name="New export").first.click()
    page.get_by_role("link", name=f"{kind.label} of {project}").click()
    if len(kind.formats) > 1:
        page.get_by_label(format_.upper()).check()
    for name, value in options.items():
        if isinstance(value, list):
            for one in value:
                page.locator(f"input[type=checkbox][value='{one}']").check()
        else:
            page.fill(f"[name=options-{name}]", value)
    if kind.effect == "changes":
        page.fill("[name=confirm]", str(project))
    page.locator("#ask button[type=submit]").click()
    page.wait_for_url(re.compile(r"/exports/\d+/$"))

    expect(page.locator(".state-succeeded").first).to_be_visible(timeout=WAIT)
    expect(page.locator("#live")).not_to_have_attribute("hx-trigger", re.compile("."))
    expect(page).to_have_title(re.compile("^Succeeded: "))
    export = Export.objects.get()
    assert (export.status, export.format, export.trigger) == ("succeeded", format_, "person")
    # What the provider is asked to remove afterwards is noted once that is done, before or after the page was made.
    changes = Change.objects.filter(export=export)
    shown = page.locator(".timeline > li[class^=to-]").count()
    assert changes.filter(at__lte=export.finished_at).count() <= shown <= changes.count()
    assert sandbox.jobs(slug, PROJECTS[slug]) == 1
    if kind.has_file:
        with page.expect_download() as download:
            page.get_by_role("link", name=re.compile("^Download")).click()
        data = Path(download.value.path()).read_bytes()
        assert export.file is not None
        assert len(data) == export.file.size
        assert data.startswith(STARTS[format_])
        assert download.value.suggested_filename == export.file.name
        expect(page.get_by_text(export.file.sha256)).to_be_visible()
    else:
        expect(page.get_by_text("This kind doesn't produce a file.")).to_be_visible()
