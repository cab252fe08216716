"""Checks everything the portal depends on, and says what to do about what fails."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection
from django.utils.timesince import timesince

from exports.metrics.workers import BEAT, WORKER, NodeStatus, get_workers
from exports.transport.errors import ProviderError
from portal.private_files import OWN_NAMES, open_to_others

# Bytes of free disk below which exports are in danger.
MIN_FREE_BYTES = 500_000_000


class CheckFailed(Exception):
    """What is wrong and what to do about it, as a sentence."""


class Command(BaseCommand):
    """Exit codes: 0 all well, 1 something is not."""

    help = "Checks database, broker, worker, beat, storage, keys, the way out, and mail."
    requires_system_checks: list[str] = []  # noqa: RUF012

    def handle(self, *args: Any, **options: Any) -> None:
        exit_code = 0
        for name, check in CHECKS.items():
            try:
                mark, words = "ok", check()
            except CheckFailed as failure:
                mark, words, exit_code = "FAIL", str(failure), 1
            except DatabaseError:
                mark, words, exit_code = "FAIL", "Unknown: first see to the database.", 1
            self.stdout.write(f"{mark:<4}  {name:<8}  {words}")
        sys.exit(exit_code)


def database() -> str:
    """The database answers and has exactly the migrations of this code."""
    from django.db.migrations.executor import MigrationExecutor

    from exports.management.prepare import error_summary, newer_migrations

    try:
        connection.ensure_connection()
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as problem:
        raise CheckFailed(
            f"Cannot be used ({error_summary(problem)}): check that it runs, and DATABASE_URL."
        ) from problem
    if newer_migrations(executor.loader):
        raise CheckFailed("It was made by a newer version of the portal: run that version.")
    if waiting:
        raise CheckFailed(f"{len(waiting)} migrations are not applied: run python manage.py migrate, or up.")
    return f"{connection.display_name}, up to date"


def broker() -> str:
    """The broker takes a connection."""
    from portal.celery import app

    with app.connection_for_write() as broker_connection:
        try:
            broker_connection.ensure_connection(max_retries=1, timeout=5)
        except Exception as problem:  # each broker's client raises its own
            raise CheckFailed(
                "Cannot be reached: check that it runs, and CELERY_BROKER_URL. Nothing new starts until it is back."
            ) from problem
        return f"{broker_connection.transport_cls} answers"


def worker() -> str:
    """Every queue is read by a worker that has shown up lately."""
    workers = get_workers()
    if not workers.alive:
        raise CheckFailed("None has shown up lately: run python manage.py up, or a Celery worker.")
    if workers.disconnected and workers.unread_queues:
        names = ", ".join(node.name for node in workers.disconnected)
        raise CheckFailed(f"{names} cannot reach the broker: nothing new starts until it is back.")
    if workers.unread_queues:
        queues = ",".join(workers.unread_queues)
        raise CheckFailed(f"Nobody reads {queues}: start a worker with -Q {queues}. What is due there waits.")
    slots = sum(node.slots for node in workers.alive)
    return f"{_count(workers.alive)} with {slots} slots, {sum(node.busy for node in workers.alive)} busy{_gone(WORKER)}"


def beat() -> str:
    """A beat has shown up lately."""
    beats = get_workers().beats
    if not beats:
        raise CheckFailed("None has shown up lately: run python manage.py up, or Celery's beat.")
    return f"{_count(beats)}{_gone(BEAT)}"


def _count(nodes: Sequence[NodeStatus]) -> str:
    return f"{nodes[0].name} is there" if len(nodes) == 1 else f"{len(nodes)} are there"


def _gone(kind: str) -> str:
    """A clause about those that fell silent in the last day without having been stopped."""
    gone = [node for node in get_workers().gone if node.kind == kind]
    seen = ", ".join(f"{node.name}, last seen {timesince(node.last_seen_at)} ago" for node in gone)
    return f"; gone: {seen}" if gone else ""


def storage() -> str:
    """The data directory can be written, there is room on its disk, and what is in it is for the portal alone."""
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(b"doctor")
            file.flush()
        free = shutil.disk_usage(settings.DATA_DIR).free
    except OSError as problem:
        raise CheckFailed(
            f"{settings.DATA_DIR} cannot be written ({problem.strerror}): correct that, or set DATA_DIR."
        ) from problem
    if free < MIN_FREE_BYTES:
        raise CheckFailed(f"Only {free / 1e6:.0f} MB are free below {settings.DATA_DIR}: make room.")
    return f"{settings.DATA_DIR}, {free / 1e9:.1f} GB free{check_modes(Path(settings.DATA_DIR))}"


def check_modes(folder: Path) -> str:
    """Returns a clause about a data directory that others may look into; CheckFailed when they can read what is in it.

    The portal gives what is in it modes of its own, but cannot where it belongs to another user.
    """
    is_embedded = connection.vendor == "sqlite"
    database_files = [Path(settings.DATABASES["default"]["NAME"])] if is_embedded else []
    contents = open_to_others(*(folder / name for name in OWN_NAMES), *database_files)
    opened = open_to_others(folder)
    mode = opened.get(folder, 0)
    if contents and (mode or set(contents) - {folder / name for name in OWN_NAMES}):
        names = ", ".join(f"{path} (mode {found:o})" for path, found in contents.items())
        raise CheckFailed(f"Other users of this machine can open {names}: take their rights away with chmod go=.")
    if mode:
        return f"; the folder is open to other users (mode {mode:o}), who see names but no contents: chmod 700 {folder}"
    return ""


def keys() -> str:
    """The encryption keys decrypt everything that is encrypted."""
    from exports.models import encrypted

    problems = encrypted.check_key_ring()
    if problems:
        raise CheckFailed(f"{problems[0]} ({len(problems)} encrypted rows in all.)")
    return "every secret can be opened"


def egress() -> str:
    """The proxy, where one is set, takes a connection; the extra authorities are said."""
    authorities = f", also trusting {settings.EXTRA_CA_FILE}" if settings.EXTRA_CA_FILE else ""
    if (proxy := settings.EGRESS_PROXY) is None:
        return f"directly{authorities}"
    try:
        proxy.check(timeout=5)
    except ProviderError as problem:
        raise CheckFailed(f"{problem.message} Check that it runs, and EGRESS_PROXY.") from problem
    return f"through {proxy.host}:{proxy.port}{authorities}"


def mail() -> str:
    """Mail can be handed over. Nothing is sent."""
    if settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        try:
            get_connection()
        except ImproperlyConfigured as problem:
            raise CheckFailed(f"{problem}: make the folder writable, or set EMAIL_URL.") from problem
        return f"into files in {settings.EMAIL_FILE_PATH}; set EMAIL_URL to send it"
    mailer = get_connection(timeout=5) if settings.EMAIL_BACKEND.endswith("smtp.EmailBackend") else get_connection()
    try:
        mailer.open()
        mailer.close()
    except OSError as problem:  # smtplib's errors are of this kind as well
        raise CheckFailed(
            f"The mail server does not take us ({problem}): check that it runs, and EMAIL_URL."
        ) from problem
    return "the server answers"


CHECKS: dict[str, Callable[[], str]] = {
    "database": database,
    "broker": broker,
    "worker": worker,
    "beat": beat,
    "storage": storage,
    "keys": keys,
    "egress": egress,
    "mail": mail,
}
