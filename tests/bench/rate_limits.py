"""Five hundred exports on one credential, inside limits that bind: no 429, and little that is allowed left unused."""

import time
from datetime import timedelta
from typing import Any, Final

from exports.sandbox.server import Sandbox
from tests.bench import poll_load, seed_rows
from tests.bench.result import Result, at_least, at_most
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers.cast import SECRETS
from tests.helpers.installation import wait_for
from tests.helpers.roles import ARCHIVES

ABOUT = (
    f"{ARCHIVES.label} against its stand-in, which enforces the published 5 submits and 120 other calls in windows"
    " shortened from a minute to 3 s. Jobs take 30 s and each is polled every second, so both limits bind: more is"
    " wanted than is allowed all the time. Two worker nodes share the credential. Used: calls that the stand-ins took,"
    " of what fits into the time; submits from first to last, other calls while submits go on, 35 s after the first."
)
WINDOW: Final = 3.0
ALLOWED: Final = {"strict": 5, "normal": 120}
JOB_SECONDS: Final = 30.0


def run(quick: bool) -> list[Result]:
    """One run."""
    count = 100 if quick else 500
    with Sandbox(time_scale=1.0) as sandbox:
        sandbox.settings(limits=1, window=WINDOW, job_seconds=JOB_SECONDS)
        private = f"127.0.0.1:{sandbox.port}"
        with open_testbed(PRIVATE_HOSTS=private, BENCH_WINDOW=str(WINDOW), BENCH_INTERVAL="1") as here:
            _create_exports(here, sandbox, count)
            processes = poll_load.start_processes(here, poll_load.usual_slots(), nodes=2)
            _wait(count)
            processes.stop()
            limited = sandbox.ledger()["rate_limited"].get(ARCHIVES, 0)
            calls = _calls()
    submits, first, last = calls["strict"]
    others, begins, _ = calls["normal"]
    windows = (last - first) / WINDOW + 1
    rest = (last - begins) / WINDOW
    return [
        at_most(f"{count} exports, calls answered 429", float(limited), 0),
        at_least("submits, of those allowed", 100 * submits / (ALLOWED["strict"] * windows), 90, "%"),
        at_least("other calls, of those allowed", 100 * others / (ALLOWED["normal"] * rest), 90, "%"),
        Result("all submitted within", last - first, "s", note=f"{windows - 1:.0f} windows of {WINDOW:g} s"),
    ]


def _create_exports(here: Testbed, sandbox: Sandbox, count: int) -> None:
    from django.utils import timezone

    from exports.models import Export

    seeded = seed_rows.seed(here, 1, provider=ARCHIVES)
    credential, project = seeded.credentials[0], seeded.projects[0]
    credential.origin = sandbox.origin(ARCHIVES)
    credential.save_secrets(SECRETS[ARCHIVES])
    credential.save()
    project.remote_id = "100001"
    project.save()
    now = timezone.now()
    like = Export.objects.create(
        pk=seed_rows.FIRST_ID - 1, team=seeded.team, project=project, user=seeded.user, trigger="person",
        type="archive", format="zip", next_step_at=now, deadline_at=now + timedelta(days=1),
    )  # fmt: skip
    seed_rows.copies(Export, like, seed_rows.FIRST_ID, seed_rows.FIRST_ID + count - 1)
    Export.objects.filter(pk=like.pk).delete()


def _wait(count: int) -> None:
    from exports.models import Export

    def are_over() -> bool:
        time.sleep(0.5)
        return not Export.objects.filter(finished_at=None).exists()

    wait_for(are_over, 120 + 2 * count, lambda: str(Export.objects.filter(finished_at=None).values()[:3]))
    ended = list(Export.objects.values_list("status", flat=True))
    assert ended == ["succeeded"] * count, f"{ended.count('succeeded')} of {count} succeeded"


def _calls() -> dict[str, tuple[int, float, float]]:
    """For each rate class: how many calls were answered, from when to when (seconds since 1970)."""
    from exports.models import Call

    answered: Any = Call.objects.filter(status__lt=400)
    submits = sorted(at.timestamp() for at in answered.filter(method="POST").values_list("at", flat=True))
    first, last = submits[0], submits[-1]
    begins = min(first + JOB_SECONDS + 5, last)
    polls = answered.filter(method="GET", url__contains="/jobs/").values_list("at", flat=True)
    others = [at.timestamp() for at in polls]
    return {
        "strict": (len(submits), first, last),
        "normal": (sum(begins <= at < last for at in others), begins, last),
    }
