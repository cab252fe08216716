"""Mails to people about events: to who asked for an export, and to members who chose to hear of more."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from django.utils.translation import gettext as _

from exports import languages, states
from exports.models import Event, Export, File, Member, OutboxMessage, User
from exports.models import event as events
from exports.models.outbox import MAIL, recipient_key
from exports.notify import figures, mail_choices, texts
from exports.notify.delivery import Answer, NotDeliveredError
from exports.notify.mail_body import build_mail
from exports.notify.mail_errors import Meaning, explain
from exports.storage import places

# In a mail's payload: the mail server found it too large, so it goes without its file, and as text alone.
WITHOUT_FILE: Final = "without_file"
EVENT_OF_STATUS: Final = {
    states.SUCCEEDED: events.EXPORT_SUCCEEDED,
    states.FAILED: events.EXPORT_FAILED,
    states.CANCELED: events.EXPORT_CANCELED,
}
NO_RECIPIENT: Final = "The user is no longer in the team, or the address is not confirmed."


def messages_of(event: Event) -> list[OutboxMessage]:
    """A mail for each person who wants to be told of the event; not saved.

    The team's members with their users are loaded: `event.team.member_set.all()`.
    """
    return [_new_message(event, user) for user in recipients(event)]


def recipients(event: Event) -> Iterator[User]:
    """Who wants to be mailed the event: members by their choice, and who asked for the export.

    Who asked may have left the team; then sending refuses, and the export's page says why no mail came.
    """
    concerned = _concerned_user(event)
    members = list(event.team.member_set.all())
    if concerned is not None and all(member.user_id != concerned.pk for member in members):
        members.append(Member(team=event.team, user=concerned))
    for member in members:
        is_concerned = concerned is not None and member.user_id == concerned.pk
        if (member.user.is_active or is_concerned) and mail_choices.wants(member, event, is_concerned):
            yield member.user


def _concerned_user(event: Event) -> User | None:
    """Whose export or schedule the event is about."""
    if event.type == events.SCHEDULE_DISABLED:
        schedule = texts.schedule_of(event)
        return schedule.owner if schedule else None
    is_about_export = event.type.startswith(("export.", "file."))
    return event.export.user if is_about_export and event.export else None


def _new_message(event: Event, user: User) -> OutboxMessage:
    is_end = event.type in EVENT_OF_STATUS.values() and event.export is not None
    return OutboxMessage(
        team_id=event.team_id,
        export=event.export,
        event=event,
        user=user,
        kind=MAIL,
        key=event.export.status if is_end and event.export else event.type,
        recipient=recipient_key(user.email),
        host=MAIL,
        due_at=event.at,
    )


def send(message: OutboxMessage) -> Answer:
    """Sends the mail; once more as small as it can be where the mail server finds it too large.

    Raises NotDeliveredError.
    """
    event = event_of(message)
    user = message.user or (event.export.user if event.export else None)
    rows = Member.objects.select_related("team").filter(user__is_active=True, user__email_confirmed=True)
    member = rows.filter(team=message.team_id, user=user).first()
    if user is None or member is None:
        raise NotDeliveredError(NO_RECIPIENT, final=True)
    is_small = WITHOUT_FILE in message.payload
    with languages.reader_language(user):
        mail = _build(message, event, user, member, None if is_small else _small_file(event))
    if is_small:
        mail.alternatives.clear()
    try:
        mail.send()
    except Exception as error:
        problem = explain(error)
        if is_small or problem.meaning is not Meaning.TOO_LARGE:
            raise NotDeliveredError(problem.text, final=problem.meaning is not Meaning.LATER) from None
        # Noted first, so that a later attempt does not send the file again.
        message.payload = {**message.payload, WITHOUT_FILE: True}
        message.save(update_fields=["payload"])
        return send(message)
    return Answer()


def event_of(message: OutboxMessage) -> Event:
    """The event that the message tells. Messages from before there were events are about the end of an export."""
    rows = Event.objects.select_related(
        "team", "project__credential", "export__team", "export__user", "export__file", "export__project__credential"
    )
    if message.event_id is not None:
        return rows.get(pk=message.event_id)
    export = Export.objects.with_related().get(outboxmessage=message.pk)
    at = export.finished_at or timezone.now()
    return Event(team=export.team, type=EVENT_OF_STATUS[message.key], export=export, project=export.project, at=at)


def _build(
    message: OutboxMessage, event: Event, user: User, member: Member, file: File | None
) -> EmailMultiAlternatives:
    notification = texts.describe(event, figures.zone_named(user.time_zone))
    if event.type == events.EXPORT_SUCCEEDED and notification.sentences and event.export and event.export.file:
        note = _("Attached.") if file is not None else _("Download it from its page.")
        notification = replace(
            notification, sentences=(f"{notification.sentences[0]} {note}", *notification.sentences[1:])
        )
    mail = build_mail(notification, user.email, _message_id(message, event, user), _why(event, user, member))
    if file is not None:
        with places.readable(file).open("rb") as source:
            mail.attach(file.name, source.read(), file.content_type.partition(";")[0])
    return mail


def _small_file(event: Event) -> File | None:
    """The file to attach: that of an export that succeeded, while it is kept and small enough."""
    file = event.export.file if event.export and event.type == events.EXPORT_SUCCEEDED else None
    if file is None or file.size > settings.MAIL_ATTACHMENT_BYTES:
        return None
    try:
        return file if places.exists(file) else None
    except OSError:
        return None  # The mail goes all the same.


def _message_id(message: OutboxMessage, event: Event, user: User) -> str:
    """The same at each attempt, so that a mail sent twice is recognized as one (RFC 5322 §3.6.4)."""
    if event.export is not None and event.type in EVENT_OF_STATUS.values():
        other = "" if user.pk == event.export.user_id else f"-{user.pk}"
        return f"export-{event.export.pk}-{message.key}{other}"
    return f"event-{event.pk}-{user.pk}"


def _why(event: Event, user: User, member: Member) -> str:
    """Why the person gets the mail."""
    concerned = _concerned_user(event)
    if concerned is not None and concerned.pk == user.pk:
        if event.type == events.SCHEDULE_DISABLED:
            return _("You get this because the schedule is yours.")
        return _("You get this because you requested the export.")
    return _("You get this because you chose to hear of everything in %(team)s.") % {"team": member.team.name}
