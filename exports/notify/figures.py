"""Sizes, durations and times as messages write them: without markup, in the reader's time zone."""

import re
import unicodedata
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils import dateformat
from django.utils.translation import pgettext

from exports.units import number, size

__all__ = ["city", "day", "duration", "moment", "number", "plain", "shorten", "size", "zone_named"]

# Joins the parts of many emojis, and does nothing else.
ZERO_WIDTH_JOINER: Final = "\u200d"


def plain(text: object, limit: int = 300) -> str:
    """The text on one line, at most `limit` characters, without characters that nobody sees.

    Invisible ones (Unicode categories Cc, Cf, Cs, Co) can turn a text around or hide what it says.
    """
    visible = (
        letter if letter == ZERO_WIDTH_JOINER or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co") else " "
        for letter in str(text)[: limit * 4]
    )
    return shorten(re.sub(r"\s+", " ", "".join(visible)).strip(), limit)


def shorten(text: str, limit: int) -> str:
    """The text, or its beginning with an ellipsis, at most `limit` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def duration(seconds: float) -> str:
    """Seconds in their two largest units, as in "1 min 48 s"."""
    whole = round(seconds)
    units = (
        (whole // 86400, pgettext("days", "d")),
        (whole // 3600 % 24, "h"),
        (whole // 60 % 60, "min"),
        (whole % 60, "s"),
    )
    first = next((index for index, (count, _unit) in enumerate(units) if count), len(units) - 1)
    return " ".join(f"{count} {unit}" for count, unit in units[first : first + 2] if count) or "< 1 s"


def zone_named(name: str) -> ZoneInfo:
    """The time zone of this name; UTC where there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def city(zone: ZoneInfo) -> str:
    """The city that a time zone is named for, as in "Berlin"; "UTC" where it is named for none."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A time with its zone's city, as in "15:29, 29 Nov 2026 (Berlin)"."""
    local = at.astimezone(zone)
    return f"{local:%H:%M}, {day(at, zone)} ({city(zone)})"


def day(at: datetime, zone: ZoneInfo) -> str:
    """A day, as in "29 Nov 2026"."""
    return dateformat.format(at.astimezone(zone), pgettext("date", "j M Y"))
