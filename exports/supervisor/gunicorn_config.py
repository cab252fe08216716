"""Gunicorn's settings that cannot be said on the command line, or that every way of starting it wants."""

import json
import os
import socket
from http import HTTPStatus
from typing import Any

from gunicorn import util

from exports.supervisor.prctl import die_with_parent

_arbiter = os.getpid()

# The longest address gunicorn can be told to read: filters of a list are in it.
limit_request_line = 8190

# Whoever connects from this machine, as a proxy on it does for everybody, could else say with a header SCRIPT_NAME that
# the portal lies below a prefix: links on pages and in mails would begin with it. An operator says so by environment.
forwarder_headers = ""


def post_fork(server: Any, worker: Any) -> None:
    """A web worker ends with the process that started it, whatever ended that one."""
    die_with_parent(_arbiter)


def write_error_response(sock: socket.socket, status: int, reason: str, message: str) -> None:
    """Answers what is no request that could be handed on, as the API answers errors. Takes the place of a page in HTML
    that repeats what was sent."""
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
