"""100 000 and 1 000 000 exports in flight, at intervals that the machine can serve."""

import time

from tests.bench import poll_load, seed_rows
from tests.bench.poll_load import CREDENTIALS, Load
from tests.bench.result import Result, at_least, at_most, share
from tests.bench.testbed import open_testbed

ABOUT = (
    "As `polls`, with more exports at longer intervals. When each job's poll is due is known exactly, so lag is due →"
    " polled, as the stand-in saw it; what was due and never polled counts as late as it was by the end. One worker"
    " node, and beat."
)
FULL = (Load(100_000, 200.0, 15.0, 60.0), Load(1_000_000, 1800.0, 15.0, 60.0))
QUICK = (Load(10_000, 200.0, 3.0, 6.0),)


def run(quick: bool) -> list[Result]:
    """Each size, once."""
    loads = QUICK if quick else FULL
    return [result for load in loads for result in _measured(load)]


def _measured(load: Load) -> list[Result]:
    name = f"{load.count} in flight"
    with open_testbed(**poll_load.environment(load)) as here:
        here.stand_in.set(delay=load.delay)
        seeded = seed_rows.seed(here, CREDENTIALS)
        begins = seed_rows.running(seeded, load.count, load.interval, 15 + load.count / 8000)
        print(f"  {load.count} rows, {begins - time.time():.0f} s to go", flush=True)
        processes = poll_load.start_processes(here, load.slots)
        if time.time() > begins:
            raise AssertionError("making the rows took longer than was allowed for")
        measured = poll_load.measure_polls(here, load, begins, processes.sessions)
        processes.stop()
    interval = f"each every {load.interval:g} s, {load.slots} slots"
    share_of_rate = 100 * measured.rate / load.rate
    return [
        Result(f"{name}, polls", measured.rate, "/s", note=interval),
        at_least(f"{name}, share of the wanted rate", share_of_rate, 98, "%", f"of {load.rate:.0f}/s"),
        Result(f"{name}, lag p50", share(measured.lags, 0.5), "s"),
        at_most(f"{name}, lag p99", share(measured.lags, 0.99), 1.0, "s"),
        at_most(f"{name}, largest process's memory (PSS)", measured.largest, 200, "MB"),
        Result(f"{name}, memory of all processes (PSS)", measured.memory, "MB"),
        Result(f"{name}, CPU per poll", 1e6 * measured.each, "µs"),
        Result(f"{name}, database's CPU per poll", 1e6 * measured.each_database, "µs"),
    ]
