"""Connections of urllib3 that go only where the address guard allows, and that end when their time is over.

Two callers use them, each in its own way:

- `Client` (client.py) calls a provider's API through `ApiSession.send_request`, directly on urllib3. It does not use
  `requests`: what `requests.Session` does around a call was measured to cost as much CPU as the call itself, and
  nothing of it is wanted here (cookies, redirects, proxies, settings from the environment).
- `open_url` (open_url.py) opens an address from outside with a `requests.Session` of its own for each request. Its
  adapter takes the connections from `guarded_pool_manager`, so the same guard and deadlines apply. There `requests`
  normalises the address and encodes the JSON body; the response is read from urllib3's object below it.

Besides these, redirects.py uses the function of `requests` that quotes an address. Nothing else uses `requests`.
"""

import contextlib
import functools
import itertools
import secrets
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any, Final
from urllib.parse import SplitResult

import certifi
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import TimeoutError as Urllib3TimeoutError
from urllib3.util.ssl_ import create_urllib3_context

from exports.transport.errors import NotSentError, ProviderError, UnclearError
from exports.transport.ssrf import AddressGuard

# A random prefix for each process and a counter: a random number for each exchange would be a system call each.
_correlation_prefix: Final = secrets.token_hex(10)
_correlation_counter: Final = itertools.count()
CA_FILE: Final = certifi.where()
OVERDUE_CHECK_SECONDS: Final = 1


def new_correlation_id() -> str:
    """An id of one exchange, sent along as X-Request-Id, to match the portal's call log with the provider's."""
    return f"{_correlation_prefix}{next(_correlation_counter):012x}"


class Exchange:
    """What is known of one HTTP exchange below HTTP: whether a connection was made, and why not."""

    def __init__(self) -> None:
        self.connected = False
        self.connect_error: ProviderError | None = None
        self.timed_out = False
        self.deadline: float | None = None
        self.sock: socket.socket | None = None
        self.before_first_byte: Callable[[], None] | None = None

    def abort(self) -> None:
        """Shuts the socket down. May be called from another thread."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
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
    reset_token = _current.set(exchange)
    watcher = _watcher.get()
    watcher(exchange)
    try:
        yield exchange
    finally:
        watcher(None)
        _current.reset(reset_token)
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
    """urllib3 limits each read, not their sum; a peer that sends byte by byte would occupy a slot for ever."""
    while True:
        time.sleep(OVERDUE_CHECK_SECONDS)
        now = time.monotonic()
        with _running_lock:
            overdue = [exchange for exchange in _running if exchange.deadline is not None and exchange.deadline < now]
        for exchange in overdue:
            exchange.timed_out = True
            exchange.abort()


class _TrackedConnection:
    """Mixin: notes in the current exchange that the connection, with TLS, is made."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _mark_connected(self.sock)

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        exchange = _current.get()
        if exchange is not None and exchange.before_first_byte is not None:
            if self.sock is None:
                self.connect()
            exchange.before_first_byte()
        if self.sock is not None:
            _mark_connected(self.sock)
        super().putrequest(*args, **kwargs)  # type: ignore[misc]


def _mark_connected(sock: socket.socket) -> None:
    exchange = _current.get()
    if exchange is not None:
        exchange.connected = True
        exchange.sock = sock


@functools.cache
def _tls_context() -> ssl.SSLContext:
    """The TLS settings of all API connections. Reading the list of authorities costs as much as ten handshakes."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(CA_FILE)
    return context


def error_from_exception(
    problem: Exception, exchange: Exchange, label: str, *, timed_out: bool = False
) -> ProviderError:
    """The error that a broken exchange with `label` means: nothing was sent, or it was sent and the answer lost."""
    if exchange.connect_error is not None:
        return exchange.connect_error
    if not exchange.connected:
        reason = _certificate_problem(problem) or "no secure connection could be made"
        return NotSentError(f"{label} could not be reached: {reason}.")
    timed_out = timed_out or exchange.timed_out or isinstance(problem, TimeoutError | Urllib3TimeoutError)
    what = "did not answer in time" if timed_out else "was cut off before its answer was whole"
    return UnclearError(f"{label} {what}.")


def _certificate_problem(problem: BaseException | None) -> str:
    """What is wrong with the certificate of the host, or "" where the certificate is not the problem."""
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return f"its certificate does not hold ({problem.verify_message.rstrip('.')})"
        problem = problem.__cause__ or problem.__context__
    return ""


def guarded_pool_manager(guard: AddressGuard, **options: Any) -> PoolManager:
    """A pool manager of urllib3 whose sockets are opened by the guard. `options` are those of PoolManager."""

    def open_socket(connection: Any) -> socket.socket:
        exchange = _current.get()
        timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
        try:
            sock = guard.connect(connection.host, connection.port, timeout)
        except NotSentError as problem:
            if exchange is not None:
                exchange.connect_error = problem
            raise OSError(problem.message) from None
        if exchange is not None:
            exchange.sock = sock
        return sock

    class GuardedHTTPConnection(_TrackedConnection, HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return open_socket(self)

    class GuardedHTTPSConnection(_TrackedConnection, HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return open_socket(self)

    class HTTPPool(HTTPConnectionPool):
        ConnectionCls = GuardedHTTPConnection

    class HTTPSPool(HTTPSConnectionPool):
        ConnectionCls = GuardedHTTPSConnection

    manager = PoolManager(**options)
    manager.pool_classes_by_scheme = {"http": HTTPPool, "https": HTTPSPool}
    return manager


class ApiSession:
    """Connections to the hosts of an API, kept alive between calls.

    It sends exactly the headers that it is given: it keeps no cookie, and reads nothing from the environment.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self.manager = guarded_pool_manager(guard, num_pools=4, maxsize=64)
        self.pools: dict[tuple[str, str], HTTPConnectionPool] = {}

    def send_request(
        self, method: str, parts: SplitResult, body: bytes | None, headers: Mapping[str, str], timeout: Timeout
    ) -> BaseHTTPResponse:
        """Sends one request and reads the head of its answer; no retry, no redirect.

        Raises urllib3's HTTPError, OSError.
        """
        place = parts.scheme, parts.netloc
        if (pool := self.pools.get(place)) is None:
            tls = {"ssl_context": _tls_context()} if parts.scheme == "https" else {}
            pool = self.pools[place] = self.manager.connection_from_host(
                parts.hostname or "", parts.port, parts.scheme, tls
            )
        return pool.urlopen(
            method,
            f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/",
            body,
            headers,
            retries=False,
            redirect=False,
            assert_same_host=False,
            timeout=timeout,
            preload_content=False,
            decode_content=False,
        )

    def close(self) -> None:
        """Closes all its connections."""
        self.manager.clear()


MAX_SESSIONS: Final = 500
_sessions_lock = threading.Lock()
_sessions: OrderedDict[tuple[str, frozenset[str]], ApiSession] = OrderedDict()


def shared_session(key: str, guard: AddressGuard) -> ApiSession:
    """The session of `key` and this guard, made on first use; beyond 500 the least recently used is dropped."""
    place = key, guard.private_hosts
    with _sessions_lock:
        session = _sessions.get(place)
        if session is None:
            session = _sessions[place] = ApiSession(guard)
            if len(_sessions) > MAX_SESSIONS:
                _sessions.popitem(last=False)
        _sessions.move_to_end(place)
    return session
