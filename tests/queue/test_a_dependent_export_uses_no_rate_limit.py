"""An export that waits for another of its project makes no call, so it uses no rate slot."""

from collections.abc import Callable

import pytest

from exports import clock, states
from exports.exporting import actions
from exports.models import Export, RateWindow
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, take_step

pytestmark = pytest.mark.postgresql

OriginOf = Callable[[str], str]
PER_MINUTE = 5  # the limit of its rate class `strict`


def test_exports_that_waited_are_sent_when_the_other_has_ended(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    first, *others = [
        request_export(project, cast.member, "archive", allow_duplicate=True) for _ in range(PER_MINUTE + 1)
    ]
    Export.objects.filter(pk=first.pk).update(request_sent_at=clock.now())  # its answer is on its way
    waited = [take_step(export) for export in others for _ in range(3)]
    assert {export.status for export in waited} == {states.WAITING}
    assert f"Waits for export {first.pk}" in waited[0].wait_note
    assert sandbox.jobs(ARCHIVES, "100001") == 0

    actions.cancel(Export.objects.get(pk=first.pk), actor="x@example.org", source="person")
    assert [take_step(export).status for export in others] == [states.PROCESSING] * PER_MINUTE
    assert sandbox.jobs(ARCHIVES, "100001") == PER_MINUTE


def test_a_rate_slot_is_kept_until_the_other_is_answered(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    exports = [request_export(project, cast.member, "archive", allow_duplicate=True) for _ in range(PER_MINUTE + 2)]
    for export in exports[:-1]:
        take_step(export)
    late = Export.objects.get(pk=exports[PER_MINUTE].pk)
    assert late.rate_slot is not None
    Export.objects.filter(pk=exports[-1].pk).update(request_sent_at=clock.now())  # its answer is on its way

    waits = take_step(late)
    assert f"Waits for export {exports[-1].pk}" in waits.wait_note
    assert waits.rate_slot == late.rate_slot


def test_a_rate_slot_is_used_up_when_the_request_leaves(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    now = clock.now()
    fields = {
        "limit": PER_MINUTE, "seconds": 60, "window": 1000, "opened_at": now, "started_at": now, "next_slot": 5005
    }  # fmt: skip
    RateWindow.objects.create(credential=export.project.credential, rate_class="strict", **fields)
    Export.objects.filter(pk=export.pk).update(rate_slot=5000)
    monkeypatch.setattr(type(ARCHIVES.provider), "submit", die)
    with pytest.raises(KeyboardInterrupt):
        take_step(export)
    export.refresh_from_db()
    assert export.request_sent_at is not None
    assert export.rate_slot is None, "searching for the job is counted in another class, where 5000 is far ahead"
