"""What lists and the home say of days: how long ago, and until when."""

from datetime import datetime

from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def ago(at: datetime | None) -> str:
    """How long ago, coarsely: a page that stays open shall not change by the clock alone."""
    if at is None:
        return "never"
    days = (timezone.localdate() - timezone.localtime(at).date()).days
    return "today" if days <= 0 else "yesterday" if days == 1 else f"{days} days ago"


@register.filter
def day(at: datetime) -> str:
    """A day, in the zone of whoever reads; the year where it is another one."""
    at = timezone.localtime(at)
    return f"{at.day} {at:%b}" if at.year == timezone.localdate().year else f"{at.day} {at:%b %Y}"


@register.filter
def is_old(at: datetime | None) -> bool:
    """Whether a copy is older than a month."""
    return at is None or (timezone.now() - at).days > 30
