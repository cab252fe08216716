"""100 000 and 1 000 000 exports in flight, at intervals that the machine can serve."""

import time

from tests.bench import poll_load, seed_rows
from tests.bench.poll_load import CREDENTIALS, Load
from tests.bench.result import Result, at_least, at_most, share
from tests.bench.testbed import open_testbed

ABOUT = (
    "As `polls`, with more exports at longer intervals. When each job's poll is due is known exactly, so lag is due →"
    " asked, as the stand-in saw it; what was due and never asked counts as late as it was by the end."
)
FULL = (Load(100_000, 200.0, 15.0, 60.0), Load(1_000_000, 1800.0, 15.0, 60.0))
QUICK = (Load(10_000, 200.0, 3.0, 6.0),)


def run(quick: bool) -> list[Result]:
    """Each size, once."""
    made: list[Result] = []
    for size in QUICK if quick else FULL:
        made += _one(size)
    return made


def _one(size: Load) -> list[Result]:
    name = f"{size.count} in flight"
    with open_testbed(**poll_load.environment(size)) as here:
        here.stand_in.set(delay=size.delay)
        made = seed_rows.seed(here, CREDENTIALS)
        begins = seed_rows.running(made, size.count, size.interval, 10 + size.count / 8000)
        print(f"  {size.count} rows, {begins - time.time():.0f} s to go", flush=True)
        worker = poll_load.start_worker(here, size)
        if time.time() > begins:
            raise AssertionError("making the rows took longer than was allowed for")
        seen = poll_load.measure_polls(here, size, begins, worker.pid)
        here.portal.stop_process(worker)
    every = f"each every {size.interval:g} s"
    return [
        Result(f"{name}, polls", seen.rate, "/s", note=every),
        at_least(f"{name}, share of the wanted rate", 100 * seen.rate / size.rate, 98, "%", f"of {size.rate:.0f}/s"),
        Result(f"{name}, lag p50", share(seen.lags, 0.5), "s"),
        at_most(f"{name}, lag p99", share(seen.lags, 0.99), 1.0, "s"),
        at_most(f"{name}, worker's memory (PSS)", seen.memory, 200, "MB"),
        Result(f"{name}, CPU per poll", 1e6 * seen.each, "µs"),
        Result(f"{name}, database's CPU per poll", 1e6 * seen.each_database, "µs"),
    ]
