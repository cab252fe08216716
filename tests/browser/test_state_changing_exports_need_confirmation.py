"""Kinds that change something at the provider are reviewed and confirmed, also on retry."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from exports.models import Export
from exports.sandbox.server import Sandbox
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import CHANGING

RETRIED = re.compile(r"/exports/\d+/$")


@pytest.mark.parametrize("start", ["list", "page"])
@pytest.mark.parametrize("scripts", [True, False])
def test_a_retry_is_reviewed_and_confirmed(
    open_browser: OpenBrowser, cast: Cast, sandbox: Sandbox, origin_of: Callable[[str], str], start: str, scripts: bool
) -> None:
    project = cast.project(CHANGING, origin_of(CHANGING))
    bad = factories.failed_export(cast, "precondition", "Pools are open.", project=project)
    visitor = open_browser(cast.member, java_script_enabled=scripts)
    page = visitor.open("exports/" if start == "list" else f"exports/{bad.pk}/")
    page.get_by_role("link", name="Retry").first.click()
    expect(page.get_by_role("heading", name=f"This changes the project at {CHANGING.label}")).to_be_visible()
    assert Export.objects.count() == 1, "nothing was asked for yet"
    if scripts:
        expect(page.locator("#advice li").first).to_be_visible()
        expect(page.locator("#advice")).not_to_contain_text("Couldn't check")
    again = page.get_by_role("button", name="Archive project")
    again.click()
    expect(page.get_by_text("Type the project's name: this can't be undone.")).to_be_visible()
    page.locator("[name=confirm]").fill("Another project")
    again.click()
    expect(page.get_by_text("That's not the project's name or id.")).to_be_visible()
    expect(page.locator("[name=confirm]")).to_have_attribute("aria-invalid", "true")
    assert Export.objects.count() == 1
    page.locator("[name=confirm]").fill(project.name)
    again.click()
    page.wait_for_url(RETRIED)
    retried = Export.objects.get(retry_of=bad)
    assert (retried.type, retried.trigger) == ("archive", "retry")
    visitor.ignore_complaints("422")


def test_going_back_from_the_confirmation_changes_nothing(open_browser: OpenBrowser, cast: Cast) -> None:
    bad = factories.failed_export(cast, "precondition", "Pools are open.", project=cast.project(CHANGING))
    page = open_browser(cast.member).open(f"exports/{bad.pk}/retry")
    page.get_by_role("main").get_by_role("link", name="Cancel").click()
    page.wait_for_url(re.compile(rf"/exports/{bad.pk}/$"))
    assert Export.objects.count() == 1
