"""Where a kind says that asking again is harmless, a request without an answer is sent again, within limits."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from exports import states
from exports.models import Change
from exports.providers.contract import DOWNLOAD, MAX_RESENDS
from exports.providers.registry import PROVIDERS
from exports.sandbox.server import Sandbox
from tests.helpers.cast import PROJECTS, Cast
from tests.helpers.run_exports import request_export, run_to_end

OriginOf = Callable[[str], str]
PROVIDER = next(slug for slug, one in PROVIDERS.items() if any(kind.authorised_download for kind in one.kinds))


@pytest.fixture
def harmless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider whose kind may be asked for again."""
    provider = PROVIDERS[PROVIDER]
    monkeypatch.setattr(type(provider), "kinds", tuple(replace(kind, asks_again=True) for kind in provider.kinds))
    monkeypatch.setattr(type(provider), "limits", {})


@pytest.mark.usefixtures("harmless")
@pytest.mark.parametrize("times", [1, MAX_RESENDS])
def test_it_is_sent_until_it_is_answered(cast: Cast, sandbox: Sandbox, origin_of: OriginOf, times: int) -> None:
    sandbox.fault(provider=PROVIDER, project=PROJECTS[PROVIDER], on="submit", fault="cut", times=times)
    export = run_to_end(request_export(cast.project(PROVIDER, origin_of(PROVIDER)), cast.member, "archive"))
    assert (export.status, export.resends) == (states.SUCCEEDED, times)
    notes = [change.note for change in Change.objects.filter(export=export).order_by("pk")]
    assert sum("It is sent again" in note for note in notes) == times
    assert sandbox.jobs(PROVIDER, PROJECTS[PROVIDER]) == 1


@pytest.mark.usefixtures("harmless")
def test_it_is_not_sent_for_ever(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    rule = sandbox.fault(provider=PROVIDER, project=PROJECTS[PROVIDER], on="submit", fault="cut")
    export = run_to_end(request_export(cast.project(PROVIDER, origin_of(PROVIDER)), cast.member, "archive"))
    assert (export.status, export.error_code) == (states.FAILED, "unconfirmed")
    # After those, one more where the search proves that there is none.
    assert sandbox.fired(rule) == 1 + MAX_RESENDS + 1


def test_elsewhere_the_job_is_searched_for(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = PROVIDERS[PROVIDER]
    monkeypatch.setattr(type(provider), "limits", {DOWNLOAD: (100, 1.0)})
    sandbox.fault(provider=PROVIDER, project=PROJECTS[PROVIDER], on="submit", fault="lost_answer", times=1)
    export = run_to_end(request_export(cast.project(PROVIDER, origin_of(PROVIDER)), cast.member, "archive"))
    assert (export.status, export.resends) == (states.SUCCEEDED, 0)
