"""Connections that go only where the address guard allows, and that end when their time is over.

They are those of `http.client`, but the guard opens the socket, and `ResponseReader` reads the answer.
`Client` (client.py) keeps them alive between the calls to an API; `open_url` (open_url.py) uses a new one each time.
"""

import contextlib
import functools
import itertools
import secrets
import socket
import ssl
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from http.client import HTTPConnection
from select import POLLIN, poll
from typing import Final
from urllib.parse import SplitResult

import certifi

from exports.transport.errors import CredentialError, NotSentError, ProviderError, UnclearError
from exports.transport.response_reader import CutOffError, MalformedError, ResponseReader
from exports.transport.ssrf import AddressGuard

# A random prefix for each process and a counter: a random number for each exchange would be a system call each.
_correlation_prefix: Final = secrets.token_hex(10)
_correlation_counter: Final = itertools.count()
CA_FILE: Final = certifi.where()
CONNECT_SECONDS: Final = 10.0
# A slow answer is not a lost one: a submit that is answered after half a minute must still be accepted.
READ_SECONDS: Final = 75.0
MAX_IDLE: Final = 64
OVERDUE_CHECK_SECONDS: Final = 1


def new_correlation_id() -> str:
    """An id of one exchange, sent along as X-Request-Id, to match the portal's call log with the provider's."""
    return f"{_correlation_prefix}{next(_correlation_counter):012x}"


class Exchange:
    """What is known of one HTTP exchange below HTTP: whether a connection was made."""

    def __init__(self) -> None:
        self.connected = False
        self.timed_out = False
        self.deadline: float | None = None
        self.sock: socket.socket | None = None
        self.before_first_byte: Callable[[], None] | None = None

    def abort(self) -> None:
        """Shuts the socket down. May be called from another thread."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


_watcher: ContextVar[Callable[[Exchange | None], None]] = ContextVar("watcher", default=lambda exchange: None)
_running: set[Exchange] = set()
_running_lock = threading.Lock()
_watchdog_started = False


@contextlib.contextmanager
def track_exchange(seconds: float | None, before_first_byte: Callable[[], None] | None = None) -> Iterator[Exchange]:
    """Tracks one exchange, and aborts it after `seconds` however slowly the peer sends (None: no limit).

    `before_first_byte` is called when the connection is made and the request is about to be sent; it may raise.
    """
    exchange = Exchange()
    exchange.before_first_byte = before_first_byte
    if seconds is not None:
        exchange.deadline = time.monotonic() + seconds
        _watch(exchange)
    watcher = _watcher.get()
    watcher(exchange)
    try:
        yield exchange
    finally:
        watcher(None)
        with _running_lock:
            _running.discard(exchange)


@contextlib.contextmanager
def watch_exchanges(watcher: Callable[[Exchange | None], None]) -> Iterator[None]:
    """Calls `watcher` with each exchange of this thread while the block runs, and with None when it has ended."""
    reset_token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(reset_token)


def _watch(exchange: Exchange) -> None:
    global _watchdog_started
    with _running_lock:
        _running.add(exchange)
        if not _watchdog_started:
            _watchdog_started = True
            threading.Thread(target=_abort_overdue, name="overdue", daemon=True).start()


def _abort_overdue() -> None:
    """A socket limits each read, not their sum; a peer that sends byte by byte would occupy a slot for ever."""
    while True:
        time.sleep(OVERDUE_CHECK_SECONDS)
        now = time.monotonic()
        with _running_lock:
            overdue = [exchange for exchange in _running if exchange.deadline is not None and exchange.deadline < now]
        for exchange in overdue:
            exchange.timed_out = True
            exchange.abort()


@functools.cache
def tls_context(extra_ca_file: str = "") -> ssl.SSLContext:
    """The TLS settings of all connections. Reading the list of authorities costs as much as ten handshakes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # It verifies certificates and host names.
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_verify_locations(CA_FILE)
    if extra_ca_file:
        context.load_verify_locations(extra_ca_file)
        # Companies hand out the authority in the middle as well, which is to be enough.
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


