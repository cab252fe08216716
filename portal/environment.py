"""Reads the environment for the settings. Every error in it becomes one sentence that says what to do."""

import json
import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from kombu import Exchange, Queue
from kombu.utils.url import parse_url

from portal.keys import read_or_create_secret
from portal.private_files import make_contents_private, make_private, set_private_umask
from portal.secret_files import SecretFiles

T = TypeVar("T")

env = environ.Env()
env.ENVIRON = SecretFiles()

# Seconds, and milliseconds in tcp_user_timeout: see `database`.
KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}

# How long a request waits for a database that another program holds, or that cannot be reached, before it is a 503.
WEB_WAIT_SECONDS = 5
# What PostgreSQL ends by itself, in seconds: a statement, a wait for a lock, a transaction in which nothing happens. A
# person waits for the web process; the longest statements of workers are those of the nightly clean-up.
WEB_LIMITS = {"statement_timeout": 8, "lock_timeout": 4, "idle_in_transaction_session_timeout": 30}
WORKER_LIMITS = {"statement_timeout": 60, "lock_timeout": 5, "idle_in_transaction_session_timeout": 60}

# Redis and RabbitMQ are for production, `spool` is the embedded broker; `memory` reaches no other process, for tests.
BROKER_SCHEMES = {"redis", "rediss", "sentinel", "amqp", "amqps", "spool", "memory"}


def get_text(name: str, default: str = "") -> str:
    """The variable without white space around it; the default when it is unset or empty."""
    return str(env.str(name, default="")).strip() or default


def read_variable(name: str, reader: Callable[[str], T], default: T, remedy: str) -> T:
    """The variable as the reader parses it; the default when it is unset or empty.

    ImproperlyConfigured with "NAME cannot be read: remedy" when the reader raises. Neither its sentence nor its
    traceback repeats the value, which may hold a password.
    """
    if not get_text(name):
        return default
    try:
        # What django-environ only warns of is an error as well, and its warning can hold the password.
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            return reader(name)
    except (ImproperlyConfigured, UserWarning, ValueError, KeyError):
        # The error may quote a piece of the value: urlsplit takes what stands before a `/` in a password for a port.
        raise ImproperlyConfigured(f"{name} cannot be read: {remedy}") from None


def get_int(name: str, default: int, least: int = 0) -> int:
    """The variable as a whole number of at least `least`; ImproperlyConfigured for anything else."""

    def reader(name: str) -> int:
        value = int(get_text(name))
        if value < least:
            raise ValueError(name)
        return value

    return read_variable(
        name, reader, default, f"give a whole number of at least {least}, for example {name}={default}."
    )


def get_choice(name: str, choices: tuple[str, ...]) -> str:
    """The variable as one of the choices, in any case; the first when it is unset. ImproperlyConfigured for others."""

    def reader(name: str) -> str:
        return {choice.lower(): choice for choice in choices}[get_text(name).lower()]

    return read_variable(name, reader, choices[0], f"give one of {', '.join(choices)}.")


