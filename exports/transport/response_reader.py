"""Reads the answer to an HTTP/1.1 request from its socket: interim answers, the head, and the body up to its end.

`http.client` sends the request. Its own reader gives up at a hundred headers, at a long line and at every interim
answer but 100, and reads sizes of chunks and trailers without a bound. Here everything has a bound, what is odd but
clear is read (RFC 9112), and each failure is one of the two errors below.
"""

import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPException
from typing import Final

# Of the head with all interim answers before it, and of a trailer.
MAX_HEAD_BYTES: Final = 512 * 1024
MAX_HEADERS: Final = 10_000
MAX_CHUNK_LINE_BYTES: Final = 16 * 1024
# Whoever announces a length that cannot be read may keep the connection open behind the body.
ODD_LENGTH_SECONDS: Final = 5.0
# How long a host that was asked to close may take until it has shown that nothing stands behind the body.
SURPLUS_SECONDS: Final = 0.25
STATUS_LINE: Final = re.compile(r"HTTP/(\d)(?:\.(\d))?[ \t]+(\d{3})(?!\d)", re.I | re.A)
DIGITS: Final = re.compile(r"[0-9]+")
# More digits than any file has bytes; Python refuses to read very long numbers, and databases to keep them.
MAX_DIGITS: Final = 18
CHUNK_SIZE: Final = re.compile(rb"[ \t]*0*([0-9A-Fa-f]{1,15})[ \t]*(;.*)?", re.S)
CONTENT_RANGE: Final = re.compile(r"bytes[ \t]*[ =][ \t]*([0-9]+)[ \t]*-[ \t]*([0-9]+)[ \t]*/[ \t]*([0-9]+|\*)", re.I)


class MalformedError(HTTPException):
    """What came is no HTTP answer, or exceeds the bounds; the text is for a person, to go on a sentence with."""


class CutOffError(HTTPException):
    """The answer ended early. `timed_out`: nothing came in time. `is_short`: fewer bytes came than were announced."""

    def __init__(self, *, timed_out: bool = False, is_short: bool = False) -> None:
        super().__init__("The answer ended early.")
        self.timed_out = timed_out
        self.is_short = is_short


