"""Sockets below `requests`: connections that go where the guard checked, and end when their time is over."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from exports.providers.errors import NotSentError, ProviderError
from exports.providers.guard import Guard


class Exchange:
    """What is known of one exchange below HTTP: whether a connection stood, and why not."""

    def __init__(self) -> None:
        self.connected = False
        self.refused: ProviderError | None = None
        self.overdue = False
        self.ends: float | None = None
        self.sock: socket.socket | None = None
        self.before: Callable[[], None] | None = None

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
def exchanging(seconds: float | None, before: Callable[[], None] | None = None) -> Iterator[Exchange]:
    """One exchange, ended from outside after `seconds` whatever the peer drips (None: no bound).

    `before` is asked when the connection stands and the first byte is about to leave; it may raise.
    """
    exchange = Exchange()
    exchange.before = before
    if seconds is not None:
        exchange.ends = time.monotonic() + seconds
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
            overdue = [one for one in _running if one.ends is not None and one.ends < now]
        for one in overdue:
            one.overdue = True
            one.abort()


class _Marks:
    """Mixin: tells the current exchange that the connection (with TLS) stands."""

    sock: Any

    def connect(self) -> None:
        super().connect()  # type: ignore[misc]
        _stands(self.sock)

    def putrequest(self, *args: Any, **kwargs: Any) -> None:
        exchange = _current.get()
        if exchange is not None and exchange.before is not None:
            if self.sock is None:
                self.connect()
            exchange.before()
        if self.sock is not None:
            _stands(self.sock)
        super().putrequest(*args, **kwargs)  # type: ignore[misc]


def _stands(sock: socket.socket) -> None:
    exchange = _current.get()
    if exchange is not None:
        exchange.connected = True
        exchange.sock = sock


def _guarded(guard: Guard) -> tuple[type[HTTPConnectionPool], type[HTTPSConnectionPool]]:
    """Pool classes whose connections are made by the guard."""

    def new_conn(connection: Any) -> socket.socket:
        exchange = _current.get()
        timeout = connection.timeout if isinstance(connection.timeout, int | float) else None
        try:
            sock = guard.connect(connection.host, connection.port, timeout)
        except NotSentError as problem:
            if exchange is not None:
                exchange.refused = problem
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
    def __init__(self, guard: Guard) -> None:
        self.pools = _guarded(guard)
        super().__init__(pool_connections=4, pool_maxsize=64, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        manager.pool_classes_by_scheme = {"http": self.pools[0], "https": self.pools[1]}
        self.poolmanager = manager


def new_session(guard: Guard) -> requests.Session:
    """A session that trusts nothing of the environment (a .netrc entry was measured to replace a Bearer token)."""
    session = _Session()
    session.trust_env = False
    session.cookies = _NoCookies()
    adapter = _Adapter(guard)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _Session(requests.Session):
    """Leaves redirects to us: requests reads their whole body, and stumbles over addresses that are none."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


class _NoCookies(RequestsCookieJar):
    """Keeps nothing: one team's answer must not mark another's request."""

    def set_cookie(self, cookie: Any, *args: Any, **kwargs: Any) -> None:
        return None
