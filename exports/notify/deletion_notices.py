"""The mail to a team's members when it is to be deleted: until when it can be kept, and what goes."""

from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from exports import clock, languages
from exports.models import Member, OutboxMessage, Team, User
from exports.models.outbox import MAIL, recipient_key
from exports.models.team import OWNER
from exports.notify import figures
from exports.notify.delivery import Answer, NotDeliveredError
from exports.notify.figures import plain
from exports.notify.mail_body import build_mail
from exports.notify.mail_errors import Meaning, explain
from exports.notify.notification import MAX_NAME, WARNING, Notification
from exports.notify.page_urls import team_url

# In a mail's payload: the moment of the deletion that it tells.
DELETION: Final = "deletion"


def create_due() -> int:
    """Queues mails to all members of each team that is to be deleted and was not told. Returns how many teams."""
    now = clock.now()
    with transaction.atomic():
        rows = Team.objects.select_for_update(skip_locked=True, of=("self",))
        teams = list(rows.filter(deletes_at__gt=now, deletion_notified_at=None).order_by("pk"))
        Team.objects.filter(pk__in=[team.pk for team in teams]).update(deletion_notified_at=now)
        OutboxMessage.objects.bulk_create(
            OutboxMessage(
                team=team,
                user=user,
                kind=MAIL,
                key="team-deletion",
                payload={DELETION: _moment(team)},
                recipient=recipient_key(user.email),
                due_at=now,
                host=MAIL,
            )
            for team in teams
            for user in User.objects.filter(member__team=team).order_by("pk")
        )
    return len(teams)


def is_deletion_notice(message: OutboxMessage) -> bool:
    """Whether the message is such a mail; it has neither an event nor an export."""
    return message.event_id is None and message.export_id is None and DELETION in message.payload


def send(message: OutboxMessage) -> Answer:
    """Sends the mail. Raises NotDeliveredError, also where the team is kept now or the person is not a member."""
    rows = Member.objects.select_related("team", "user")
    member = rows.filter(
        team=message.team_id, user=message.user_id, user__is_active=True, user__email_confirmed=True
    ).first()
    if member is None or _moment(member.team) != message.payload[DELETION]:
        raise NotDeliveredError("The team is kept, or its member may get no mails.", final=True)
    with languages.reader_language(member.user):
        mail = build_mail(
            _describe(member), member.user.email, f"team-deletion-{message.pk}", _("You get this as a member.")
        )
    try:
        mail.send()
    except Exception as error:
        problem = explain(error)
        raise NotDeliveredError(problem.text, final=problem.meaning is not Meaning.LATER) from None
    return Answer()


def _moment(team: Team) -> str:
    return team.deletes_at.isoformat() if team.deletes_at is not None else ""


def _describe(member: Member) -> Notification:
    team = member.team
    assert team.deletes_at is not None  # noqa: S101  for the type checker
    day = figures.day(team.deletes_at, figures.zone_named(member.user.time_zone))
    keep = (
        _("You can keep the team until then.")
        if member.role == OWNER
        else _("An owner of the team can keep it until then.")
    )
    return Notification(
        WARNING,
        _("Team"),
        _("%(team)s is deleted on %(day)s") % {"team": plain(team.name, MAX_NAME), "day": day},
        (_("Its files, credentials and schedules go for good. Download before what you need."), keep),
        (),
        plain(team.name, MAX_NAME),
        team_url(team),
        _("Open team"),
    )