class _Connection(HTTPConnection):
    """A connection to the host of an address, opened by the guard."""

    response_class = ResponseReader  # type: ignore[assignment]  # It has what `getresponse` wants.

    def __init__(self, guard: AddressGuard, parts: SplitResult) -> None:
        self.guard = guard
        self.is_tls = parts.scheme == "https"
        self.default_port = 443 if self.is_tls else 80  # which the Host header leaves out
        super().__init__(parts.hostname or "", parts.port or self.default_port)

    def open(self, exchange: Exchange) -> None:
        """Connects where there is no connection yet. Raises NotSentError, AddressError."""
        if self.sock is None:
            sock = self.guard.connect(self.host, self.port, CONNECT_SECONDS)
            exchange.sock = sock
            try:
                if self.is_tls:
                    context = tls_context(self.guard.extra_ca_file)
                    sock = context.wrap_socket(sock, server_hostname=self.host.rstrip("."))
                sock.settimeout(READ_SECONDS)
            except BaseException:
                sock.close()
                raise
            self.sock = sock
        exchange.sock, exchange.connected = self.sock, True

    def is_usable(self) -> bool:
        """Whether it is open, and nothing has come that nobody waits for (its end, mostly)."""
        if self.sock is None:
            return False
        readable = poll()
        readable.register(self.sock, POLLIN)
        return not readable.poll(0)


def error_from_exception(problem: Exception, exchange: Exchange, label: str) -> ProviderError:
    """The error that a broken exchange with `label` means: nothing was sent, or it was sent and the answer lost."""
    if not exchange.connected:
        reason = _certificate_problem(problem) or "no secure connection could be made"
        return NotSentError(f"{label} could not be reached: {reason}.")
    if isinstance(problem, MalformedError) and not exchange.timed_out:
        return UnclearError(f"{label} sent an answer that cannot be read: {problem}.")
    timed_out = exchange.timed_out or isinstance(problem, TimeoutError)
    timed_out |= isinstance(problem, CutOffError) and problem.timed_out
    return UnclearError(f"{label} did not answer in time." if timed_out else f"{label} broke off early.")


def _certificate_problem(problem: BaseException | None) -> str:
    """What is wrong with the certificate of the host, or "" where the certificate is not the problem."""
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return f"its certificate does not hold ({problem.verify_message.rstrip('.')})"
        problem = problem.__cause__ or problem.__context__
    return ""


class ApiSession:
    """Connections to the hosts of an API, kept alive between calls.

    It sends exactly the headers that it is given: it keeps no cookie, and reads nothing from the environment.
    `close` closes all its connections; so does its end.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self.guard = guard
        self._idle: dict[tuple[str, str], list[_Connection]] = {}
        self.close = weakref.finalize(self, _close_all, self._idle)

    @contextlib.contextmanager
    def send_request(
        self, exchange: Exchange, method: str, parts: SplitResult, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[ResponseReader]:
        """Sends one request and reads the head of its answer; no retry, no redirect.

        The connection is kept where the body was read to its end. Raises ProviderError, HTTPException, OSError.
        """
        idle = self._idle.setdefault((parts.scheme, parts.netloc), [])
        connection = _take_usable(idle) or _Connection(self.guard, parts)
        response: ResponseReader | None = None
        try:
            connection.open(exchange)
            if exchange.before_first_byte is not None:
                exchange.before_first_byte()
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
            # A server that refuses a body early may close before it has read it; its answer counts.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                try:
                    connection.request(method, target, body, headers)
                except ValueError:  # which comes before the first byte leaves
                    raise CredentialError("The credential has characters that can't be sent: enter it again.") from None
            response = connection.getresponse()  # type: ignore[assignment]
            assert response is not None  # noqa: S101
            yield response
        finally:
            if response is not None and response.is_complete and not response.will_close and len(idle) < MAX_IDLE:
                idle.append(connection)
            else:
                connection.close()
                if response is not None:
                    response.close()


def _close_all(places: dict[tuple[str, str], list[_Connection]]) -> None:
    for idle in places.values():
        while idle:
            idle.pop().close()


def _take_usable(idle: list[_Connection]) -> _Connection | None:
    """The connection used last, if it is still good; those that are not are closed."""
    while True:
        try:
            connection = idle.pop()
        except IndexError:
            return None
        if connection.is_usable():
            return connection
        connection.close()


MAX_SESSIONS: Final = 500
_sessions_lock = threading.Lock()
_sessions: OrderedDict[tuple[str, AddressGuard], ApiSession] = OrderedDict()


def shared_session(key: str, guard: AddressGuard) -> ApiSession:
    """The session of `key` and this guard, made on first use; beyond 500 the least recently used is dropped."""
    place = key, guard
    with _sessions_lock:
        session = _sessions.get(place)
        if session is None:
            session = _sessions[place] = ApiSession(guard)
            if len(_sessions) > MAX_SESSIONS:
                _sessions.popitem(last=False)
        _sessions.move_to_end(place)
    return session
