"""In a browser: who leaves is told what stops; it stops with its reason; another member resumes it and owns it."""

from playwright.sync_api import expect

from exports.models import Schedule
from tests.browser.conftest import OpenBrowser
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.schedules import make_schedule


def test_a_schedule_of_who_leaves_stops_and_is_taken_over(open_browser: OpenBrowser, cast: Cast) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    leaving = open_browser(cast.member)
    leaving.open("members/leave")
    expect(leaving.page.get_by_text("1 schedule stops; another member can take it over")).to_be_visible()
    leaving.page.get_by_role("button", name="Leave team").click()
    expect(leaving.page.get_by_text("You've left The Team")).to_be_visible()

    owner = open_browser(cast.owner)
    page = owner.open(f"schedules/{schedule.pk}/")
    expect(page.get_by_text("Its owner left the team.").first).to_be_visible()
    page.get_by_role("button", name="Resume").first.click()
    expect(page.get_by_text("Its owner left the team.")).to_have_count(0)
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.owner) == (True, cast.owner.user)

    page = owner.open("activity/")
    lines = page.get_by_role("listitem")
    expect(lines.filter(has_text="Member stopped schedule")).to_contain_text("Its owner left the team.")
    expect(lines.filter(has_text="Owner took over schedule")).to_contain_text("from member@example.org")


def test_a_person_deletes_their_account(open_browser: OpenBrowser, cast: Cast) -> None:
    schedule = make_schedule(cast.project(TABLES), cast.member)
    visitor = open_browser(cast.member)
    visitor.page.goto(f"{visitor.base}/profile/")
    visitor.page.get_by_role("link", name="Delete account").click()
    visitor.page.get_by_label("Password").fill("correct horse battery staple")
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_label("Type member@example.org to confirm").fill("member@example.org")
    visitor.page.get_by_role("button", name="Delete my account").click()
    expect(visitor.page.get_by_text("Your account was deleted")).to_be_visible()
    page = open_browser(cast.owner).open(f"schedules/{schedule.pk}/")
    expect(page.get_by_text("Its owner's account was deleted.").first).to_be_visible()
    expect(page.get_by_text(f"Former member {cast.member.user.pk}").first).to_be_visible()
    assert not Schedule.objects.filter(enabled=True).exists()
