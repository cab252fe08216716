"""An address counts as a user's only after a mail to it was answered; until then no other mail goes there."""

import re

import pytest
from django.core import mail
from django.test import Client

from exports.errors import ConflictError
from exports.models import AuditEntry, Invitation, OutboxMessage, User
from exports.models.team import MEMBER
from exports.people import invitations
from tests.helpers import factories
from tests.helpers.cast import PASSWORD, Cast
from tests.helpers.run_exports import deliver_due

NEW = "new@example.org"


def invite(cast: Cast, email: str = "") -> tuple[str, str]:
    """The link that the owner sees, and the one in the mail ("" without a mail)."""
    invitation, token = invitations.create_invitation(cast.team, cast.owner.user, MEMBER, email)
    link = f"/invitations/{token}/"
    if email:
        invitations.send_invitation(invitation, f"http://testserver{link}")
    found = re.search(r"http://testserver(\S+)", str(mail.outbox[-1].body)) if email else None
    return link, found[1] if found else ""


def join(link: str, email: str = NEW) -> User:
    Client().post(link, {"email": email, "name": "New", "password": PASSWORD})
    return User.objects.get(email=email)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_the_mailed_link_confirms_the_address(cast: Cast) -> None:
    assert join(invite(cast, NEW)[1]).email_confirmed


@pytest.mark.parametrize("bound_to", ["", NEW])
def test_a_link_that_was_not_mailed_does_not_confirm_the_address(cast: Cast, bound_to: str) -> None:
    """Whoever holds it says what they like; an owner could even take it themselves."""
    user = join(invite(cast, bound_to)[0])
    assert not user.email_confirmed
    assert "address not confirmed" in signed_in(user).get("/t/the-team/members/").content.decode()


def test_the_proof_from_one_mail_does_not_hold_for_another_link(cast: Cast) -> None:
    proof = invite(cast, "else@example.org")[1].partition("?")[2]
    assert not join(f"{invite(cast)[0]}?{proof}").email_confirmed


def test_an_unconfirmed_address_accepts_an_invitation_only_with_its_mailed_proof(cast: Cast) -> None:
    user = join(invite(cast)[0])
    invitations.create_invitation(cast.other_team, cast.outsider.user, MEMBER, NEW)
    invitation = Invitation.objects.get(team=cast.other_team)
    with pytest.raises(ConflictError, match=r"confirmed\. Open the link"):
        invitations.accept_invitation(invitation, user)
    invitations.accept_invitation(invitation, user, invitation.email_proof)
    assert User.objects.get(pk=user.pk).email_confirmed


def test_an_address_can_be_confirmed_later(cast: Cast) -> None:
    user = join(invite(cast)[0])
    browser = signed_in(user)
    assert "confirmed, so we send no e-mails there" in browser.get("/profile/").content.decode()
    browser.post("/profile/address")
    found = re.search(r"http://testserver(/profile/address/\S+)", str(mail.outbox[-1].body))
    assert found
    assert mail.outbox[-1].to == [NEW]
    assert browser.post("/profile/address").status_code == 429
    # Whoever reads the mail, but is somebody else here, confirms nothing.
    stranger = signed_in(cast.outsider.user)
    assert stranger.post(found[1]).status_code == 404
    assert browser.get(found[1]).status_code == 200
    assert not User.objects.get(pk=user.pk).email_confirmed, "a mail program that follows links confirms nothing"
    browser.post(found[1])
    assert User.objects.get(pk=user.pk).email_confirmed
    assert AuditEntry.objects.get(verb="confirmed address").user == user


def test_no_mail_about_an_export_goes_to_an_unconfirmed_address(cast: Cast) -> None:
    User.objects.filter(pk=cast.member.user.pk).update(email_confirmed=False)
    factories.succeeded_export(cast)
    assert deliver_due() == 0
    assert mail.outbox == []
    assert "not confirmed" in OutboxMessage.objects.get().last_error
