"""On the API's page a person finds a call and tries it with a token, which no storage and no address keeps."""

from playwright.sync_api import expect

from exports.models import Export, Token
from exports.models.token import WRITE
from tests.browser.conftest import OpenBrowser
from tests.helpers import factories
from tests.helpers.cast import Cast


def test_a_call_is_found_tried_and_confirmed(open_browser: OpenBrowser, cast: Cast) -> None:
    """One page for all of it: loading it is the expensive part."""
    export = factories.succeeded_export(cast)
    token = Token.issue(cast.member, WRITE)
    visitor = open_browser(cast.member)
    page = visitor.page
    page.goto(f"{visitor.base}/api/docs?team=the-team")

    page.get_by_role("searchbox", name="Find a call").fill("retry exports")
    expect(page.locator("#get_export")).to_be_hidden()
    call = page.locator("#retry_export")
    expect(call).to_be_visible()
    page.get_by_role("searchbox", name="Find a call").fill("")

    reading = page.locator("#get_export")
    reading.get_by_text("Try it").click()
    expect(reading.get_by_label("export_id")).to_have_value(str(export.pk))
    reading.get_by_role("button", name="Send GET").click()
    expect(page.get_by_label("Token for trying calls")).to_be_focused()
    page.get_by_label("Token for trying calls").fill(token)
    reading.get_by_role("button", name="Send GET").click()
    expect(reading.locator("[data-status]")).to_contain_text("200 OK")
    expect(reading.locator("[data-headers]")).to_contain_text("content-type: application/json")
    expect(reading.locator("[data-body-shown]")).to_contain_text('"status": "succeeded"')
    expect(reading.locator("[data-request]")).to_have_text(f"GET {visitor.base}/api/v1/exports/{export.pk}")

    call.get_by_text("Try it").click()
    expect(call).to_contain_text("may cost credits")
    call.get_by_label("export_id").fill(str(export.pk))
    call.get_by_role("button", name="Send POST").click()
    assert Export.objects.count() == 1, "it is not sent before it was confirmed"
    call.get_by_label("Yes, do this for real").check()
    call.get_by_role("button", name="Send POST").click()
    expect(call.locator("[data-status]")).to_contain_text("201 Created")
    assert Export.objects.filter(retry_of=export).count() == 1

    kept = page.evaluate("JSON.stringify({...localStorage, ...sessionStorage}) + location.href + document.cookie")
    assert token not in kept
    assert token not in page.content()
    page.reload()
    expect(page.get_by_label("Token for trying calls")).to_have_value("")
