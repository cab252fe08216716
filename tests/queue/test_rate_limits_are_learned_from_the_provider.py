"""Limits that the provider reports apply before the first export, and calls for a person count in them."""

from collections.abc import Callable, Iterator

import pytest

from exports import states
from exports.credentials import service
from exports.models import RateWindow
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, take_step

OriginOf = Callable[[str], str]


@pytest.fixture
def paid(sandbox: Sandbox) -> Iterator[Sandbox]:
    """Stand-ins that allow twice what is published."""
    sandbox.settings(limits=2)
    yield sandbox
    sandbox.settings(limits="off")


def test_testing_a_credential_learns_a_paid_plans_limits(cast: Cast, paid: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    assert service.check_credential(project.credential).ok
    assert {row.rate_class: row.limit for row in RateWindow.objects.all()} == {"normal": 240, "strict": 10}
    taken = [take_step(request_export(project, cast.member, "archive", allow_duplicate=True)).status for _ in range(11)]
    assert (taken.count(states.PROCESSING), taken[-1]) == (10, states.WAITING)
    assert paid.ledger()["rate_limited"].get(ARCHIVES, 0) == 0


def test_a_plan_that_allows_less_is_learned_too(cast: Cast, paid: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    service.check_credential(project.credential)
    paid.settings(limits=1)
    service.check_credential(project.credential)
    assert {row.rate_class: row.limit for row in RateWindow.objects.all()} == {"normal": 120, "strict": 5}


def test_requests_of_a_person_count_in_the_same_limit(
    cast: Cast, paid: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(ARCHIVES.provider), "limits", {"normal": (240, 60.0), "strict": (10, 60.0)})
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    take_step(take_step(request_export(project, cast.member, "archive")))
    before = RateWindow.objects.get(rate_class="normal").next_slot
    service.list_option_choices(project, "branch_id")
    assert RateWindow.objects.get(rate_class="normal").next_slot > before
