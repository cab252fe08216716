"""Request bodies in chunks (RFC 9112 §7.1), which Django by itself reads as empty, since they come without a length."""

import io
import json
from collections.abc import Callable, Iterable
from typing import Any, Final

UNREADABLE: Final = json.dumps(
    {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The body came in chunks that cannot be read. Send it again, whole.",
    }
).encode()


class ChunkedBodies:
    """Wraps a WSGI application: reads a body without a length up to `max_bytes` and tells the application its length.

    Of a longer body it reads one byte more, so that what the application says of bodies that are too large holds.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]], max_bytes: int) -> None:
        self.application = application
        self.max_bytes = max_bytes

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if _is_without_length(environ):
            try:
                body = _read(environ["wsgi.input"], self.max_bytes + 1)
            except Exception:  # The server's own errors: a chunk that is no chunk, or a client that hung up.
                length = ("Content-Length", str(len(UNREADABLE)))
                start_response("400 Bad Request", [("Content-Type", "application/problem+json"), length])
                return [UNREADABLE]
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
        return self.application(environ, start_response)


def _is_without_length(environ: dict[str, Any]) -> bool:
    """Whether the body came in chunks and the server marks its end, as gunicorn does."""
    chunked = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
    return chunked and bool(environ.get("wsgi.input_terminated"))


def _read(stream: Any, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := stream.read(size)):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)
