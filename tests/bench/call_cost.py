"""What a poll costs beside `requests.get`, and how many calls a ten-minute job takes."""

import subprocess
import sys
import time
from datetime import timedelta
from typing import Final

import requests

from tests.bench import poll_load, seed_rows
from tests.bench.environment import ROUNDS
from tests.bench.polls import FULL, QUICK
from tests.bench.result import RATIO, Result, at_most, median
from tests.bench.testbed import Testbed, open_testbed
from tests.helpers.installation import ROOT, wait_for
from tests.helpers.roles import ARCHIVES

ABOUT = (
    "CPU per poll of worker and beat under the load of `polls`, over https (TLS 1.3), dispatching, claiming and"
    " settling included. Beside it `requests.get` for each call and nothing else: as it comes, so that it reads"
    " certifi's list of authorities at each call (the stand-in's authority stands in a copy of the list), and with a"
    " file of one authority alone. And the portal's own call alone: `Client.get`, its connection kept. Calls: a"
    f" job at {ARCHIVES.label} that takes ten minutes, at the pace that its declaration gives, counted at the"
    " stand-in; whenever the portal has planned the next poll, the time until then is added up and the poll made due"
    f" at once. {ARCHIVES.label}' own tool asks once a second."
)
JOB_SECONDS: Final = 600.0
TOOL: Final = 600


def run(quick: bool) -> list[Result]:
    """Both."""
    return [*_cost(quick), *_count(quick)]


def _cost(quick: bool) -> list[Result]:
    load = QUICK if quick else FULL
    count = 200 if quick else 2000
    polls, database, alone, usual, single = [], [], [], [], []
    with open_testbed(tls=True, **poll_load.environment(load)) as here:
        seeded = seed_rows.seed(here, poll_load.CREDENTIALS)
        seed_rows.running(seeded, load.count, load.interval, 3600)
        for _ in range(1 if quick else ROUNDS):
            here.stand_in.set(reset=True, delay=load.delay)
            processes = poll_load.start_processes(here, load.slots)
            begins = seed_rows.restart(here, load.count, load.interval, 1.0)
            measured = poll_load.measure_polls(here, load, begins, processes.sessions)
            processes.stop()
            seed_rows.restart(here, load.count, load.interval, 3600)
            polls.append(measured.each)
            database.append(measured.each_database)
            here.stand_in.set(delay=0.0)
            alone.append(_own(here, seeded, count))
            usual.append(_get(here, count // 5, str(here.stand_in.trusted)))
            single.append(_get(here, count, here.stand_in.ca))

    def beside(ours: list[float], theirs: list[float]) -> float:
        return median(a / b for a, b in zip(ours, theirs, strict=True))

    return [
        Result("CPU per poll, portal", 1e6 * median(polls), "µs", note="worker and beat"),
        Result("CPU per poll, database", 1e6 * median(database), "µs"),
        Result("CPU per call, portal's call alone", 1e6 * median(alone), "µs"),
        Result("CPU per call, requests.get", 1e6 * median(usual), "µs"),
        Result("CPU per call, requests.get, one authority", 1e6 * median(single), "µs"),
        at_most("poll / requests.get", beside(polls, usual), 0.4, RATIO),
        at_most("call alone / requests.get, one authority", beside(alone, single), 0.4, RATIO),
        Result("poll / requests.get, one authority", beside(polls, single), RATIO),
    ]


def _get(here: Testbed, count: int, trusted: str) -> float:
    url = f"{here.stand_in.origin}/api/jobs/{seed_rows.FIRST_ID}"
    began = time.process_time()
    for _ in range(count):
        requests.get(url, verify=trusted, headers={"Authorization": "Bearer bench-token"}, timeout=10).json()
    return (time.process_time() - began) / count


def _own(here: Testbed, seeded: seed_rows.SeedRows, count: int) -> float:
    """In a process of its own, because what is trusted is read once."""
    command = [
        sys.executable,
        "-m",
        "tests.bench.single_client_cpu",
        str(seeded.credentials[0].pk),
        str(seed_rows.FIRST_ID),
        str(count),
    ]
    done = subprocess.run(command, cwd=ROOT, env=here.portal.environment, capture_output=True, check=True)
    return float(done.stdout)


def _count(quick: bool) -> list[Result]:
    """Each export has a clock of its own, which jumps to its next poll."""
    from django.utils import timezone

    from exports.models import Export

    # No more at once than the provider lets start in a minute.
    with open_testbed() as here:
        seeded = seed_rows.seed(here, 1 if quick else 5, ARCHIVES, each=4)
        here.stand_in.set(reset=True, delay=0.0, forever=True, link=f"{here.stand_in.origin}/files/JOB.zip")
        now = timezone.now()
        exports = [
            Export.objects.create(
                team=seeded.team, project=project, user=seeded.user, trigger="person", type="archive", format="zip",
                next_step_at=now, deadline_at=now + timedelta(hours=2),
            ).pk
            for project in seeded.projects
        ]  # fmt: skip
        clocks = dict.fromkeys(exports, 0.0)
        processes = poll_load.start_processes(here, poll_load.usual_slots())
        ends: dict[int, float] = {}

        def are_over() -> bool:
            _jump(here, clocks, ends)
            return not Export.objects.filter(pk__in=exports, finished_at=None).exists()

        wait_for(are_over, 120, lambda: str(list(Export.objects.values("pk", "status", "step", "wait_note"))))
        calls = here.stand_in.poll_times()
        jobs = dict(Export.objects.filter(pk__in=exports, status="succeeded").values_list("pk", "remote_id"))
        processes.stop()
    counts = [1 + len(calls[job]) for job in jobs.values()]
    assert len(counts) == len(exports), "some exports did not succeed"
    late = median(ends[pk] / JOB_SECONDS - 1 for pk in exports)
    return [
        at_most("calls for a ten-minute job", max(counts), 20, "", f"most of {len(counts)}; median {median(counts):g}"),
        Result(f"{ARCHIVES.label}' own tool, calls", TOOL, "", note="one a second"),
        Result("seen done, after the job's end", 100 * late, "%", note="of the ten minutes, median"),
    ]


def _jump(here: Testbed, clocks: dict[int, float], ends: dict[int, float]) -> None:
    from django.utils import timezone

    from exports.models import Export

    now = timezone.now()
    soon = now + timedelta(seconds=0.2)
    waiting = Export.objects.filter(pk__in=clocks, step="poll", held_until=None, next_step_at__gt=soon)
    for export in waiting:
        assert export.next_step_at is not None
        clocks[export.pk] += (export.next_step_at - now).total_seconds()
        if clocks[export.pk] >= JOB_SECONDS:
            ends.setdefault(export.pk, clocks[export.pk])
    if waiting:
        over = Export.objects.filter(pk__in=ends).values_list("remote_id", flat=True)
        here.stand_in.set(finished=list(over))
        pks = [export.pk for export in waiting]
        Export.objects.filter(pk__in=pks, held_until=None, next_step_at__gt=soon).update(next_step_at=timezone.now())
