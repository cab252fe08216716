"""Retention rules, over random histories: they never take the last good file or a pinned one, nor keep more than
they say.
"""

from datetime import UTC, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.storage.retention import Decision, KeptFile, Rule, decide

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")]
number = st.none() | st.integers(1, 5)
rules = st.builds(
    Rule,
    keep_last=number,
    keep_days=st.none() | st.integers(1, 400),
    keep_daily=number,
    keep_weekly=number,
    keep_monthly=number,
    max_bytes=st.none() | st.integers(1, 300),
)


@st.composite
def histories(choose: st.DrawFn) -> list[KeptFile]:
    """Files of some projects over two years, by group, in each the newest first."""
    hours = st.integers(0, 2 * 366 * 24)
    rows = choose(
        st.lists(st.tuples(hours, st.integers(1, 2), st.sampled_from(["csv", "xlsx"]), st.integers(0, 50)), max_size=40)
    )
    marks = choose(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=len(rows), max_size=len(rows)))
    files = [
        KeptFile(id_, id_, project, "orders", format_, size, NOW - timedelta(hours=age), pinned and damaged, damaged)
        for id_, ((age, project, format_, size), (pinned, damaged)) in enumerate(zip(rows, marks, strict=True), 1)
    ]
    return sorted(files, key=lambda file: (*file.group, NOW - file.at, -file.id))


def last_good_files(files: list[KeptFile]) -> list[KeptFile]:
    groups = groupby((file for file in files if not file.damaged), key=lambda file: file.group)
    return [next(group) for _, group in groups]


def decided(files: list[KeptFile], rule: Rule, zone: ZoneInfo = ZONES[0]) -> dict[int, Decision]:
    decisions = list(decide(files, rule, NOW, zone))
    assert sorted(one.file.id for one in decisions) == sorted(file.id for file in files)
    return {one.file.id: one for one in decisions}


@given(histories(), rules, st.sampled_from(ZONES))
def test_no_rule_takes_a_pinned_file_or_the_last_good_one(files: list[KeptFile], rule: Rule, zone: ZoneInfo) -> None:
    found = decided(files, rule, zone)
    assert not any(found[file.id].goes for file in files if file.pinned)
    assert not any(found[file.id].goes for file in last_good_files(files))


@given(histories(), rules, st.sampled_from(ZONES))
def test_never_more_is_kept_than_the_rule_says(files: list[KeptFile], rule: Rule, zone: ZoneInfo) -> None:
    found = decided(files, rule, zone)
    if rule.keeping:
        places = sum(getattr(rule, name) or 0 for name in ("keep_last", "keep_daily", "keep_weekly", "keep_monthly"))
        for _, group in groupby(files, key=lambda file: file.group):
            counted = [file for file in group if not file.damaged and not file.pinned]
            young = sum(file.at > NOW - timedelta(days=rule.keep_days or 0) for file in counted)
            kept = sum(not found[file.id].goes for file in counted)
            assert kept <= places + young + 1
    if rule.max_bytes is not None:
        kept_files = [file for file in files if not found[file.id].goes and not file.pinned]
        protected = {file.id for file in last_good_files(files)}
        if sum(file.size for file in kept_files) > rule.max_bytes:
            assert {file.id for file in kept_files} <= protected


@given(histories(), rules, st.sampled_from(ZONES))
def test_what_one_number_keeps_the_rule_keeps(files: list[KeptFile], rule: Rule, zone: ZoneInfo) -> None:
    without_bytes = Rule(rule.keep_last, rule.keep_days, rule.keep_daily, rule.keep_weekly, rule.keep_monthly)
    found = decided(files, without_bytes, zone)
    kept = {id_ for id_, one in found.items() if not one.goes}
    alone = [decided(files, Rule(**{name: getattr(rule, name)}), zone) for name in rule.keeping]
    if alone:
        assert kept == {id_ for each in alone for id_, one in each.items() if not one.goes}
    else:
        assert kept == set(found)


