"""Every page in light and dark, wide and narrow: no complaint of the browser, nothing cut off, nothing for axe."""

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from exports.engine import clock, members
from exports.models import Call
from tests.browser.conftest import Arrive
from tests.cast import Cast
from tests.web import made


@pytest.fixture
def numbers(cast: Cast) -> dict[str, int | str]:
    good = made.succeeded(cast)
    Call.objects.create(export=good, at=clock.now(), method="GET", url="https://x.example/" + "a" * 200, seconds=0.1)
    bad = made.failed(cast, "unconfirmed", "The answer was lost. " * 5)
    toloka = cast.project("toloka")
    return {
        "good": good.pk,
        "bad": bad.pk,
        "open": made.processing(cast, project=toloka).pk,
        "copy": good.project_id,
        "app": cast.project("playcanvas").pk,
        "change": toloka.pk,
        "c": good.project.credential_id,
        "m": cast.member.pk,
        "link": members.invite(cast.team, cast.owner.user, "viewer", "somebody-with-a-long-name@example.org")[1],
    }


PATHS = (
    "",
    "exports/",
    "exports/?q=nothing-fits",
    "exports/{good}/",
    "exports/{bad}/",
    "exports/{open}/",
    "new/",
    "new/{copy}/orders/",
    "projects/",
    "projects/add/",
    "credentials/",
    "credentials/{c}/",
    "credentials/add/",
    "credentials/add/ulule/",
    "projects/add/{c}/",
    "projects/{copy}/",
    "members/",
    "members/invite",
    "members/leave",
    "members/{m}/",
    "activity/",
    "activity/?verb=left",
    "../../profile/",
    "../../profile/password",
    "../../invitations/{link}/",
    "../../?choose",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_pages(arrive: Arrive, cast: Cast, numbers: dict[str, int | str], scheme: Any, width: int) -> None:
    visitor = arrive(cast.owner, color_scheme=scheme, viewport={"width": width, "height": 800})
    found: list[str] = []
    for path in PATHS:
        page = visitor.open(path.format(**numbers))
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{path} is {over} px too wide at {width}"
        assert page.locator("h1").count() == 1
        answer = Axe().run(page)
        found += [f"{path}: {one['id']} {one['nodes'][0]['target']}" for one in answer.response["violations"]]
    assert found == []


def test_forms_that_ask_the_provider_fail_softly(arrive: Arrive, cast: Cast, numbers: dict[str, int | str]) -> None:
    """Nothing answers at the credential's address; the form stays usable."""
    cast.credential("playcanvas", name="other")
    visitor = arrive(cast.member)
    page = visitor.open(f"new/{numbers['app']}/app/")
    page.locator("text=Type the id.").first.wait_for()
    assert page.locator("[name=options-scenes]").is_visible()


@pytest.mark.parametrize("path", ["/sign-in/", "/nothing/", "/invitations/{link}/"])
def test_pages_for_strangers(arrive: Arrive, cast: Cast, path: str) -> None:
    visitor = arrive()
    page = visitor.page
    link = members.invite(cast.team, cast.owner.user, "member")[1]
    page.goto(f"{visitor.base}{path.format(link=link)}")
    assert Axe().run(page).violations_count == 0
    # The browser itself notes that a page is a 404.
    visitor.complaints[:] = [line for line in visitor.complaints if "404" not in line]


def test_the_admin_site_works_under_the_same_policy(arrive: Arrive, cast: Cast, numbers: dict[str, int | str]) -> None:
    user = cast.owner.user
    user.is_staff = user.is_superuser = True
    user.save()
    visitor = arrive(cast.owner)
    for path in ("", "exports/export/", f"exports/export/{numbers['good']}/change/", "exports/team/add/"):
        visitor.page.goto(f"{visitor.base}/admin/{path}")
        assert visitor.page.locator("#site-name").is_visible()
