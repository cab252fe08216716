"""Planned times: cron in a time zone, on the days on which clocks change too, and sentences for what is no cron."""

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest

from exports.exporting.planned_times import Plan, parse_zone
from exports.exporting.presets import parse_preset

ZONES = ("Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia")


def times(cron: str, zone: str, after: str, count: int = 3) -> list[str]:
    plan = Plan.parse(cron, parse_zone(zone))
    moments = plan.next_times(datetime.fromisoformat(after), count)
    return [moment.astimezone(plan.zone).strftime("%d.%m. %H:%M %z") for moment in moments]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        # 02:00 to 03:00 does not exist on 29 March.
        ("30 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", ["29.03. 03:00 +0200", "30.03. 02:30 +0200"]),
        ("*/20 2 * * *", "Europe/Paris", "2026-03-28T12:00Z", ["29.03. 03:00 +0200", "30.03. 02:00 +0200"]),
        ("0 */2 * * *", "Europe/Paris", "2026-03-28T23:00Z", ["29.03. 03:00 +0200", "29.03. 04:00 +0200"]),
        # 01:00 to 02:00 comes twice on 1 November.
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", ["01.11. 01:30 -0400", "02.11. 01:30 -0500"]),
        ("30 1 * * *", "America/New_York", "2026-11-01T05:45Z", ["02.11. 01:30 -0500", "03.11. 01:30 -0500"]),
        # By half an hour.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T00:00Z", ["04.10. 02:30 +1100", "05.10. 02:15 +1100"]),
        ("45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", ["05.04. 01:45 +1100", "06.04. 01:45 +1030"]),
        # Midnight does not exist on 29 March.
        ("@daily", "Asia/Beirut", "2026-03-28T12:00Z", ["29.03. 01:00 +0300", "30.03. 00:00 +0300"]),
        ("30 2 * * *", "Asia/Kathmandu", "2026-03-28T12:00Z", ["29.03. 02:30 +0545", "30.03. 02:30 +0545"]),
        # A whole day does not exist.
        ("0 12 * * *", "Pacific/Apia", "2011-12-30T00:00Z", ["31.12. 00:00 +1400", "31.12. 12:00 +1400"]),
        # Every hour that passes, where the hour is *.
        ("@hourly", "America/New_York", "2026-11-01T05:00Z", ["01.11. 01:00 -0500", "01.11. 02:00 -0500"]),
    ],
)
def test_clocks_that_change(cron: str, zone: str, after: str, expected: list[str]) -> None:
    assert times(cron, zone, after, 2) == expected


def test_the_last_day_of_the_month_and_the_29th_of_february() -> None:
    assert times("0 7 L * *", "UTC", "2026-01-31T08:00Z") == [
        "28.02. 07:00 +0000",
        "31.03. 07:00 +0000",
        "30.04. 07:00 +0000",
    ]
    assert times("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", 1) == ["29.02. 00:00 +0000"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/15 1-2 * 3,4,10,11 *", "@hourly", "0 0 L * *", "7 */5 1-7 * 2"])
def test_backwards_they_are_the_same(cron: str, zone: str) -> None:
    plan = Plan.parse(cron, parse_zone(zone))
    begin, end = datetime(2026, 1, 1, 3, 7, 30, 5, UTC), datetime(2026, 12, 31, 2, 30, tzinfo=UTC)
    forwards = list(takewhile(lambda at: at <= end, plan.after(begin)))
    backwards = list(takewhile(lambda at: at > begin, plan.until(end)))
    assert forwards == backwards[::-1]
    assert len(set(forwards)) == len(forwards) > 10


@pytest.mark.parametrize("zone", ZONES)
def test_it_does_not_matter_where_one_begins(zone: str) -> None:
    plan = Plan.parse("*/10 0-4 * * *", parse_zone(zone))
    begin = datetime(2026, 10, 24, tzinfo=UTC)
    for minutes in range(0, 3 * 1440, 7):
        at = begin + timedelta(minutes=minutes)
        first = next(plan.after(at))
        assert first == next(one for one in plan.after(at - timedelta(days=2)) if one > at)


@pytest.mark.parametrize(
    ("cron", "text"),
    [
        ("", "five fields"),
        ("0 2 * *", "here are 4"),
        ("0 0 2 * * *", "here are 6"),
        ("@yearly", "Choose from: @hourly, @daily, @weekly, @monthly."),
        ("60 * * * *", "“60” is no minute"),
        ("0 24 * * *", "“24” is no hour"),
        ("0 0 0 * *", "“0” is no day of the month"),
        ("0 0 ٣ * *", "is no day of the month"),
        ("0 0 * 13 *", "“13” is no month"),
        ("0 0 * * 8", "“8” is no day of the week"),
        ("*/0 * * * *", "is no minute"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6 *", "never comes"),
        ("0 2 * * " + ",".join("0123456" * 8), "at most 100 characters"),
    ],
)
def test_what_is_no_cron_expression_is_said(cron: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$") as caught:
        Plan.parse(cron, parse_zone("UTC"))
    assert text in str(caught.value)


@pytest.mark.parametrize("name", ["", "Europe", "Europe/Nowhere", "../zone.tab", "/etc/passwd", "zone.tab", "A\0B"])
def test_what_is_no_time_zone_is_said(name: str) -> None:
    with pytest.raises(ValueError, match="There is no time zone"):
        parse_zone(name)


@pytest.mark.parametrize(
    ("cron", "again"),
    [
        ("5 * * * *", "5 * * * *"),
        ("@daily", "0 0 * * *"),
        ("30 6 * * 1-5", "30 6 * * 1,2,3,4,5"),
        ("30 6 * * 7,1", "30 6 * * 1,0"),
        ("0 7 L * *", "0 7 L * *"),
        ("@monthly", "0 0 1 * *"),
    ],
)
def test_presets_are_found_in_expressions(cron: str, again: str) -> None:
    preset = parse_preset(cron)
    assert preset is not None
    assert preset.cron == again


@pytest.mark.parametrize("cron", ["*/5 * * * *", "0 2 1 * 1", "0 2 * 3 *", "5 * * * 1", "0 2 * * MON"])
def test_other_expressions_are_no_preset(cron: str) -> None:
    assert parse_preset(cron) is None
