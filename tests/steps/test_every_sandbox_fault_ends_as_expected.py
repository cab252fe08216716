"""All fault projects of the stand-in providers at once, in a real worker: each export ends as expected.

The exports share only the worker: each has its own credential, so that a pause holds up no other. Waiting is left out:
postponed steps are made due, and the deadline of jobs that never end is brought forward.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Export, RateLimitPause, Token
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.server import Sandbox
from tests.helpers import crawl, secret_search
from tests.helpers.cast import KINDS, Cast
from tests.helpers.run_exports import make_due, request_export, status_history
from tests.helpers.secret_search import MarkedSecrets
from tests.helpers.worker import running_worker

JOB_IS_FOUND = {"playcanvas": "unconfirmed"}
JOB_IS_PROVEN = {"playcanvas": "unconfirmed", "aistudios": "unconfirmed"}
# Number of the fault to the reason it ends with (for one provider, or for "all"); those not named here succeed.
ENDS: dict[int, dict[str, str]] = {
    3: JOB_IS_PROVEN,
    4: JOB_IS_FOUND,
    7: {"all": "rejected"},
    8: {"all": "credential"},
    9: {"all": "not_found"},
    10: {"all": "rejected", "toloka": "precondition"},
    11: {"all": "credential"},
    16: JOB_IS_PROVEN,
    18: JOB_IS_FOUND,
    19: JOB_IS_FOUND,
    21: {"all": "deadline"},
    22: {"all": "provider_failed"},
    23: {"all": "canceled"},
    24: {"all": "canceled"},
    25: {"all": "no_file", "aistudios": "deadline"},
    26: JOB_IS_FOUND,
    28: {"all": "unreadable"},
    30: {"all": "unreadable"},
    31: {"all": "unreadable"},
    39: {"all": "unconfirmed"},
    45: {"all": "unconfirmed"},
    51: {"all": "bad_file"},
    52: {"all": "bad_file"},
    59: {"all": "no_file"},
    60: {"all": "bad_file"},
    61: {"all": "bad_file"},
    62: {"all": "address"},
    63: {"all": "address"},
    64: {"all": "address"},
    69: {"all": "too_large"},
}
JOBS = {  # jobs made: none where the request was refused, cut or lost before it was executed
    3: {"all": 1, "playcanvas": 0, "aistudios": 0},
    7: {"all": 0},
    8: {"all": 0},
    9: {"all": 0},
    10: {"all": 0},
    16: {"all": 1, "playcanvas": 0, "aistudios": 0},
    39: {"all": 0},
    45: {"all": 0},
}


@pytest.fixture
def marked(sandbox: Sandbox, tmp_path: Path) -> Iterator[MarkedSecrets]:
    with secret_search.mark_secrets(sandbox) as secrets, secret_search.log_to_file(tmp_path / "everything.log"):
        yield secrets


@pytest.mark.timeout(240)
@pytest.mark.django_db(transaction=True)
@pytest.mark.slow(seconds=80)
def test_every_fault_ends_as_expected(
    cast: Cast,
    sandbox: Sandbox,
    origin_of: Callable[[str], str],
    settings: Settings,
    marked: MarkedSecrets,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings.MAX_FILE_BYTES = 5_000_000
    sandbox.settings(time_scale=0.2)  # long enough for a job to be polled several times
    exports: dict[tuple[str, int], Export] = {}
    for provider, type_, format_, options in KINDS:
        if (provider, format_) == ("ulule", "csv") or type_ == "app":
            continue
        for fault in fault_projects(provider):
            if fault.name == "vanish" or "late_list" in fault.name:
                continue  # they count calls, or seconds, which pass otherwise here; tests of their own have them
            credential = cast.credential(
                provider, origin_of(provider), name=f"{provider} {fault.number}", secrets=marked.of(provider)
            )
            project = cast.project(provider, remote_id=fault.id_at(provider), credential=credential)
            exports[provider, fault.number] = request_export(project, cast.member, type_, format_, options=options)
    assert len(exports) > 140

    with running_worker(24):
        _run(exports, [key for key in exports if expected(*key) == "deadline"])

    wrong = []
    for (provider, number), export in exports.items():
        export.refresh_from_db()
        ended = export.error_code or export.status
        if ended != expected(provider, number):
            wrong.append(f"{provider} {number}: {ended}, not {expected(provider, number)}: {export.error_message}")
        made = sandbox.jobs(provider, export.project.remote_id)
        wanted = JOBS.get(number, {"all": 1})
        if made != wanted.get(provider, wanted.get("all", 1)):
            wrong.append(f"{provider} {number}: {made} jobs made")
        moves = status_history(export)
        if any(later[0] != earlier[1] for earlier, later in itertools.pairwise(moves)):
            wrong.append(f"{provider} {number}: a gap in {moves}")
        if (export.status == states.SUCCEEDED and export.format != "none") != (export.file is not None):
            wrong.append(f"{provider} {number}: file and status differ")
    assert not wrong, "\n".join(wrong)
    assert sandbox.ledger()["credential_leaks"] == []

    # Secrets are written only encrypted (see tests/security/test_secrets_are_written_nowhere_in_plain.py).
    everything = [
        *crawl.crawl_everything(cast, exports.values(), Token.issue(cast.member)),
        *secret_search.everything_written(tmp_path),
    ]
    everything += [*secret_search.sent_mails(), ("standard output and error", "".join(capfd.readouterr()).encode())]
    assert secret_search.find_secrets([marked.mark], everything) == []


def expected(provider: str, number: int) -> str:
    """The error code, or the status, an export of this fault project ends with."""
    ends = ENDS.get(number, {})
    return ends.get(provider, ends.get("all", states.SUCCEEDED))


def _run(exports: dict[tuple[str, int], Export], endless: list[tuple[str, int]]) -> None:
    begun = time.monotonic()
    overdue = {exports[key].pk for key in endless}
    while left := set(Export.objects.open().values_list("pk", flat=True)):
        assert time.monotonic() < begun + 200, list(Export.objects.filter(pk__in=left).values())
        RateLimitPause.objects.update(until=clock.now())
        make_due()
        if left <= overdue:  # the others have ended, and these have been polled all the time
            Export.objects.open().filter(pk__in=overdue, step=states.POLL).update(deadline_at=clock.now())
        time.sleep(0.5)
