"""Template tags of freshness and coverage: states as icon and word, and how many of a number are protected."""

from datetime import timedelta
from typing import Final

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from exports import clock
from exports.exporting.coverage import FRESH, GONE, NEVER, OVERDUE, UNPROTECTED
from exports.models import Project
from exports.templatetags.elements import tone_state
from exports.templatetags.times import format_duration

register = template.Library()

STATE_LABELS: Final = {
    UNPROTECTED: _l("Not protected"),
    OVERDUE: _l("Late"),
    NEVER: _l("Never exported"),
    GONE: _l("Gone"),
    FRESH: _l("Fresh"),
}
# Tone and icon of each state; a state is never shown by color alone.
STATE_DISPLAY: Final = {
    UNPROTECTED: ("warn", "shield"),
    OVERDUE: ("warn", "alert"),
    NEVER: ("", "min"),
    GONE: ("", "slash"),
    FRESH: ("good", "check"),
}


@register.simple_tag
def coverage_state(state: str, project: Project | None = None) -> SafeString:
    """Renders a state of coverage as icon and word; with an overdue `project`, by how long."""
    tone, icon_name = STATE_DISPLAY[state]
    text = overdue_by(project) if state == OVERDUE and project is not None else str(STATE_LABELS[state])
    return tone_state(tone, text, icon_name)


@register.filter
def overdue_by(project: Project) -> str:
    """Returns how long a project has been overdue: "Late by 2 d"; "" where it is not."""
    if project.good_until is None or not project.is_overdue:
        return ""
    late = clock.now() - project.good_until
    # In one unit: it grows all the time.
    unit = next((unit for unit in (timedelta(days=1), timedelta(hours=1)) if late >= unit), timedelta(minutes=1))
    return _("Late by %(duration)s") % {"duration": format_duration(max(late // unit, 1) * unit)}


@register.filter
def hours(count: int | None) -> str:
    """Returns hours as days where they are whole days: "26 h", "7 d"; "" for None."""
    return format_duration(timedelta(hours=count)) if count is not None else ""
