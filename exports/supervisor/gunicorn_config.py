"""Gunicorn's settings that have no command-line option, or that apply however it is started."""

import gc
import json
import os
import socket
from http import HTTPStatus
from typing import Any

from gunicorn import util

from exports.supervisor.prctl import die_with_parent

_arbiter = os.getpid()
# The objects that are made for some pages, before the collector looks for cycles among them.
NEW_OBJECTS = 10_000

# Threads that slow clients do not hold (by itself gunicorn takes its own `gthread`).
worker_class = "exports.supervisor.web_worker.WebWorker"

# The longest request line that gunicorn accepts, in bytes: it holds the filters of a list.
limit_request_line = 8190

# By default gunicorn takes SCRIPT_NAME from a header of any connection from this machine, and a proxy on it passes on
# the headers of its clients: any of them could prefix the links on pages and in mails. An operator sets the prefix in
# the environment instead.
forwarder_headers = ""
# For the same reason it believes no header that says https (`portal.wsgi` sees to that however it is started), and so
# does not refuse requests in which two of them contradict each other.
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = ""


def post_fork(server: Any, worker: Any) -> None:
    """Has the kernel kill a web worker when the process that started it has died."""
    die_with_parent(_arbiter)


def post_worker_init(worker: Any) -> None:
    """Has the garbage collector leave alone what was loaded, and look less often at what a page is made of.

    Looking through a hundred thousand lasting objects again and again takes a third of the time of a page.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)


def write_error_response(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answers an unreadable request in the API's error format, in place of an HTML page that repeats what was sent."""
    phrase = HTTPStatus(status).phrase
    detail = {
        400: "This is no request that can be read.",
        414: f"The address is too long: at most {limit_request_line} bytes are read.",
        431: "The headers are too long, or too many.",
        500: "Something went wrong in the portal. It is in its log; try again later.",
    }.get(status, f"{phrase}.")
    body = json.dumps({"type": "about:blank", "title": phrase, "status": status, "detail": detail})
    head = [
        f"HTTP/1.1 {status} {phrase}",
        "Connection: close",
        "Content-Type: application/problem+json",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
    ]
    util.write_nonblock(sock, "\r\n".join([*head, "", body]).encode())


util.write_error = write_error_response
