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

ABOUT = (
    "CPU per poll of the worker under the load of `polls`, over https (TLS 1.3), looking for work, claiming and"
    " settling included. Beside it `requests.get` for each call and nothing else: as it comes, so that it reads"
    " certifi's list of authorities at each call (the stand-in's authority stands in a copy of the list), and with a"
    " file of one authority alone. And the portal's own call alone: `Client.get`, its connection kept. Calls: a"
    " PlayCanvas job that takes ten minutes, at the pace that PlayCanvas' own declaration gives, counted at the"
    " stand-in; whenever the portal has planned its next look, the time until then is added up and the look made due"
    " at once. PlayCanvas' own tool asks once a second."
)
JOB_SECONDS: Final = 600.0
TOOL: Final = 600


def run(quick: bool) -> list[Result]:
    """Both."""
    return [*_cost(quick), *_count(quick)]


def _cost(quick: bool) -> list[Result]:
    size = QUICK if quick else FULL
    count = 200 if quick else 2000
    polls, database, alone, usual, single = [], [], [], [], []
    with open_testbed(tls=True, **poll_load.environment(size)) as here:
        made = seed_rows.seed(here, poll_load.CREDENTIALS)
        seed_rows.running(made, size.count, size.interval, 3600)
        for _ in range(1 if quick else ROUNDS):
            here.stand_in.set(reset=True, delay=size.delay)
            worker = poll_load.start_worker(here, size)
            seen = poll_load.measure_polls(here, size, seed_rows.restart(size.count, size.interval, 1.0), worker.pid)
            here.portal.stop_process(worker)
            seed_rows.restart(size.count, size.interval, 3600)
            polls.append(seen.each)
            database.append(seen.each_database)
            here.stand_in.set(delay=0.0)
            alone.append(_own(here, made, count))
            usual.append(_get(here, count // 5, str(here.stand_in.trusted)))
            single.append(_get(here, count, here.stand_in.ca))

    def beside(ours: list[float], theirs: list[float]) -> float:
        return median(a / b for a, b in zip(ours, theirs, strict=True))

    return [
        Result("CPU per poll, portal", 1e6 * median(polls), "µs", note="the worker's processes"),
        Result("CPU per poll, database", 1e6 * median(database), "µs"),
        Result("CPU per call, portal's call alone", 1e6 * median(alone), "µs"),
        Result("CPU per call, requests.get", 1e6 * median(usual), "µs"),
        Result("CPU per call, requests.get, one authority", 1e6 * median(single), "µs"),
        at_most("poll / requests.get", beside(polls, usual), 0.4, RATIO),
        at_most("call alone / requests.get, one authority", beside(alone, single), 0.4, RATIO),
        Result("poll / requests.get, one authority", beside(polls, single), RATIO),
    ]


def _get(here: Testbed, count: int, trusted: str) -> float:
    url = f"{here.stand_in.origin}/api/jobs/{seed_rows.FIRST}"
    began = time.process_time()
    for _ in range(count):
        requests.get(url, verify=trusted, headers={"Authorization": "Bearer bench-token"}, timeout=10).json()
    return (time.process_time() - began) / count


def _own(here: Testbed, made: seed_rows.SeedRows, count: int) -> float:
    """In a process of its own, because what is trusted is read once."""
    given = [
        sys.executable,
        "-m",
        "tests.bench.single_client_cpu",
        str(made.credentials[0].pk),
        str(seed_rows.FIRST),
        str(count),
    ]
    done = subprocess.run(given, cwd=ROOT, env=here.portal.environment, capture_output=True, check=True)
    return float(done.stdout)


def _count(quick: bool) -> list[Result]:
    """Each export has a clock of its own, which jumps to its next look."""
    from django.utils import timezone

    from exports.models import Export

    # No more at once than PlayCanvas lets start in a minute.
    with open_testbed() as here:
        made = seed_rows.seed(here, 1 if quick else 5, "playcanvas", each=4)
        here.stand_in.set(reset=True, delay=0.0, forever=True, link=f"{here.stand_in.origin}/files/JOB.zip")
        now = timezone.now()
        asked = [
            Export.objects.create(
                team=made.team, project=project, user=made.user, trigger="person", type="archive", format="zip",
                next_step_at=now, deadline_at=now + timedelta(hours=2),
            ).pk
            for project in made.projects
        ]  # fmt: skip
        clocks = dict.fromkeys(asked, 0.0)
        poll_load.start_worker(here, QUICK)
        ends: dict[int, float] = {}

        def over() -> bool:
            _jump(here, clocks, ends)
            return not Export.objects.filter(pk__in=asked, finished_at=None).exists()

        wait_for(over, 120, lambda: str(list(Export.objects.values("pk", "status", "step", "wait_note"))))
        calls = here.stand_in.told()["asked"]
        jobs = dict(Export.objects.filter(pk__in=asked, status="succeeded").values_list("pk", "remote_id"))
    counts = [1 + len(calls[job]) for job in jobs.values()]
    assert len(counts) == len(asked), "some exports did not succeed"
    late = median(ends[pk] / JOB_SECONDS - 1 for pk in asked)
    return [
        at_most("calls for a ten-minute job", max(counts), 20, "", f"most of {len(counts)}; median {median(counts):g}"),
        Result("PlayCanvas' own tool, calls", TOOL, "", note="one a second"),
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
