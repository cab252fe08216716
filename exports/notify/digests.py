"""Daily digests: one message a day to an alert's address, at an hour of the team's time zone, if something happened."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import clock
from exports.models import Alert, Credential, Event
from exports.models import event as events
from exports.models.alert import DAILY
from exports.notify import alert_rules, figures
from exports.notify.notification import BAD, GOOD, MAX_NAME, WARNING, Fact, Notification, heading
from exports.notify.page_urls import team_url

DIGEST_HOUR: Final = 8
# An event's time is set shortly before its transaction is committed.
GRACE: Final = timedelta(minutes=2)
DIGEST_KEY: Final = "digest"
MAX_NAMED: Final = 8
MAX_SUBJECT: Final = 60
# In the order of the message, the worst first.
LABELS: Final = {
    events.EXPORT_FAILED: _l("Failed"),
    events.FILE_DAMAGED: _l("Damaged files"),
    events.CREDENTIAL_REFUSED: _l("Rejected credentials"),
    events.SCHEDULE_DISABLED: _l("Stopped schedules"),
    events.PROJECT_OVERDUE: _l("Late"),
    events.FILE_CHANGED_ODDLY: _l("Unusual"),
    events.TEAM_QUOTA: _l("Storage"),
    events.EXPORT_CANCELED: _l("Canceled"),
    events.PROJECT_FRESH: _l("Fresh again"),
    events.EXPORT_SUCCEEDED: _l("Succeeded"),
}
TONES: Final = {
    **dict.fromkeys((events.EXPORT_SUCCEEDED, events.PROJECT_FRESH, events.EXPORT_CANCELED), GOOD),
    **dict.fromkeys((events.PROJECT_OVERDUE, events.FILE_CHANGED_ODDLY, events.TEAM_QUOTA), WARNING),
}


def create_due() -> int:
    """Queues the digests whose hour has come. Returns how many. However often and wherever it runs: one a day each."""
    now = clock.now() - GRACE
    alerts = Alert.objects.filter(digest=DAILY, enabled=True).select_related("team")
    return sum(_create(alert, last_digest_time(figures.zone_named(alert.team.time_zone), now)) for alert in alerts)


def last_digest_time(zone: ZoneInfo, now: datetime) -> datetime:
    """The latest DIGEST_HOUR of the zone that is not after `now`."""
    today = now.astimezone(zone).date()
    at = datetime.combine(today, time(DIGEST_HOUR), zone)
    return at if at <= now else datetime.combine(today - timedelta(days=1), time(DIGEST_HOUR), zone)


def _create(alert: Alert, until: datetime) -> bool:
    since = alert.digest_sent_at or alert.created_at
    if since >= until:
        return False
    with transaction.atomic():
        rows = Alert.objects.filter(pk=alert.pk, digest_sent_at=alert.digest_sent_at, digest=DAILY, enabled=True)
        # Of processes that do this at the same time, one finds the row as it was read.
        if not rows.update(digest_sent_at=until) or not _events_of(alert, since, until).exists():
            return False
        key = f"{DIGEST_KEY}-{until:%Y-%m-%d}"
        alert_rules.new_message(alert, key=key, since=since.isoformat(), until=until.isoformat()).save()
    return True


def _events_of(alert: Alert, since: datetime, until: datetime) -> QuerySet[Event]:
    return Event.objects.filter(team=alert.team_id, type__in=alert.events, at__gt=since, at__lte=until)


def digest_notification(alert: Alert, since: datetime, until: datetime, zone: ZoneInfo) -> Notification | None:
    """What happened between two times; None where all of it was deleted since."""
    rows = _events_of(alert, since, until).select_related("project", "export__project__credential")
    by_type: dict[str, list[str]] = {}
    for event in rows.order_by("pk").iterator(chunk_size=500):
        subjects = by_type.setdefault(event.type, [])
        subjects.append(_subject(event) if len(subjects) < MAX_NAMED else "")
    if not by_type:
        return None
    facts = [Fact(str(label), _names(by_type[word])) for word, label in LABELS.items() if word in by_type]
    counts = [f"{len(by_type[word])} {str(label).lower()}" for word, label in LABELS.items() if word in by_type]
    tones = {TONES.get(word, BAD) for word in by_type}
    name = figures.plain(alert.team.name, MAX_NAME)
    names = {"team": name, "day": figures.day(until, zone)}
    return Notification(
        next(tone for tone in (BAD, WARNING, GOOD) if tone in tones),
        _("Daily digest"),
        _("%(team)s, the day until %(day)s") % names,
        (", ".join(counts).capitalize() + ".",),
        tuple(facts),
        name,
        team_url(alert.team),
        _("Open the team's home"),
    )


def _subject(event: Event) -> str:
    """What an event is about, in a few words."""
    if event.type.startswith(("export.", "file.")) and event.export:
        return f"{figures.shorten(heading(event.export), MAX_SUBJECT)} (#{event.export.pk})"
    if event.project:
        return figures.plain(event.project, MAX_SUBJECT)
    if percent := event.data.get("percent"):
        return f"{percent} %"
    if key := event.data.get("credential_id"):
        return figures.plain(Credential.objects.filter(pk=key).first() or "", MAX_SUBJECT)
    return ""


def _names(subjects: list[str]) -> str:
    named = [subject for subject in subjects if subject]
    rest = len(subjects) - len(named)
    if not named:
        return str(rest)
    return ", ".join(named) + (_(" and %(count)s more") % {"count": rest} if rest else "")