@given(histories(), rules)
def test_the_oldest_go_first_where_bytes_are_too_many(files: list[KeptFile], rule: Rule) -> None:
    found = decided(files, rule)
    taken = [file for file in files if found[file.id].rule == "max_bytes"]
    for file in files:
        if any(other.at > file.at for other in taken) and not found[file.id].goes and not file.pinned:
            assert file in last_good_files(files)


def series(*ages_in_hours: int) -> list[KeptFile]:
    return [
        KeptFile(id_, id_, 1, "orders", "csv", 10, NOW - timedelta(hours=age))
        for id_, age in enumerate(ages_in_hours, 1)
    ]


@pytest.mark.parametrize(
    ("rule", "kept"),
    [
        (Rule(), [1, 2, 3, 4, 5]),
        (Rule(keep_last=2), [1, 2]),
        (Rule(keep_days=2), [1, 2, 3]),
        (Rule(keep_daily=2), [1, 3]),
        (Rule(keep_weekly=2), [1, 3]),
        (Rule(keep_monthly=5), [1, 5]),
        (Rule(max_bytes=25), [1, 2]),
        (Rule(keep_last=4, max_bytes=5), [1]),
        (Rule(keep_last=2, keep_weekly=3), [1, 2, 3, 5]),
    ],
)
def test_each_number_keeps_its_files(rule: Rule, kept: list[int]) -> None:
    # Two on a Monday, one on the Sunday before, one on the Tuesday before that, one in October.
    files = [
        KeptFile(id_, id_, 1, "orders", "csv", 10, at)
        for id_, at in enumerate(
            [
                datetime(2026, 11, 30, 11, tzinfo=UTC),
                datetime(2026, 11, 30, 6, tzinfo=UTC),
                datetime(2026, 11, 29, 11, tzinfo=UTC),
                datetime(2026, 11, 24, 3, tzinfo=UTC),
                datetime(2026, 10, 20, 3, tzinfo=UTC),
            ],
            1,
        )
    ]
    found = decided(files, rule)
    assert [id_ for id_ in sorted(found) if not found[id_].goes] == kept


def test_days_are_those_of_the_teams_time_zone() -> None:
    late, early = datetime(2026, 11, 29, 19, tzinfo=UTC), datetime(2026, 11, 29, 17, tzinfo=UTC)
    files = [KeptFile(1, 1, 1, "orders", "csv", 1, late), KeptFile(2, 2, 1, "orders", "csv", 1, early)]
    # In Kathmandu (UTC+5:45) the first one came on the 30th.
    assert decided(files, Rule(keep_daily=2), ZoneInfo("Asia/Kathmandu"))[2].goes is False
    assert decided(files, Rule(keep_daily=2), ZoneInfo("UTC"))[2].goes is True


def test_a_pinned_file_takes_no_place() -> None:
    files = series(1, 2, 3)
    files[1] = KeptFile(2, 2, 1, "orders", "csv", 10, files[1].at, pinned=True)
    found = decided(files, Rule(keep_last=2))
    assert [found[id_].goes for id_ in (1, 2, 3)] == [False, False, False]


def test_a_damaged_file_takes_no_place_of_a_good_one() -> None:
    files = [KeptFile(1, 1, 1, "orders", "csv", 10, NOW, damaged=True), *series(1, 2)]
    files = [files[0], *(KeptFile(n, n, 1, "orders", "csv", 10, file.at) for n, file in enumerate(files[1:], 2))]
    found = decided(files, Rule(keep_last=1))
    assert [found[id_].goes for id_ in (1, 2, 3)] == [False, False, True]


def test_the_numbers_by_which_a_file_goes_are_named() -> None:
    found = decided(series(1, 2000), Rule(keep_last=1, keep_days=30))
    assert found[2].rule == "keep_last, keep_days"
    assert decided(series(1, 2000), Rule(max_bytes=1))[2].rule == "max_bytes"


def test_a_file_that_only_its_days_keep_says_when_it_goes() -> None:
    found = decided(series(1, 24, 48), Rule(keep_last=2, keep_days=30))
    assert [found[id_].expires_at for id_ in (1, 2)] == [None, None]
    assert found[3].expires_at == NOW - timedelta(hours=48) + timedelta(days=30)
