"""A mail is in its reader's language, a message to a chat in the team's; both are English where none was chosen."""

import re

import pytest

from exports.models import Team, User
from exports.people import invitations, security
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.run_exports import deliver_due
from tests.helpers.smtp_inbox import SmtpInbox, text_of


@pytest.mark.parametrize(
    ("language", "subject", "sentence"),
    [
        ("fr", "Commandes de", "À vous d’agir"),
        ("en", "Orders of", "Your turn"),
        ("", "Orders of", "Your turn"),
    ],
)
def test_a_mail_about_an_export_is_in_the_language_of_who_asked(
    cast: Cast, postbox: SmtpInbox, language: str, subject: str, sentence: str
) -> None:
    User.objects.filter(pk=cast.member.user_id).update(language=language)
    factories.failed_export(cast, "credential", "The file is empty.")
    deliver_due()
    [mail] = postbox.mails
    assert str(mail["Subject"]).startswith(subject)
    for part in ("plain", "html"):
        text = text_of(mail, part)
        assert sentence in text
        assert ("Le fichier est vide." in text) == (language == "fr")


def test_a_security_mail_and_an_invitation_too(cast: Cast, postbox: SmtpInbox) -> None:
    User.objects.filter(pk=cast.member.user_id).update(language="fr")
    Team.objects.update(language="fr")
    user = User.objects.get(pk=cast.member.user_id)
    security.send_security_mail(user, "A recovery code was used.", "192.0.2.1")
    team = Team.objects.get(pk=cast.team.pk)
    invitation, _ = invitations.create_invitation(team, cast.owner.user, "viewer", "x@example.org")
    invitations.send_invitation(invitation, "https://portal.example.org/invitations/x/")
    notice, invited = map(text_of, postbox.mails)
    assert "Adresse IP" in notice
    assert re.search(r"comme\s+lecteur", invited)
