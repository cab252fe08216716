"""Staff can remove the second factors of a user who lost them all; the user and the teams are notified."""

from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from exports.models import AuditEntry, Member
from exports.people import security
from tests.helpers import factories
from tests.helpers.second_factors import add_totp, client_after_password, is_signed_in


def test_a_command_removes_them(member: Member, clock: time_machine.Traveller) -> None:
    before = client_after_password(member)
    add_totp(member)
    mail.outbox.clear()
    out = StringIO()
    call_command("reset_second_factor", member.user.email.upper(), stdout=out)
    assert "Removed 1 second factors of member@example.org" in out.getvalue()
    assert not is_signed_in(before), "whoever has the lost phone may be signed in on it"
    assert is_signed_in(client_after_password(member))
    event = AuditEntry.objects.get(verb="removed second factor")
    assert (event.actor, event.target) == ("a command", "all of member@example.org")
    assert "removed your second factors" in str(mail.outbox[0].body)


@pytest.mark.parametrize(("email", "said"), [("nobody@example.org", "Nobody has"), ("member@example.org", "has no")])
def test_a_mistake_is_reported_in_one_sentence(member: Member, email: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("reset_second_factor", email)


def test_the_admin_site_removes_them_too(member: Member, clock: time_machine.Traveller) -> None:
    add_totp(member)
    staff = Client()
    staff.force_login(factories.staff_user())
    sent = {"action": "reset_second_factors", "_selected_action": [member.user.pk]}
    page = staff.post("/admin/exports/user/", sent, follow=True).content.decode()
    assert "signs in with the password alone now" in page
    assert not security.has_second_factor(member.user)
    assert AuditEntry.objects.get(verb="removed second factor").actor == "staff@example.org"
