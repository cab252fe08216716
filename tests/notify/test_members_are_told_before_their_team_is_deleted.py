"""All members get one mail when their team is to be deleted, unless it is kept meanwhile."""

import pytest
from django.core import mail

from exports.exporting.team_deletion import keep_team, request_deletion
from exports.models import OutboxMessage
from exports.notify import deletion_notices, outbox
from exports.notify.delivery import NotDeliveredError
from exports.queue import deliveries
from tests.helpers.cast import Cast


def test_each_member_gets_one_mail_with_the_day(cast: Cast) -> None:
    assert deletion_notices.create_due() == 0
    request_deletion(cast.team, cast.owner.user, "The Team")
    assert deletion_notices.create_due() == 1
    assert deletion_notices.create_due() == 0
    deliveries.reserve(9)
    for pk in OutboxMessage.objects.order_by("pk").values_list("pk", flat=True):
        outbox.deliver(pk)
    people = [cast.owner, cast.member, cast.viewer]
    assert sorted(sent.to[0] for sent in mail.outbox) == sorted(member.user.email for member in people)
    bodies = {sent.to[0]: str(sent.body) for sent in mail.outbox}
    assert all("The Team is deleted on" in sent.subject for sent in mail.outbox)
    assert "You can keep the team until then." in bodies[cast.owner.user.email]
    assert "An owner of the team can keep it" in bodies[cast.viewer.user.email]


def test_a_team_that_is_kept_meanwhile_is_not_told_of(cast: Cast) -> None:
    team = request_deletion(cast.team, cast.owner.user, "The Team")
    deletion_notices.create_due()
    keep_team(team, cast.owner.user)
    with pytest.raises(NotDeliveredError) as refused:
        deletion_notices.send(OutboxMessage.objects.order_by("pk")[0])
    assert refused.value.final
    assert mail.outbox == []
