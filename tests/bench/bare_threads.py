"""The bare minimum: threads with a `requests.Session` each over a heap of due times. No database. For comparison only.

    python -m tests.bench.bare_threads ORIGIN COUNT INTERVAL BEGINS THREADS FIRST [CA]

Jobs are FIRST, FIRST + 1, …; the first is due at BEGINS (seconds since 1970), the last an INTERVAL later.
"""

import heapq
import sys
import threading
import time

import requests


class Pool:
    """Asks for every job again an interval after its answer."""

    def __init__(self, origin: str, count: int, interval: float, begins: float, first: int, ca: str) -> None:
        self.origin, self.interval, self.ca = origin, interval, ca
        self.due = [(begins + number * interval / count, first + number) for number in range(count)]
        self.lock = threading.Lock()

    def work(self) -> None:
        """One thread."""
        with requests.Session() as session:
            session.verify = self.ca or True
            while True:
                at, job = self._next()
                if at > time.time():
                    time.sleep(at - time.time())
                body = session.get(
                    f"{self.origin}/api/jobs/{job}", headers={"Authorization": "Bearer bench-token"}, timeout=30
                ).json()
                if body["status"] == "running":
                    with self.lock:
                        heapq.heappush(self.due, (time.time() + self.interval, job))

    def _next(self) -> tuple[float, int]:
        while True:
            with self.lock:
                if self.due:
                    return heapq.heappop(self.due)
            time.sleep(0.01)


def main() -> None:
    """Runs until it is killed."""
    origin, count, interval, begins, threads, first, *ca = sys.argv[1:]
    pool = Pool(origin, int(count), float(interval), float(begins), int(first), ca[0] if ca else "")
    running = [threading.Thread(target=pool.work, daemon=True) for _ in range(int(threads))]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


if __name__ == "__main__":
    main()
