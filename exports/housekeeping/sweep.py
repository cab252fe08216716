"""Tidying: what a crash may leave behind."""

import contextlib
import logging
import time
from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from exports import clock
from exports.models import Call, Export, Heartbeat, IdempotencyKey
from exports.models.export import OPEN
from exports.queue import rate_limits
from exports.storage import files

log = logging.getLogger(__name__)

PART_MAX_AGE_SECONDS = 3600.0


def sweep() -> None:
    """Removes parts of exports that have ended, files no row knows, and old rows: signs of life, repeat keys, calls of
    nobody's export, sessions that are over.
    """
    _parts()
    rate_limits.release_unused_slots()
    for path in files.orphaned_files():
        log.info("Removes a file that no export knows: %s", path.name)
        path.unlink(missing_ok=True)
    Heartbeat.objects.filter(at__lt=clock.seconds_from_now(-24 * 3600)).delete()
    IdempotencyKey.objects.filter(created_at__lt=clock.now() - timedelta(days=30)).delete()
    Call.objects.filter(export=None, at__lt=clock.now() - timedelta(days=30)).delete()
    over = Session.objects.filter(expire_date__lt=clock.now())
    UserSession.objects.filter(session_key__in=over.values("pk")).delete()
    over.delete()


def _parts() -> None:
    paths = list(files.parts_dir().glob("*.part")) + list(files.parts_dir().glob("*.about*"))
    numbers = {int(path.name.partition(".")[0]) for path in paths if path.name.partition(".")[0].isdigit()}
    still = set(Export.objects.filter(pk__in=numbers, status__in=OPEN).values_list("pk", flat=True))
    before = time.time() - PART_MAX_AGE_SECONDS
    for path in paths:
        number = path.name.partition(".")[0]
        with contextlib.suppress(FileNotFoundError):
            if not (number.isdigit() and int(number) in still) and path.stat().st_mtime < before:
                path.unlink()
