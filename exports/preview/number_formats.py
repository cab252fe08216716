"""Which number formats show a date, a time or a duration, and how such a number reads (ECMA-376-1, 18.8.30)."""

import math
import re
from datetime import datetime, timedelta
from typing import Final

DATE: Final = "date"
TIME: Final = "time"
DATE_TIME: Final = "date and time"
DURATION: Final = "duration"

BUILT_IN: Final = {
    **dict.fromkeys([*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58], DATE),
    **dict.fromkeys([18, 19, 20, 21, 32, 33, 34, 35, 45, 47, 55, 56], TIME),
    22: DATE_TIME,
    46: DURATION,
}
EPOCH_1900: Final = datetime(1899, 12, 30)
EPOCH_1904: Final = datetime(1904, 1, 1)
# Spreadsheets count a 29th of February 1900, which never was, so days before the first of March are one more.
FIRST_RIGHT_DAY: Final = 61
LAST_DAY: Final = 2_958_465
# Parts of a number format in quotes, in brackets or after a backslash. An unclosed one matches to the end of the text:
# a pattern that requires the closing sign takes quadratic time (minutes) on many opening ones.
QUOTED: Final = re.compile(r'"[^"]*"?|[\\_*].')
ELAPSED: Final = re.compile(r"\[(?:h+|m+|s+)\]", re.I)
BRACKETED: Final = re.compile(r"\[[^\]]*\]?")
CLOCK_MARK: Final = re.compile(r"am/pm|a/p|上午/下午", re.I)
RUNS: Final = re.compile(r"d+|y+|m+|h+|s+")
WORDS_THAT_ARE_NO_DATE: Final = re.compile(r"general|standard")
# Excel takes 255 characters.
MAX_CODE_LENGTH: Final = 1000


def classify_format(number: int, code: str = "") -> str:
    """Returns DATE, TIME, DATE_TIME, DURATION, or "" for a format of plain numbers. `code`: where it has its own."""
    if not code:
        return BUILT_IN.get(number, "")
    # The first section is for positive numbers.
    code = QUOTED.sub("", code[:MAX_CODE_LENGTH]).partition(";")[0]
    if ELAPSED.search(code):
        return DURATION
    code = WORDS_THAT_ARE_NO_DATE.sub("", CLOCK_MARK.sub("h", BRACKETED.sub("", code)).lower())
    runs = RUNS.findall(code)
    has_time = any(run[0] in "hs" for run in runs)
    # `m` and `mm` are minutes after hours and before seconds, else months; three or more letters are always a month.
    has_date = any(
        run[0] in "dy" or (run[0] == "m" and (len(run) > 2 or not (before[:1] == "h" or after[:1] == "s")))
        for before, run, after in zip(["", *runs], runs, [*runs[1:], ""], strict=False)
    )
    return {(True, True): DATE_TIME, (True, False): DATE, (False, True): TIME}.get((has_date, has_time), "")


def format_number(value: str, kind: str, *, is_1904: bool) -> str:
    """Returns a number as the date, time or duration that it stands for; a text or a number out of range unchanged."""
    try:
        days = float(value)
    except ValueError:
        return value
    if not kind or not math.isfinite(days) or abs(days) > LAST_DAY + 1:
        return value
    if kind == DURATION:
        return _format_duration(days)
    seconds = round((days % 1) * 86400)
    whole = math.floor(days) + seconds // 86400
    clock = _format_clock(seconds % 86400)
    if kind == TIME or (kind == DATE_TIME and whole == 0 and not is_1904):
        return clock if days >= 0 else value
    day = _format_day(whole, is_1904=is_1904)
    if not day:
        return value
    return f"{day} {clock}" if seconds % 86400 else day


def _format_day(day: int, *, is_1904: bool) -> str:
    """The day with this number; "" for one that there is not."""
    if is_1904:
        return f"{EPOCH_1904 + timedelta(days=day):%Y-%m-%d}" if -1460 <= day <= LAST_DAY - 1462 else ""
    if not 1 <= day <= LAST_DAY:
        return ""
    if day == FIRST_RIGHT_DAY - 1:
        return "1900-02-29"
    return f"{EPOCH_1900 + timedelta(days=day + (day < FIRST_RIGHT_DAY)):%Y-%m-%d}"


def _format_clock(seconds: int) -> str:
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}"
    return f"{text}:{seconds % 60:02}" if seconds % 60 else text


def _format_duration(days: float) -> str:
    seconds = round(abs(days) * 86400)
    sign = "-" if days < 0 and seconds else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
