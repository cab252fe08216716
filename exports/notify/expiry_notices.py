"""The mail before retention deletes files that nobody downloaded: which, and when."""

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exports import languages
from exports.models import Export, Member, OutboxMessage
from exports.notify import figures
from exports.notify.delivery import Answer, NotDeliveredError
from exports.notify.figures import plain
from exports.notify.mail_body import build_mail
from exports.notify.mail_errors import Meaning, explain
from exports.notify.notification import MAX_NAME, WARNING, Fact, Notification
from exports.notify.page_urls import team_url

# In a mail's payload: the exports whose files go, how many there are, and when they go (`exporting.purge`).
EXPIRY: Final = "expiry"


def is_expiry_notice(message: OutboxMessage) -> bool:
    """Whether the message is such a mail; it has neither an event nor an export."""
    return message.event_id is None and EXPIRY in message.payload


def send(message: OutboxMessage) -> Answer:
    """Sends the mail. Raises NotDeliveredError, also where its person left the team, or no file is to go any more."""
    members = Member.objects.select_related("user", "team").filter(team=message.team_id, user=message.user_id)
    member = members.filter(user__is_active=True, user__email_confirmed=True).exclude(mail_scope="none").first()
    if member is None:
        raise NotDeliveredError("The person wants no mails of the team, or may get none.", final=True)
    rows = Export.objects.with_related().filter(pk__in=message.payload[EXPIRY]["exports"], team=message.team_id)
    exports = list(rows.filter(file__deleted_at=None, file__pinned_at=None).order_by("-pk"))
    if not exports:
        raise NotDeliveredError("Its files are pinned or deleted.", final=True)
    with languages.reader_language(member.user):
        why = _("You get this because you requested the exports, or own a team whose requester left.")
        mail = build_mail(_describe(message, member, exports), member.user.email, f"expiry-{message.pk}", why)
    try:
        mail.send()
    except Exception as error:
        problem = explain(error)
        raise NotDeliveredError(problem.text, final=problem.meaning is not Meaning.LATER) from None
    return Answer()


def _describe(message: OutboxMessage, member: Member, exports: list[Export]) -> Notification:
    payload = message.payload[EXPIRY]
    count, zone = payload["count"], figures.zone_named(member.user.time_zone)
    team = plain(member.team.name, MAX_NAME)
    day = figures.day(datetime.fromisoformat(payload["at"]), zone)
    facts = [
        Fact(f"#{export.pk}", f"{plain(export.file.name, 200)}, {figures.size(export.file.size)}")
        for export in exports
        if export.file is not None
    ]
    if more := count - len(payload["exports"]):
        facts.append(Fact(_("And more"), str(more)))
    title = ngettext("%(n)s file will be deleted on %(day)s", "%(n)s files will be deleted on %(day)s", count)
    sentence = ngettext(
        "Nobody downloaded it, and the retention rule lets it go.",
        "Nobody downloaded them, and the retention rule lets them go.",
        count,
    )
    return Notification(
        WARNING,
        _("Retention"),
        title % {"n": count, "day": day},
        (sentence, _("Download or pin what you need. The history of the exports stays.")),
        tuple(facts),
        team,
        team_url(member.team, f"exports/{exports[0].pk}/" if count == 1 else "settings/retention/"),
        _("Open export") if count == 1 else _("Open retention"),
    )
