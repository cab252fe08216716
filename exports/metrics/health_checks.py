"""What the portal depends on, one check each: returns words about what is well, or raises CheckFailed.

No word holds a secret: addresses of servers and what they answer to a sign-in stay out.
"""

import smtplib
import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.db import DatabaseError, connection
from django.utils import timezone
from django.utils.timesince import timesince

from exports.metrics.data_modes import check_modes
from exports.metrics.disk import disk_room
from exports.metrics.migration_state import error_summary, migration_state
from exports.metrics.workers import BEAT, WORKER, NodeStatus, Workers, get_workers
from exports.models import Credential, DatabaseIdentity, encrypted
from exports.providers.registry import PACKAGES, PROVIDERS, SHIPPED
from exports.storage import places
from exports.transport.errors import ProviderError

# A server that does not answer is given up after so many seconds.
CONNECT_SECONDS: Final = 3
# A clock that is off by more makes second factors and signed requests fail, and times on pages lie.
MAX_SKEW_SECONDS: Final = 5.0
# Of each kind of row so many of the oldest and of the newest are decrypted; `doctor` decrypts all.
KEY_SAMPLE: Final = 20


class CheckFailed(Exception):
    """What is wrong and what to do about it, as a sentence."""


def database() -> str:
    """The database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as problem:
        raise CheckFailed(
            f"Cannot be used ({error_summary(problem)}): check that it runs, and DATABASE_URL."
        ) from problem
    if DatabaseIdentity.is_known_copy():
        command = f"{settings.PORTAL_COMMAND} after_restore"
        raise CheckFailed(f"It is a copy of another one, so nothing starts: run {command}, or with --moved.")
    return f"{connection.display_name}, {_database_name()}"


def _database_name() -> str:
    """The database's name, with the host where it has one; no user and no password."""
    values = connection.settings_dict
    return f"{values['NAME']} at {values['HOST']}" if values["HOST"] else str(values["NAME"])


def migrations() -> str:
    """The database has exactly the migrations of this code."""
    state = migration_state()
    if state.newer:
        raise CheckFailed("The database was made by a newer version of the portal: run that version.")
    if state.waiting:
        raise CheckFailed(f"{state.waiting} migrations are not applied: run {settings.PORTAL_COMMAND} up --prepare.")
    return "the database is up to date"


def mode() -> str:
    """Whether the portal is being maintained; "" where it is not."""
    return "read-only (READ_ONLY is set): nothing can be changed, and nothing new starts" if settings.READ_ONLY else ""


def broker() -> str:
    """The broker takes a connection."""
    from portal.celery import app

    with app.connection_for_write() as broker_connection:
        try:
            broker_connection.ensure_connection(max_retries=1, timeout=CONNECT_SECONDS)
        except Exception as problem:  # each broker's client raises its own
            raise CheckFailed(
                "Cannot be reached: check that it runs, and CELERY_BROKER_URL. Nothing new starts until it is back."
            ) from problem
        return f"{broker_connection.transport_cls} answers"


def worker() -> str:
    """Every queue is read by a worker that has shown up lately."""
    workers = get_workers()
    if not workers.alive:
        raise CheckFailed("None has shown up lately: start a worker (manage.py up starts one). What is due waits.")
    if workers.disconnected and workers.unread_queues:
        names = ", ".join(node.name for node in workers.disconnected)
        raise CheckFailed(f"{names} cannot reach the broker: nothing new starts until it is back.")
    if workers.unread_queues:
        queues = ",".join(workers.unread_queues)
        raise CheckFailed(f"Nobody reads {queues}: start a worker with -Q {queues}. What is due there waits.")
    slots = sum(node.slots for node in workers.alive)
    gone = _gone(workers, WORKER)
    return f"{_count(workers.alive)} with {slots} slots, {sum(node.busy for node in workers.alive)} busy{gone}"


def beat() -> str:
    """A beat has shown up lately."""
    workers = get_workers()
    if not workers.beats:
        raise CheckFailed("None has shown up lately: start beat (manage.py up starts one). What is due on time waits.")
    return f"{_count(workers.beats)}{_gone(workers, BEAT)}"


def _count(nodes: Sequence[NodeStatus]) -> str:
    return f"{nodes[0].name} is there" if len(nodes) == 1 else f"{len(nodes)} are there"


def _gone(workers: Workers, kind: str) -> str:
    """A clause about those that fell silent in the last day without having been stopped."""
    gone = [node for node in workers.gone if node.kind == kind]
    seen = ", ".join(f"{node.name}, last seen {timesince(node.last_seen_at)} ago" for node in gone)
    return f"; gone: {seen}" if gone else ""


