"""What staff do to a team stands in its activity, under their own name; nobody gives themselves permissions."""

from typing import Any

import pytest
from django.test import Client

from exports.models import AuditEntry, OutboxMessage, Token, User
from exports.notify.fan_out import fan_out
from tests.admin.conftest import staff_with
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES
from tests.helpers.webhooks import make_webhook

NO_MEMBERS = {"member_set-TOTAL_FORMS": "0", "member_set-INITIAL_FORMS": "0"}


def last_entry() -> tuple[str, str, str, str]:
    entry = AuditEntry.objects.latest("pk")
    return entry.actor, entry.verb, entry.target, entry.detail


def test_a_quota_is_set_in_bytes(as_staff: Client, cast: Cast) -> None:
    address = f"/admin/exports/team/{cast.team.pk}/change/"
    assert "10000000000 is 10 GB" in as_staff.get(address).content.decode()
    as_staff.post(address, {"name": "The Team", "slug": "the-team", "quota_bytes": "1000", **NO_MEMBERS})
    assert last_entry() == ("staff@example.org", "changed", "most bytes kept", "from none to 1000")


def test_the_page_of_a_team_shows_credentials_without_secrets(as_staff: Client, cast: Cast) -> None:
    factories.failed_export(cast)
    page = as_staff.get(f"/admin/exports/team/{cast.team.pk}/change/").content.decode()
    for words in ("Failed, 7 days", TABLES, "Not tested", "owner@example.org"):
        assert words in page, words
    assert "sandbox-key" not in page


def test_a_revoked_token(as_staff: Client, cast: Cast) -> None:
    Token.issue(cast.member, name="script")
    token = Token.objects.get()
    as_staff.post("/admin/exports/token/", {"action": "revoke", "_selected_action": [token.pk]})
    assert last_entry()[:2] == ("staff@example.org", "revoked")


def test_a_webhook_is_sent_again_and_a_mail_is_not(as_staff: Client, cast: Cast) -> None:
    make_webhook(cast, "https://hooks.example/x")
    factories.failed_export(cast)
    fan_out()
    OutboxMessage.objects.update(due_at=None, attempts=40)
    chosen: dict[str, Any] = {
        "action": "redeliver",
        "_selected_action": [*OutboxMessage.objects.values_list("pk", flat=True)],
    }
    page = as_staff.post("/admin/exports/outboxmessage/", chosen, follow=True).content.decode()
    assert "1 delivery is sent again" in page
    assert "is no webhook" in page
    assert [row.kind for row in OutboxMessage.objects.filter(due_at__isnull=False)] == ["webhook"]
    assert last_entry()[:2] == ("staff@example.org", "sent again")


@pytest.mark.parametrize("field", ["is_superuser", "is_staff"])
def test_who_is_no_superuser_makes_none(cast: Cast, field: str) -> None:
    client = staff_with("view_user", "change_user")
    user = cast.member.user
    client.post(
        f"/admin/exports/user/{user.pk}/change/",
        {"email": user.email, "name": "New name", "is_active": "on", field: "on"},
    )
    user = User.objects.get(pk=user.pk)
    assert user.name == "New name"
    assert not getattr(user, field)


def test_permissions_of_staff_are_chosen_in_the_site(as_staff: Client, cast: Cast) -> None:
    page = as_staff.get(f"/admin/exports/user/{cast.member.user.pk}/change/").content.decode()
    assert "Can view export" in page
    assert "Can add log entry" not in page


def test_staff_change_their_password_like_everybody_else(as_staff: Client) -> None:
    answer = as_staff.get("/admin/password_change/")
    assert answer.headers["Location"] == "/profile/password"
