"""An export that waits for another of its project makes no call, so it takes no place in the provider's limit."""

from collections.abc import Callable

import pytest

from exports import states
from exports.engine import clock, end
from exports.models import Allowance, Export
from exports.providers.playcanvas import PlayCanvas
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import ask, step

At = Callable[[str], str]
A_MINUTE = 5  # what PlayCanvas allows


def test_those_who_waited_go_as_soon_as_the_other_is_answered(cast: Cast, box: Sandbox, at: At) -> None:
    project = cast.project("playcanvas", at("playcanvas"))
    first, *others = [ask(project, cast.member, "archive", allow_twin=True) for _ in range(A_MINUTE + 1)]
    Export.objects.filter(pk=first.pk).update(asked_at=clock.now())  # its answer is on its way
    waited = [step(one) for one in others for _ in range(3)]
    assert {one.status for one in waited} == {states.WAITING}
    assert f"Waits for export {first.pk}" in waited[0].wait_note
    assert box.jobs("playcanvas", "100001") == 0

    end.cancel(Export.objects.get(pk=first.pk), actor="x@example.org", source="person")
    assert [step(one).status for one in others] == [states.PROCESSING] * A_MINUTE
    assert box.jobs("playcanvas", "100001") == A_MINUTE


def test_a_place_in_the_limit_is_kept_until_the_other_is_answered(cast: Cast, box: Sandbox, at: At) -> None:
    project = cast.project("playcanvas", at("playcanvas"))
    exports = [ask(project, cast.member, "archive", allow_twin=True) for _ in range(A_MINUTE + 2)]
    for export in exports[:-1]:
        step(export)
    late = Export.objects.get(pk=exports[A_MINUTE].pk)
    assert late.ticket is not None
    Export.objects.filter(pk=exports[-1].pk).update(asked_at=clock.now())  # its answer is on its way

    waits = step(late)
    assert f"Waits for export {exports[-1].pk}" in waits.wait_note
    assert waits.ticket == late.ticket


def test_a_place_is_used_up_when_the_request_leaves(
    cast: Cast, box: Sandbox, at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    export = ask(cast.project("playcanvas", at("playcanvas")), cast.member, "archive")
    now = clock.now()
    of_now = {
        "limit": A_MINUTE, "seconds": 60, "window": 1000, "opened_at": now, "started_at": now, "issued": 5005
    }  # fmt: skip
    Allowance.objects.create(credential=export.project.credential, rate_class="strict", **of_now)
    Export.objects.filter(pk=export.pk).update(ticket=5000)
    monkeypatch.setattr(PlayCanvas, "submit", dies)
    with pytest.raises(KeyboardInterrupt):
        step(export)
    export.refresh_from_db()
    assert export.asked_at is not None
    assert export.ticket is None, "looking for the job is counted in another class, where 5000 is far ahead"