def storage() -> str:
    """The data directory can be written and is for the portal alone; files can be kept, in it or in the bucket."""
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(b"probe")
            file.flush()
    except OSError as problem:
        raise CheckFailed(
            f"{settings.DATA_DIR} cannot be written ({problem.strerror}): correct that, or set DATA_DIR."
        ) from problem
    place = places.current()
    problem_there = place.problem()
    if problem_there and place is not places.DISK:
        raise CheckFailed(f"{place.identity}: {problem_there}")
    if problem_there:
        raise CheckFailed(problem_there)
    about = "" if place is places.DISK else f"; files in {place.identity}, which takes, gives and deletes them"
    try:
        return f"{settings.DATA_DIR}{check_modes(Path(settings.DATA_DIR))}{about}"
    except ValueError as problem:
        raise CheckFailed(str(problem)) from None


def disk() -> str:
    """The disk of the data directory has room."""
    try:
        room = disk_room()
    except OSError as problem:
        raise CheckFailed(f"The disk of {settings.DATA_DIR} cannot be asked ({problem.strerror}).") from problem
    if room.is_low:
        raise CheckFailed(f"Only {room.free / 1e6:.0f} MB are free below {settings.DATA_DIR}: make room.")
    return f"{room.free / 1e9:.1f} GB free below {settings.DATA_DIR}"


def keys() -> str:
    """The encryption keys decrypt everything that is encrypted."""
    return _keys(None)


def some_keys() -> str:
    """The encryption keys decrypt the oldest and the newest of what is encrypted."""
    return _keys(KEY_SAMPLE)


def _keys(limit: int | None) -> str:
    if problems := encrypted.check_key_ring(limit):
        raise CheckFailed(f"{problems[0]} ({len(problems)} encrypted rows in all.)")
    return "every secret can be opened"


def clock() -> str:
    """This machine's clock and the database server's agree. SQLite has no clock of its own."""
    if connection.vendor != "postgresql":
        return "the database uses this machine's"
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        there: datetime = cursor.fetchone()[0]
    here = before + (timezone.now() - before) / 2
    seconds = (there - here).total_seconds()
    if abs(seconds) > MAX_SKEW_SECONDS:
        advice = "Set the clocks by NTP: second factors and signed requests go by this machine's."
        if seconds > 0:
            raise CheckFailed(f"This machine is {seconds:.0f} s behind the database's clock. {advice}")
        raise CheckFailed(f"This machine is {-seconds:.0f} s ahead of the database's clock. {advice}")
    return "agrees with the database's"


def egress() -> str:
    """The proxy, where one is set, takes a connection; the extra authorities are said."""
    authorities = f", also trusting {settings.EXTRA_CA_FILE}" if settings.EXTRA_CA_FILE else ""
    if (proxy := settings.EGRESS_PROXY) is None:
        return f"directly{authorities}"
    try:
        proxy.check(timeout=CONNECT_SECONDS)
    except ProviderError as problem:
        raise CheckFailed(f"{problem.message} Check that it runs, and EGRESS_PROXY.") from problem
    return f"through {proxy.host}:{proxy.port}{authorities}"


def providers() -> str:
    """The provider of every installed package can be used, and of every credential is installed."""
    if problems := [package.problem for package in PACKAGES if package.problem]:
        raise CheckFailed(" ".join(problems))
    rows = Credential.objects.filter(deleted_at=None).exclude(provider__in=PROVIDERS)
    if missing := ", ".join(sorted(set(rows.values_list("provider", flat=True)))):
        raise CheckFailed(f"Not installed, though there are credentials of it: {missing}. Install its package again.")
    added = ", ".join(f"{package.provider.label} ({package})" for package in PACKAGES if package.provider)
    return f"{len(SHIPPED)} of the portal's own" + (f"; {added}" if added else "")


def mail() -> str:
    """Mail can be handed over. Nothing is sent."""
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        try:
            get_connection()
        except ImproperlyConfigured as problem:
            raise CheckFailed(f"{problem}: make the folder writable, or set EMAIL_URL.") from problem
        return f"into files in {settings.EMAIL_FILE_PATH}; set EMAIL_URL to send it"
    is_smtp = settings.EMAIL_BACKEND.endswith("smtp.EmailBackend")
    mailer = get_connection(timeout=CONNECT_SECONDS) if is_smtp else get_connection()
    try:
        mailer.open()
        mailer.close()
    except OSError as problem:  # smtplib's errors are of this kind as well
        # What the server says to a sign-in that it refuses may repeat the name.
        said = problem.smtp_code if isinstance(problem, smtplib.SMTPResponseException) else error_summary(problem)
        raise CheckFailed(f"The mail server does not take us ({said}): check that it runs, and EMAIL_URL.") from problem
    return "the server answers"