class HeaderFields(Mapping[str, str]):
    """Headers by name in any case. Several of one name are joined by ", " (RFC 9110 §5.3)."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in pairs:
            self._values.setdefault(name.lower(), []).append(value)

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()])

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def get_all(self, name: str) -> list[str]:
        """Every value of the name, in order."""
        return self._values.get(name.lower(), [])


def parse_size(text: str) -> int | None:
    """A number of bytes in ASCII digits, at most 18 of them after leading zeros; None for everything else."""
    text = text.strip(" \t")
    digits = text.lstrip("0") or "0"
    return int(digits) if DIGITS.fullmatch(text) and len(digits) <= MAX_DIGITS else None


def content_length(headers: Mapping[str, str]) -> int | None:
    """The length of the body as announced; None where it is missing, unreadable, or announced in different ways."""
    sizes = {parse_size(word) for word in headers.get("Content-Length", "").split(",")}
    return sizes.pop() if len(sizes) == 1 else None


def content_range(headers: Mapping[str, str]) -> tuple[int, int, int | None] | None:
    """First and last position and the size of the whole (None: not said) by Content-Range; None where it is none."""
    match = CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
    if match is None:
        return None
    first, last, total = (parse_size(word) for word in match.groups())
    is_sound = first is not None and last is not None and first <= last and (match[3] == "*" or total is not None)
    if not is_sound or (total is not None and last is not None and last >= total):
        return None
    return first or 0, last or 0, total


def split_words(value: str) -> list[str]:
    """The words of a list in a header, in lower case, without parameters and quotes."""
    words = (word.partition(";")[0].strip(" \t\"'").lower() for word in value.split(","))
    return [word for word in words if word]


class ResponseReader:
    """One answer on a socket, with what `http.client` wants of the class of its responses.

    `is_delimited`: the answer itself says where its body ends, by its length or a last chunk. `has_odd_length`: it
    wanted to, with a length that cannot be read. `length`: of the body in bytes, where that is what delimits it.
    `will_close`: no other answer can follow on the connection. `is_last`: the other side was asked to close; what then
    stands behind the body shows that its length is wrong, and is said by `has_surplus`.
    """

    def __init__(
        self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None
    ) -> None:
        self._sock = sock
        self._file = sock.makefile("rb")
        self._method = method
        self._head_bytes = 0
        self._left: int | None = None
        self._is_chunked = self._in_chunk = False
        self.status = 0
        self.headers = HeaderFields()
        self.is_delimited = self.has_odd_length = False
        self.is_complete = False
        self.will_close = True
        self.length: int | None = None
        self.is_last = self.has_surplus = False

    def begin(self) -> None:
        """Reads the head, and skips interim answers. Raises MalformedError, CutOffError."""
        if self.status:
            return
        while True:
            minor_version, status = self._read_status_line()
            headers = self._read_headers()
            if not 100 <= status < 200:
                break
        self.status, self.headers = status, headers
        self._find_end(minor_version)

    def _find_end(self, minor_version: int) -> None:
        """RFC 9112 §6.3 and §9.3."""
        connection = split_words(self.headers.get("Connection", ""))
        transfer = split_words(self.headers.get("Transfer-Encoding", ""))
        self.will_close = "close" in connection or (minor_version == 0 and "keep-alive" not in connection)
        if self._method == "HEAD" or self.status in (204, 304) or (self._method == "CONNECT" and self.status < 300):
            self._left = 0
        elif "chunked" in transfer:
            self._is_chunked, self._left = True, 0
        elif all(word == "identity" for word in transfer):
            self._left = self.length = content_length(self.headers)
        self.is_delimited = self._left is not None
        self.has_odd_length = not self.is_delimited and "Content-Length" in self.headers
        if self.has_odd_length:
            self._sock.settimeout(ODD_LENGTH_SECONDS)
        self.will_close |= not self.is_delimited
        if self._left == 0 and not self._is_chunked:
            self._finish()

    def read1(self, size: int) -> bytes:
        """The next bytes of the body, at most `size`, as soon as there are any; b"" at its end.

        Raises MalformedError, CutOffError.
        """
        if self.is_complete:
            return b""
        if self._is_chunked and self._left == 0 and not self._begin_chunk():
            return b""
        data = self._read1(size if self._left is None else min(size, self._left))
        if not data:
            if self._left is not None:
                raise CutOffError(is_short=not self._is_chunked)
            self._finish()
        elif self._left is not None:
            self._left -= len(data)
            if self._left == 0 and not self._is_chunked:
                self.has_surplus = self.is_last and self._has_more()
                self._finish()
        return data

    def _has_more(self) -> bool:
        try:
            self._sock.settimeout(SURPLUS_SECONDS)
            return bool(self._file.read1(1))
        except (OSError, ValueError):
            return False

    def _begin_chunk(self) -> bool:
        """Reads the size of the next chunk. Returns False at the last, which is empty."""
        if self._in_chunk and self._read_line(2).strip(b"\r\n"):
            raise MalformedError("a chunk is longer than it says")
        line = self._read_line(MAX_CHUNK_LINE_BYTES)
        if not line:
            raise CutOffError
        match = CHUNK_SIZE.fullmatch(line.rstrip(b"\r\n"))
        if match is None:
            raise MalformedError("a chunk does not say its size")
        self._in_chunk, self._left = True, int(match[1], 16)
        if self._left > 0:
            return True
        # The last chunk is there, so the body is whole, whatever becomes of the lines behind it.
        try:
            while self._read_head_line():
                pass
        except (CutOffError, MalformedError):
            self.will_close = True
        self._finish()
        return False

    def _read_status_line(self) -> tuple[int, int]:
        """The minor version and the status."""
        for _ in range(5):  # RFC 9112 §2.2: empty lines before it are skipped.
            if line := self._read_head_line():
                break
        match = STATUS_LINE.match(line)
        if match is None:
            raise MalformedError("it does not begin as an HTTP answer does")
        return (0 if match[1] == "1" and match[2] == "0" else 1), int(match[3])

    def _read_headers(self) -> HeaderFields:
        """The headers up to the empty line. A line without a colon is skipped, a folded one belongs to the last."""
        pairs: list[tuple[str, str]] = []
        while line := self._read_head_line():
            name, colon, value = line.partition(":")
            if line[0] in " \t":
                if pairs:
                    pairs[-1] = pairs[-1][0], f"{pairs[-1][1]} {line.strip()}".strip()
            elif colon:
                pairs.append((name.strip(), value.strip()))
                if len(pairs) > MAX_HEADERS:
                    raise MalformedError(f"it has more than {MAX_HEADERS} headers")
        return HeaderFields(pairs)

    def _read_head_line(self) -> str:
        """A line of the head without its end; bytes above 127 as Latin-1, so that none is lost."""
        line = self._read_line(MAX_HEAD_BYTES - self._head_bytes + 1)
        self._head_bytes += len(line)
        if not line:
            raise CutOffError
        if self._head_bytes > MAX_HEAD_BYTES:
            raise MalformedError(f"its headers are longer than {MAX_HEAD_BYTES // 1024} kB")
        return line.rstrip(b"\r\n").replace(b"\0", b"").replace(b"\r", b" ").decode("latin-1")

    def _read_line(self, max_bytes: int) -> bytes:
        try:
            return self._file.readline(max_bytes)
        except (OSError, ValueError) as error:
            raise CutOffError(timed_out=isinstance(error, TimeoutError)) from error

    def _read1(self, size: int) -> bytes:
        try:
            return self._file.read1(size)
        except (OSError, ValueError) as error:
            raise CutOffError(timed_out=isinstance(error, TimeoutError)) from error

    def _finish(self) -> None:
        self.is_complete = True
        self.close()

    def close(self) -> None:
        """Gives the socket back; nothing more can be read."""
        self._file.close()

    def isclosed(self) -> bool:
        """Whether nothing more can be read."""
        return self._file.closed
