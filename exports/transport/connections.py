"""Sockets below `requests`: connections that go where the guard checked, and end when their time is over."""

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
import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.ssl_ import create_urllib3_context

from exports.transport.errors import NotSentError, ProviderError
from exports.transport.ssrf import AddressGuard

# Told apart from every other process's by its beginning; a random number each would ask the system for each.
_PREFIX: Final = secrets.token_hex(10)
_numbers: Final = itertools.count()
CA_FILE: Final = certifi.where()


def new_correlation_id() -> str:
    """A number for one exchange, sent along, so that ours and the provider's logs can be laid side by side."""
    return f"{_PREFIX}{next(_numbers):012x}"


class Exchange:
    """What is known of one exchange below HTTP: whether a connection stood, and why not."""

    def __init__(self) -> None:
        self.connected = False
        self.connect_error: ProviderError | None = None
        self.timed_out = False
        self.deadline: float | None = None
        self.sock: socket.socket | None = None
        self.before_first_byte: Callable[[], None] | None = None

    def abort(self) -> None:
        """Ends the exchange from another thread."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)
_running: set[Exchange] = set()
_running_lock = threading.Lock()
_watch_started = False


@contextlib.contextmanager
def track_exchange(seconds: float | None, before: Callable[[], None] | None = None) -> Iterator[Exchange]:
    """One exchange, ended from outside after `seconds` whatever the peer drips (None: no bound).

    `before` is asked when the connection stands and the first byte is about to leave; it may raise.
    """
    exchange = Exchange()
    exchange.before_first_byte = before
    if seconds is not None:
        exchange.deadline = time.monotonic() + seconds
        _watch(exchange)
    mark = _current.set(exchange)
    try:
        yield exchange
    finally:
        _current.reset(mark)
        with _running_lock:
            _running.discard(exchange)


def _watch(exchange: Exchange) -> None:
    global _watch_started
    with _running_lock:
        _running.add(exchange)
        if not _watch_started:
            _watch_started = True
            threading.Thread(target=_end_overdue, name="overdue", daemon=True).start()


def _end_overdue() -> None:
    """requests bounds each read, not their sum; a peer that drips bytes would hold a slot for ever."""
    while True:
        time.sleep(5)
        now = time.monotonic()
        with _running_lock:
            overdue = [one for one in _running if one.deadline is not None and one.deadline < now]
        for one in overdue:
            one.timed_out = True
            one.abort()


class _Marks:
    """Mixin: tells the current exchange that the connection (with TLS) stands."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _stands(self.sock)

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        exchange = _current.get()
        if exchange is not None and exchange.before_first_byte is not None:
            if self.sock is None:
                self.connect()
            exchange.before_first_byte()
        if self.sock is not None:
            _stands(self.sock)
        super().putrequest(*args, **kwargs)  # type: ignore[misc]


def _stands(sock: socket.socket) -> None:
    exchange = _current.get()
    if exchange is not None:
        exchange.connected = True
        exchange.sock = sock


@functools.cache
def _trust() -> ssl.SSLContext:
    """What certificates are checked with. To read the list of authorities costs as much as ten handshakes."""
    context = create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED)
    context.load_verify_locations(CA_FILE)
    return context


def certificate_problem(problem: BaseException | None) -> str:
    """What is wrong with the certificate that the host showed; nothing where that is not what went wrong."""
    while problem is not None:
        if isinstance(problem, ssl.SSLCertVerificationError):
            return f"its certificate does not hold ({problem.verify_message.rstrip('.')})"
        problem = problem.__cause__ or problem.__context__
    return ""


def _guarded(guard: AddressGuard) -> tuple[type[HTTPConnectionPool], type[HTTPSConnectionPool]]:
    """Pool classes whose connections are made by the guard."""

    def new_conn(connection: Any) -> socket.socket:
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

    class Plain(_Marks, HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return new_conn(self)

    class Secure(_Marks, HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return new_conn(self)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return PlainPool, SecurePool


class _Adapter(HTTPAdapter):
    def __init__(self, guard: AddressGuard) -> None:
        self.pools = _guarded(guard)
        super().__init__(pool_connections=4, pool_maxsize=64, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        manager.pool_classes_by_scheme = {"http": self.pools[0], "https": self.pools[1]}
        self.poolmanager = manager


class GuardedSession(requests.Session):
    """Trusts nothing of the environment (a .netrc entry was measured to replace a Bearer token), keeps no cookie.

    `exchange` is for calls that are made by the thousand: the same guarded connections as `request` uses, without
    what requests does around them, which was measured to cost as much again.
    """

    def __init__(self, guard: AddressGuard) -> None:
        super().__init__()
        self.trust_env = False
        self.cookies = _NoCookies()
        self.adapter = _Adapter(guard)
        self.mount("https://", self.adapter)
        self.mount("http://", self.adapter)
        self.pools: dict[tuple[str, str], HTTPConnectionPool] = {}

    def send_request(
        self, method: str, parts: SplitResult, body: bytes | None, headers: Mapping[str, str], timeout: Timeout
    ) -> BaseHTTPResponse:
        """Sends one request and reads the head of its answer. Raises urllib3's HTTPError, OSError."""
        place = parts.scheme, parts.netloc
        if (pool := self.pools.get(place)) is None:
            trust = {"ssl_context": _trust()} if parts.scheme == "https" else {}
            pool = self.pools[place] = self.adapter.poolmanager.connection_from_host(
                parts.hostname or "", parts.port, parts.scheme, trust
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

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Redirects are left to us: requests reads their whole body, and stumbles over addresses that are none."""
        return None


def new_session(guard: AddressGuard) -> GuardedSession:
    """A session whose connections go through the guard."""
    return GuardedSession(guard)


MAX_SESSIONS: Final = 500
_sessions_lock = threading.Lock()
_sessions: OrderedDict[tuple[str, frozenset[str]], GuardedSession] = OrderedDict()


def shared_session(key: str, guard: AddressGuard) -> GuardedSession:
    """The session that steps of one credential share (connections kept alive); the one used least is let go."""
    place = key, guard.private_hosts
    with _sessions_lock:
        session = _sessions.get(place)
        if session is None:
            session = _sessions[place] = new_session(guard)
            if len(_sessions) > MAX_SESSIONS:
                _sessions.popitem(last=False)
        _sessions.move_to_end(place)
    return session


class _NoCookies(RequestsCookieJar):
    """Keeps nothing: one team's answer must not mark another's request."""

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        return None
