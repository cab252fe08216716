"""The health check of a container: `healthy.py web | submit | poll | fetch | beat`. Exit code 0 or 1.

web: /readyz answers 200. The others: their heartbeat row was written in the last 30 seconds, by this host.
"""

import os
import socket
import sys
from pathlib import Path
from urllib.request import urlopen

import psycopg

MAX_AGE_SECONDS = 30
ALIVE = "SELECT count(*) FROM exports_heartbeat WHERE starts_with(name, %s) AND at > now() - make_interval(secs => %s)"


def database_url() -> str:
    """The address from DATABASE_URL or the file that DATABASE_URL_FILE names."""
    path = os.environ.get("DATABASE_URL_FILE")
    url = Path(path).read_text(encoding="utf-8").strip() if path else os.environ["DATABASE_URL"]
    return url.replace("postgres://", "postgresql://", 1)


def is_healthy(part: str) -> bool:
    """Whether this part answers, or has written its heartbeat lately. Raises OSError, psycopg.Error."""
    if part == "web":
        port = os.environ.get("BIND", "127.0.0.1:8000").rpartition(":")[2]
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    host = socket.gethostname()
    name = f"beat:{host}:" if part == "beat" else f"worker:{part}@{host}"
    with psycopg.connect(database_url(), connect_timeout=5) as database:
        row = database.execute(ALIVE, [name, MAX_AGE_SECONDS]).fetchone()
    return row is not None and row[0] > 0


if __name__ == "__main__":
    try:
        healthy = is_healthy(sys.argv[1])
    except (OSError, psycopg.Error) as problem:
        print(type(problem).__name__, file=sys.stderr)
        healthy = False
    sys.exit(0 if healthy else 1)
