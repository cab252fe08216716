"""Who lost everything is helped by the staff, and everybody concerned learns of it."""

from io import StringIO

import pytest
import time_machine
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client

from exports.engine import account
from exports.models import Event, Member
from tests.accounts.conftest import guarded, is_in, with_password
from tests.web import made


def test_a_command_takes_them_away(member: Member, clock: time_machine.Traveller) -> None:
    before = with_password(member)
    guarded(member)
    mail.outbox.clear()
    out = StringIO()
    call_command("reset_second_factor", member.user.email.upper(), stdout=out)
    assert "Took away 1 second factors of member@example.org" in out.getvalue()
    assert not is_in(before), "whoever has the lost phone may be signed in on it"
    assert is_in(with_password(member))
    event = Event.objects.get(verb="removed second factor")
    assert (event.actor, event.thing) == ("a command", "all of member@example.org")
    assert "took away your second factors" in str(mail.outbox[0].body)


@pytest.mark.parametrize(("email", "said"), [("nobody@example.org", "Nobody has"), ("member@example.org", "has no")])
def test_a_mistake_is_said(member: Member, email: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("reset_second_factor", email)


def test_the_staffs_site_does_the_same(member: Member, clock: time_machine.Traveller) -> None:
    guarded(member)
    staff = Client()
    staff.force_login(made.staff())
    sent = {"action": "drop_factors", "_selected_action": [member.user.pk]}
    page = staff.post("/admin/exports/user/", sent, follow=True).content.decode()
    assert "signs in by password alone now" in page
    assert not account.guarded(member.user)
    assert Event.objects.get(verb="removed second factor").actor == "staff@example.org"
