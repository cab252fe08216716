"""The periodic clean-up: leftovers of crashed processes on disk, and rows that have expired."""

import contextlib
import logging
import time
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session

from exports import clock
from exports.models import Call, Export, Heartbeat, IdempotencyKey
from exports.models.export import OPEN
from exports.queue import rate_limits
from exports.storage import files

log = logging.getLogger(__name__)

PART_MAX_AGE_SECONDS: Final = 3600.0
# `sweep` runs every minute, so it does not list the kept files each time. A crash leaves a file that is young, in a
# directory that has just changed: those are listed every ten minutes. A full walk once a day finds what is older, for
# example after a day without workers.
RECENT_WALK_SECONDS: Final = 600.0
RECENT_SECONDS: Final = 2 * files.ORPHAN_SECONDS
FULL_WALK_SECONDS: Final = 24 * 3600.0


def sweep() -> None:
    """Deletes parts of exports that have ended, orphaned files, and expired rows.

    The rows are: heartbeats older than 24 hours, idempotency keys and calls without an export older than 30 days,
    and sessions past their end.
    """
    _delete_parts()
    rate_limits.release_unused_slots()
    _delete_orphaned_files()
    Heartbeat.objects.filter(at__lt=clock.seconds_from_now(-24 * 3600)).delete()
    IdempotencyKey.objects.filter(created_at__lt=clock.now() - timedelta(days=30)).delete()
    Call.objects.filter(export=None, at__lt=clock.now() - timedelta(days=30)).delete()
    expired = Session.objects.filter(expire_date__lt=clock.now())
    UserSession.objects.filter(session_key__in=expired.values("pk")).delete()
    expired.delete()


def _delete_parts() -> None:
    """Deletes parts and metadata older than an hour whose export has ended or is gone."""
    paths = list(files.parts_dir().glob("*.part")) + list(files.parts_dir().glob("*.about*"))
    ids = {int(path.name.partition(".")[0]) for path in paths if path.name.partition(".")[0].isdigit()}
    open_ids = set(Export.objects.filter(pk__in=ids, status__in=OPEN).values_list("pk", flat=True))
    newest_deleted = time.time() - PART_MAX_AGE_SECONDS
    for path in paths:
        id_ = path.name.partition(".")[0]
        with contextlib.suppress(FileNotFoundError):
            if not (id_.isdigit() and int(id_) in open_ids) and path.stat().st_mtime < newest_deleted:
                path.unlink()


def _delete_orphaned_files() -> None:
    """Deletes orphaned files when a walk over the kept files is due."""
    full, recent = _stamp("full"), _stamp("recent")
    if _is_due(full, FULL_WALK_SECONDS):
        paths = files.orphaned_files()
        stamps = [full, recent]
    elif _is_due(recent, RECENT_WALK_SECONDS):
        paths = chain(
            files.orphaned_files(changed_within=RECENT_SECONDS),
            files.undeleted_files(older_than=files.ORPHAN_SECONDS, changed_within=RECENT_SECONDS),
        )
        stamps = [recent]
    else:
        return
    for path in paths:
        log.info("Deletes a file that belongs to no export: %s", path.name)
        path.unlink(missing_ok=True)
    for stamp in stamps:
        stamp.touch()


def _stamp(walk: str) -> Path:
    """Returns the path of the empty file whose modification time is the end of the last walk of this kind."""
    return Path(settings.DATA_DIR) / f".last-{walk}-walk"


def _is_due(stamp: Path, seconds: float) -> bool:
    """Whether the last walk is `seconds` ago, or not known, or in the future because the clock was set back."""
    try:
        age = time.time() - stamp.stat().st_mtime
    except FileNotFoundError:
        return True
    return not 0 <= age < seconds
