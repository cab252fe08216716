"""Which slow download gives way to whom, and what counts as slow."""

import pytest

from exports.queue.preemption import DEMANDED_BYTES_PER_SECOND, RunningMessage, SpeedMeter, choose_to_give_way

A, B, C, D, E = range(1, 6)


def download(
    name: str, team: int, *, slow: bool = True, slice_over: bool = False, gives_way: bool = False
) -> RunningMessage:
    return RunningMessage(name, "fetch", ((team, 10 * team, 1),), slow, slice_over, gives_way)


def four(team: int = A, **more: bool) -> list[RunningMessage]:
    return [download(f"{number}", team, **more) for number in range(4)]


def test_one_of_four_gives_way_at_once_to_another_team() -> None:
    assert len(choose_to_give_way(four(), {B: 1})) == 1


def test_another_team_with_many_gets_its_half() -> None:
    assert len(choose_to_give_way(four(), {B: 20})) == 2


def test_fast_downloads_go_on() -> None:
    assert choose_to_give_way(four(slow=False), {B: 5}) == []


def test_the_slow_one_of_several_gives_way() -> None:
    downloads = [download("fast", A, slow=False), download("slow", A), download("fast too", A, slow=False)]
    assert choose_to_give_way(downloads, {B: 2}) == ["slow"]


def test_nobody_gives_way_twice_for_one_that_waits() -> None:
    downloads = [download("going", A, gives_way=True), *four()[1:]]
    assert choose_to_give_way(downloads, {B: 1}) == []


@pytest.mark.parametrize("slice_over", [False, True])
def test_downloads_of_one_team_take_turns(slice_over: bool) -> None:
    assert len(choose_to_give_way(four(slice_over=slice_over), {A: 2})) == (2 if slice_over else 0)


@pytest.mark.parametrize("slice_over", [False, True])
def test_the_only_one_of_a_team_gives_way_after_its_turn_and_only_to_a_team_that_has_none(slice_over: bool) -> None:
    downloads = [download(str(team), team, slice_over=slice_over) for team in (A, B, C, D)]
    assert len(choose_to_give_way(downloads, {E: 2})) == (1 if slice_over else 0)


def test_a_team_gives_way_to_none_that_has_as_many() -> None:
    downloads = [download("a", A, slice_over=True), download("b", B, slow=False)]
    assert choose_to_give_way(downloads, {B: 1}) == []


def test_it_is_taken_from_the_team_with_the_most() -> None:
    downloads = [download("b1", B), download("a1", A), download("a2", A), download("a3", A)]
    assert choose_to_give_way(downloads, {C: 1})[0].startswith("a")


def test_nobody_waits() -> None:
    assert choose_to_give_way(four(slice_over=True), {}) == []


def speeds(per_second: list[int]) -> list[bool]:
    """Whether a download is slow after each second in which it receives so many bytes."""
    meter, received, found = SpeedMeter(), 0, []
    meter.is_slow(100.0, 0)
    for second, number in enumerate(per_second, 1):
        received += number
        found.append(meter.is_slow(100.0 + second, received))
    return found


def test_the_speed_is_the_average_of_the_last_seconds() -> None:
    enough = DEMANDED_BYTES_PER_SECOND
    assert speeds([40] * 8) == [False, *[True] * 7]
    assert not any(speeds([enough] * 20))
    assert not any(speeds([0, 4 * enough] * 10)), "in bursts"
    assert speeds([20 * enough] + [0] * 20)[-1], "a burst at the beginning buys no hours"
    assert not speeds([0] * 10 + [2 * enough] * 10)[-1]


def test_a_download_that_waits_for_no_host_is_not_slow() -> None:
    """While a file is hashed or verified, no exchange is under way."""
    meter = SpeedMeter()
    for second in range(20):
        assert not meter.is_slow(100.0 + second, None)
    meter.is_slow(120.0, 0)
    assert meter.is_slow(123.0, 0)
    assert not meter.is_slow(124.0, None)
