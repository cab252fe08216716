"""The web worker's pool runs so many tasks at once; one that waits for its client does not count, up to a limit."""

import threading
import time

from exports.supervisor.turns import Turns
from tests.helpers.installation import wait_for


def test_a_task_that_has_left_gives_its_place_to_another() -> None:
    pool, ended = Turns(1), threading.Event()
    waiting = pool.submit(lambda: pool.leave() and ended.wait(20))
    assert pool.submit(lambda: "another").result(20) == "another"
    assert not waiting.done()
    ended.set()
    assert waiting.result(20) is True


def test_no_more_run_at_once_when_they_come_back() -> None:
    pool, running, most = Turns(2), 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most
        assert pool.leave()
        time.sleep(0.05)
        pool.come_back()
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.02)
        with lock:
            running -= 1

    for future in [pool.submit(work) for _ in range(20)]:
        future.result(30)
    assert most <= 2


def test_beyond_the_limit_none_may_leave() -> None:
    pool, ended = Turns(2, max_waiting=1), threading.Event()
    first = pool.submit(lambda: pool.leave() and ended.wait(20))
    wait_for(lambda: pool.is_full, 20, "one has left")
    assert pool.submit(pool.leave).result(20) is False
    ended.set()
    assert first.result(20) is True
    wait_for(lambda: not pool.is_full, 20, "it has ended")
    assert pool.submit(pool.leave).result(20) is True


def test_what_a_thread_holds_is_let_go_when_it_leaves_and_ends() -> None:
    pool, let_go = Turns(1), threading.Semaphore(0)
    pool.on_leave = let_go.release
    assert pool.submit(pool.leave).result(20) is True
    assert let_go.acquire(timeout=20)
    assert let_go.acquire(timeout=20)


def test_errors_are_those_of_the_task() -> None:
    pool = Turns(1)
    assert isinstance(pool.submit(int, "x").exception(20), ValueError)
    assert pool.submit(int, "7").result(20) == 7
