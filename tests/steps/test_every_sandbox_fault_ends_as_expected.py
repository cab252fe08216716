"""All fault projects of the stand-in providers at once, in a real worker: each export ends as expected.

The exports share only the worker: each has its own credential, so that a pause holds up no other. Waiting is left out:
postponed steps are made due, and the deadline of jobs that never end is brought forward.
"""

import inspect
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from exports import clock, states
from exports.models import Export, RateLimitPause, Token
from exports.providers.contract import DOWNLOAD
from exports.providers.registry import PROVIDERS
from exports.sandbox.fault_projects import fault_projects
from exports.sandbox.registry import DECLARATIONS
from exports.sandbox.server import Sandbox
from tests.helpers import crawl, secret_search
from tests.helpers.cast import KINDS, Cast
from tests.helpers.run_exports import make_due, request_export, status_history
from tests.helpers.samples import ANSWERS, PROVABLE, SEARCHABLE, SENT_ONCE
from tests.helpers.secret_search import MarkedSecrets
from tests.helpers.worker import running_worker

# One request for each provider: its first kind, in the last of its formats.
REQUESTS = {
    provider: (type_, format_, options)
    for provider, type_, format_, options in KINDS
    if type_ == PROVIDERS[provider].kinds[0].type
}
JOB_IS_FOUND = {slug: "unconfirmed" for slug in SENT_ONCE if slug not in SEARCHABLE}
# By the type of what `find` returns, of those without a sample.
NEVER_ABSENT = [
    slug for slug, one in PROVIDERS.items() if "Absent" not in str(inspect.signature(type(one).find).return_annotation)
]
JOB_IS_PROVEN = {slug: "unconfirmed" for slug in (*SENT_ONCE, *NEVER_ABSENT) if slug not in PROVABLE}
# Number of the fault to the reason it ends with (for one provider, or for "all"); those not named here succeed.
ENDS: dict[int, dict[str, str]] = {
    3: JOB_IS_PROVEN,
    4: JOB_IS_FOUND,
    7: {"all": "rejected"},
    8: {"all": "credential"},
    9: {"all": "not_found"},
    10: {"all": "rejected"},
    11: {"all": "credential"},
    16: JOB_IS_PROVEN,
    18: JOB_IS_FOUND,
    19: JOB_IS_FOUND,
    21: {"all": "deadline"},
    22: {"all": "provider_failed"},
    23: {"all": "canceled"},
    24: {"all": "canceled"},
    25: {"all": "no_file"},
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
    72: {"all": "credential"},
    80: {"all": "rejected"},
    81: {"all": "credential"},
}
ONCE_IF_PROVEN = {"all": 1, **dict.fromkeys(JOB_IS_PROVEN, 0)}
JOBS = {  # jobs made: none where the request was refused, cut or lost before it was executed
    3: ONCE_IF_PROVEN,
    7: {"all": 0},
    8: {"all": 0},
    9: {"all": 0},
    10: {"all": 0},
    16: ONCE_IF_PROVEN,
    39: {"all": 0},
    45: {"all": 0},
    80: {"all": 0},
    81: {"all": 0},
}


@pytest.fixture
def marked(sandbox: Sandbox, tmp_path: Path) -> Iterator[MarkedSecrets]:
    with secret_search.mark_secrets(sandbox) as secrets, secret_search.log_to_file(tmp_path / "everything.log"):
        yield secrets


@pytest.mark.timeout(240)
@pytest.mark.django_db(transaction=True)
@pytest.mark.slow(seconds=25)
@pytest.mark.parametrize("provider", [slug for slug in REQUESTS if DECLARATIONS[slug].fault_project_id])
def test_every_fault_ends_as_expected(
    provider: str,
    cast: Cast,
    sandbox: Sandbox,
    origin_of: Callable[[str], str],
    settings: Settings,
    marked: MarkedSecrets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings.MAX_FILE_BYTES = 5_000_000
    # A download may cost a minute by the limits, and here a file takes several.
    limits = {name: limit for name, limit in PROVIDERS[provider].limits.items() if name != DOWNLOAD}
    monkeypatch.setattr(type(PROVIDERS[provider]), "limits", limits)
    sandbox.settings(time_scale=0.2)  # long enough for a job to be polled several times
    exports: dict[int, Export] = {}
    type_, format_, options = REQUESTS[provider]
    for fault in fault_projects(DECLARATIONS[provider]):
        if fault.name == "vanish" or "late_list" in fault.name:
            continue  # they count calls, or seconds, which pass otherwise here; tests of their own have them
        credential = cast.credential(
            provider, origin_of(provider), name=f"fault {fault.number}", secrets=marked.of(provider)
        )
        project = cast.project(
            provider, remote_id=DECLARATIONS[provider].fault_project(fault.number), credential=credential
        )
        exports[fault.number] = request_export(project, cast.member, type_, format_, options=options)
    assert len(exports) > 35

    with running_worker(24):
        _run({export.pk for number, export in exports.items() if expected(provider, number) == "deadline"})

    wrong = []
    for number, export in exports.items():
        export.refresh_from_db()
        ended = export.error_code or export.status
        if ended != expected(provider, number):
            wrong.append(f"{provider} {number}: {ended}, not {expected(provider, number)}: {export.error_message}")
        made = sandbox.jobs(provider, export.project.remote_id)
        wanted = JOBS.get(number, {"all": 1})
        if made != ANSWERS[provider].fault_jobs.get(number, wanted.get(provider, wanted.get("all", 1))):
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
    ends = {**ENDS.get(number, {})}
    if number in ANSWERS[provider].fault_ends:
        ends[provider] = ANSWERS[provider].fault_ends[number]
    return ends.get(provider, ends.get("all", states.SUCCEEDED))


def _run(overdue: set[int]) -> None:
    begun = time.monotonic()
    while left := set(Export.objects.open().values_list("pk", flat=True)):
        assert time.monotonic() < begun + 200, [
            (one.project.remote_id, one.step, one.wait_note, one.last_error_code)
            for one in Export.objects.select_related("project").filter(pk__in=left)
        ]
        RateLimitPause.objects.update(until=clock.now())
        make_due()
        if left <= overdue:  # the others have ended, and these have been polled all the time
            Export.objects.open().filter(pk__in=overdue, step=states.POLL).update(deadline_at=clock.now())
        time.sleep(0.5)