def get_list(name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The variable as a list separated by commas, without empty entries; the default when there is none."""
    return tuple(word.strip() for word in get_text(name).split(",") if word.strip()) or default


def data_dir(default: Path) -> Path:
    """DATA_DIR as an absolute path, created when missing; ImproperlyConfigured when it is not writable."""
    folder = Path(get_text("DATA_DIR", str(default))).expanduser().absolute()
    # It holds the keys and the files of all teams, so no other user of the machine may read what is in it. A folder
    # that was there keeps its own mode: it is the operator's.
    set_private_umask()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "static").mkdir(exist_ok=True)
        make_contents_private(folder)
        writable = os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        writable = False
    if not writable:
        raise ImproperlyConfigured(
            f"The data directory {folder} cannot be written: make it writable, or set DATA_DIR to a folder that is."
        )
    return folder


def public_url() -> str:
    """PUBLIC_URL without a slash at its end, "" when unset; ImproperlyConfigured when it is no http(s) address."""

    def reader(name: str) -> str:
        parts = urlsplit(get_text(name))
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(name)
        if not re.fullmatch(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*/?", parts.path):
            raise ValueError(name)
        _ = parts.port  # ValueError when it is no port
        return get_text(name).rstrip("/")

    return read_variable(
        "PUBLIC_URL", reader, "", "give the portal's own address, for example https://portal.example.org."
    )


def listening_url(folder: Path) -> str:
    """The address that `up` prints, without a slash at its end: it tells its processes by LISTENING_URL.

    Commands beside a running `up` find it in the lock of the data directory. "" when none runs.
    """
    if url := get_text("LISTENING_URL"):
        return url.rstrip("/")
    try:
        process, url = (folder / "up.lock").read_text(encoding="utf-8").split("\n")[:2]
        os.kill(int(process), 0)
    except PermissionError:
        return url  # the process is there, and another user's
    except (OSError, OverflowError, ValueError):
        return ""
    return url


def secret_key(folder: Path, secure: bool) -> str:
    """SECRET_KEY, or the one kept in the data directory, which is created on first use.

    ImproperlyConfigured when it is unset with https (`secure`), or when the kept one cannot be read.
    """
    value = get_text("SECRET_KEY")
    if value:
        return value
    if secure:
        raise ImproperlyConfigured(
            "With a PUBLIC_URL of https, SECRET_KEY must be given: set it to 50 or more random characters and keep it."
        )
    path = folder / "secret_key"
    try:
        return read_or_create_secret(path)
    except (OSError, ValueError) as problem:
        raise ImproperlyConfigured(
            f"The signing key in {path} cannot be read: make the file readable, delete it, or set SECRET_KEY."
        ) from problem


def database(folder: Path) -> dict[str, Any]:
    """The settings of the default database: PostgreSQL by DATABASE_URL, else SQLite in the data directory."""

    def reader(name: str) -> dict[str, Any]:
        parsed: dict[str, Any] = env.db_url(name)
        engine = parsed["ENGINE"].rpartition(".")[2]
        usable = {"postgresql": bool(parsed["NAME"]), "sqlite3": Path(parsed["NAME"]).absolute().parent.is_dir()}
        # An embedded database in memory would be another one in every process.
        if not usable.get(engine) or parsed["NAME"] == ":memory:":
            raise ValueError(name)
        return parsed

    embedded: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "portal.sqlite3")}
    remedy = "give postgres://user:password@host:5432/name, or unset it for the embedded database."
    settings = read_variable("DATABASE_URL", reader, embedded, remedy)
    options = settings.setdefault("OPTIONS", {})
    if settings["ENGINE"].endswith("postgresql"):
        settings["ENGINE"] = "portal.postgresql"
        settings.setdefault("CONN_MAX_AGE", 60)
        settings.setdefault("CONN_HEALTH_CHECKS", True)
        # A server-side cursor outlives its transaction, which pgbouncer in transaction mode does not allow.
        settings.setdefault("DISABLE_SERVER_SIDE_CURSORS", True)
        options.setdefault("connect_timeout", 10)
        # A server that vanished without closing its connections is noticed within half a minute.
        for name, value in KEEPALIVE.items():
            options.setdefault(name, value)
        return settings
    # IMMEDIATE: a transaction that reads and then writes fails at once when there is another writer; one that begins
    # as a writer waits for it. WAL: readers and the writer do not wait for each other. FULL: a commit is on the disk
    # before anything follows from it. With NORMAL a power cut could undo the last commits, and with them the record
    # that a provider was asked for an export, which would then be asked for twice.
    options.setdefault("timeout", 20)
    options.setdefault("transaction_mode", "IMMEDIATE")
    options.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;")
    # Opening it costs as much as what most tasks ask of it.
    settings.setdefault("CONN_MAX_AGE", 60)
    make_private(Path(settings["NAME"]))
    # A file, because threads that share Django's default test database in memory lock each other out.
    settings["TEST"] = {"NAME": str(folder / "test.sqlite3")}
    return settings


def limit_waits(database: dict[str, Any], limits: dict[str, int]) -> None:
    """Has this process give up waiting for the database in time: WEB_LIMITS or WORKER_LIMITS.

    Commands do not call it: a migration, or a large clean-up, takes as long as it takes.
    """
    is_postgresql = database["ENGINE"].endswith("postgresql")
    if is_postgresql:
        database["LIMITS"] = limits
    if limits is WEB_LIMITS:
        name, options = "connect_timeout" if is_postgresql else "timeout", database["OPTIONS"]
        options[name] = min(int(options[name]), WEB_WAIT_SECONDS)


def broker(folder: Path) -> tuple[str, dict[str, Any]]:
    """The broker's URL and transport options: Redis or RabbitMQ by CELERY_BROKER_URL, else the embedded spool.

    Several addresses of one kind, tried in turn, are separated by `;`. CELERY_BROKER_OPTIONS adds to the options.
    ImproperlyConfigured when one of them cannot be read, or when the options do not name the sentinels' master.
    """

    def reader(name: str) -> str:
        addresses = [address.strip() for address in get_text(name).split(";")]
        for address in addresses:
            parts = urlsplit(address)
            _ = parts.port  # ValueError when it is no port
            parse_url(address)  # KeyError when an ssl_ option has an unknown value
            if parts.scheme not in BROKER_SCHEMES or not parts.hostname:
                raise ValueError(name)
        if len({urlsplit(address).scheme for address in addresses}) > 1:
            raise ValueError(name)
        return ";".join(addresses)

    remedy = (
        "give redis://host:6379/0, rediss://…, sentinel://host:26379;sentinel://…, or amqp://user:password@host:5672//;"
        " several of one kind are separated by semicolons; or unset it for the embedded broker."
    )
    url = read_variable("CELERY_BROKER_URL", reader, "spool://localhost", remedy)
    # The database says what is due. So publishing tries once and gives up soon: no web request waits for a broker
    # that is away. A worker's own connection is retried without end (see the settings).
    options: dict[str, Any] = {"max_retries": 1, "interval_start": 0, "interval_step": 0.1, "interval_max": 0.1}
    match urlsplit(url).scheme:
        case "spool":
            options["folder"] = str(folder / "broker")
        case "redis" | "rediss" | "sentinel":
            options |= {"socket_connect_timeout": 2, "socket_timeout": 3, "socket_keepalive": True}
            options |= {"health_check_interval": 25}
        case "amqp" | "amqps":
            options |= {"write_timeout": 3}
    empty: dict[str, Any] = {}
    options |= read_variable(
        "CELERY_BROKER_OPTIONS", _json_object, empty, 'give a JSON object, for example {"master_name": "mymaster"}.'
    )
    if url.startswith("sentinel:") and not options.get("master_name"):
        raise ImproperlyConfigured(
            "CELERY_BROKER_URL names sentinels, so CELERY_BROKER_OPTIONS must name their master, for example"
            ' {"master_name": "mymaster"}.'
        )
    return url, options


def _json_object(name: str) -> dict[str, Any]:
    value = json.loads(get_text(name))
    if not isinstance(value, dict):
        raise ValueError(name)
    return value


def task_queues(prefix: str) -> list[Queue]:
    """The queues of the Celery tasks, for worker, dispatcher and beat."""
    exchange = Exchange(prefix, type="direct")
    names = [f"{prefix}.{name}" for name in ("submit", "poll", "fetch", "deliver", "control")]
    return [Queue(name, exchange, routing_key=name) for name in names]


def worker_pool() -> tuple[str, int]:
    """Celery's `-P` and `-c` for the worker that `up` starts: by the services that are set, and by the machine."""
    embedded = not (get_text("DATABASE_URL") and get_text("CELERY_BROKER_URL"))
    pool, slots = ("threads", 8) if embedded else ("prefork", max(8, 2 * (os.cpu_count() or 1)))
    return pool, get_int("WORKER_CONCURRENCY", slots, least=1)


def is_redis(url: str) -> bool:
    """Whether the broker is Redis, in any of the ways that it is reached."""
    return urlsplit(url).scheme in {"redis", "rediss", "sentinel"}


def openid_provider() -> dict[str, Any]:
    """The OpenID Connect provider that people may sign in with, as allauth reads it; empty without one.

    ImproperlyConfigured when only some of its variables are set, or when its address is not https.
    """
    names = ("OIDC_SERVER_URL", "OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET")
    server, client, secret = (get_text(name) for name in names)
    if not any((server, client, secret)):
        return {}
    # Over plain http, anyone on the way could change the provider's answers and sign in as another person.
    local = urlsplit(server).hostname in {"localhost", "127.0.0.1", "::1"}
    if not all((server, client, secret)) or not (server.startswith("https://") or local):
        raise ImproperlyConfigured(
            f"{', '.join(names)} belong together: give all three, the first as the provider's https address, or none."
        )
    return {
        "provider_id": "openid",
        "name": get_text("OIDC_NAME", "OpenID Connect"),
        "client_id": client,
        "secret": secret,
        "settings": {
            "server_url": server,
            "oauth_pkce_enabled": True,
            "scope": get_text("OIDC_SCOPES", "openid profile email").split(),
        },
    }


def x_accel_location() -> str:
    """X_ACCEL_LOCATION with a slash at its end, "" when unset; ImproperlyConfigured when it is no path."""

    def reader(name: str) -> str:
        path = get_text(name).rstrip("/") + "/"
        if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+/", path):
            raise ValueError(name)
        return path

    return read_variable(
        "X_ACCEL_LOCATION", reader, "", "give the internal location of your proxy, for example /kept/."
    )


def mail_settings() -> dict[str, Any]:
    """Django's EMAIL_… settings by EMAIL_URL, else mail that is written into files."""

    def reader(name: str) -> dict[str, Any]:
        parsed: dict[str, Any] = env.email_url(name)
        return parsed

    files = {"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}
    remedy = "give smtp+tls://user:password@host:587, or unset it for mail into files."
    return read_variable("EMAIL_URL", reader, files, remedy)
