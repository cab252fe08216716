"""A request and an answer, as the stand-ins handle them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from exports.sandbox.blob import BlobRange

if TYPE_CHECKING:
    from exports.sandbox.faults import Rule
    from exports.sandbox.jobs import Job

SERVER_HEADER = "export-portal-stand-in"


class InvalidBody(ValueError):
    """The body of a request cannot be read by its route."""


@dataclass(slots=True)
class Request:
    """One request; `path` is what follows the provider's origin, `origin` that origin as the client wrote it."""

    method: str
    path: str
    query: dict[str, str]
    headers: Message
    body: bytes
    origin: str
    path_parameters: dict[str, str] = field(default_factory=dict)
    caller: str = ""
    rule: "Rule | None" = None
    job: "Job | None" = None

    def header(self, name: str) -> str:
        """One header's value, or an empty string."""
        return str(self.headers.get(name, ""))

    def query_int(self, name: str, default: int) -> int:
        """A whole number of the query; the default where there is none, or one of more than 18 digits."""
        value = self.query.get(name, "")
        return int(value) if value.isascii() and value.isdecimal() and len(value) < 19 else default

    def data(self) -> dict[str, Any]:
        """The body as a JSON object, empty without a body; InvalidBody for anything else."""
        if not self.body.strip():
            return {}
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as wrong:
            raise InvalidBody("the body is not JSON") from wrong
        if not isinstance(value, dict):
            raise InvalidBody("the body is not a JSON object")
        return value

    def form(self) -> dict[str, str]:
        """The body as form fields; a field given twice keeps its last value."""
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))

    def shows_fault(self, *names: str) -> bool:
        """Whether this answer is to show one of these faults."""
        return self.rule is not None and self.rule.fault in names


@dataclass(slots=True)
class Response:
    """One answer, and the faults of its transport.

    `delay` is the seconds before anything is sent; `cut` closes the connection without an answer; `stop_after` closes
    it after that many bytes of the body; `declared` is the Content-Length to send instead of the true one; `drip`
    spreads the body over that many seconds; `framing` is `length`, `chunked` (without its last chunk when cut) or
    `close`; `endless` repeats the body for as long as the client reads.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | BlobRange = b""
    delay: float = 0.0
    cut: bool = False
    stop_after: int | None = None
    declared: int | None = None
    drip: float = 0.0
    framing: str = "length"
    endless: bool = False

    @property
    def ok(self) -> bool:
        """Whether the stand-in did what was requested."""
        return 200 <= self.status < 400


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer that carries JSON."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return Response(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, body)


def html_response(title: str, text: str = "", status: int = 200) -> Response:
    """A small HTML page; `text` is HTML. Every page says that this is a stand-in."""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title} (stand-in)</title></head><body><h1>{title}</h1>{text}"
        "<p><strong>This is a stand-in, not the real service.</strong></p></body></html>\n"
    )
    return Response(status, {"Content-Type": "text/html; charset=utf-8"}, page.encode())
