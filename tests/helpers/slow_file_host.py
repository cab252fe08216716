"""A host of files that sends so many bytes a second, and resumes by Range; with 0 it never answers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SIZE = 1_000_000
PAUSE = 0.25


@dataclass
class SlowFileHost:
    """`starts`: at which byte each request began. `sent`: bytes sent in all. `resumes`: whether it knows Range."""

    port: int
    bytes_per_second: int
    resumes: bool
    starts: list[int] = field(default_factory=list)
    sent: int = 0

    @property
    def url(self) -> str:
        """The address of the file."""
        return f"http://127.0.0.1:{self.port}/slow.csv"


@contextmanager
def slow_file_host(bytes_per_second: int, *, resumes: bool = True) -> Iterator[SlowFileHost]:
    """The host, while the block runs."""
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range", "") if resumes else ""
            start = int(wanted.removeprefix("bytes=").removesuffix("-") or 0)
            host.starts.append(start)
            if not bytes_per_second:
                stopping.wait()
                return
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(SIZE - start))
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{SIZE - 1}/{SIZE}")
            if resumes:
                self.send_header("ETag", '"slow"')
            self.end_headers()
            piece = b"1,2,3,4,5\n" * max(1, int(bytes_per_second * PAUSE) // 10)
            with suppress(OSError):
                while not stopping.is_set():
                    self.wfile.write(piece)
                    host.sent += len(piece)
                    time.sleep(PAUSE)

        def log_message(self, format: str, *args: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    host = SlowFileHost(server.server_address[1], bytes_per_second, resumes)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield host
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join()
