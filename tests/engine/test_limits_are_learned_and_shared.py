"""What the provider says it allows is believed before the first export, and a person's look counts like a worker's."""

from collections.abc import Callable, Iterator

import pytest

from exports import states
from exports.engine import keep
from exports.models import Allowance
from exports.providers.playcanvas import PlayCanvas
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import ask, step

At = Callable[[str], str]


@pytest.fixture
def paid(box: Sandbox) -> Iterator[Sandbox]:
    """Stand-ins that allow twice what is published."""
    box.settings(limits=2)
    yield box
    box.settings(limits="off")


def test_testing_a_credential_learns_a_paid_plans_limits(cast: Cast, paid: Sandbox, at: At) -> None:
    project = cast.project("playcanvas", at("playcanvas"))
    assert keep.check_credential(project.credential).ok
    assert {row.rate_class: row.limit for row in Allowance.objects.all()} == {"normal": 240, "strict": 10}
    taken = [step(ask(project, cast.member, "archive", allow_twin=True)).status for _ in range(11)]
    assert (taken.count(states.PROCESSING), taken[-1]) == (10, states.WAITING)
    assert paid.ledger()["rate_limited"].get("playcanvas", 0) == 0


def test_a_plan_that_allows_less_is_learned_too(cast: Cast, paid: Sandbox, at: At) -> None:
    project = cast.project("playcanvas", at("playcanvas"))
    keep.check_credential(project.credential)
    paid.settings(limits=1)
    keep.check_credential(project.credential)
    assert {row.rate_class: row.limit for row in Allowance.objects.all()} == {"normal": 120, "strict": 5}


def test_a_persons_looks_leave_that_much_less_for_exports(
    cast: Cast, paid: Sandbox, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PlayCanvas, "limits", {"normal": (240, 60.0), "strict": (10, 60.0)})
    project = cast.project("playcanvas", at("playcanvas"))
    step(step(ask(project, cast.member, "archive")))
    before = Allowance.objects.get(rate_class="normal").issued
    keep.choices(project, "branch_id")
    assert Allowance.objects.get(rate_class="normal").issued > before
