"""The periodic clean-up: leftovers of crashed processes on disk, and rows that have expired."""

import logging
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session

from exports import clock
from exports.housekeeping import expired_rows, team_deletion
from exports.models import Call, Heartbeat, Rollup
from exports.notify import deletion_notices, digests, token_notices
from exports.queue import deliveries, rate_limits
from exports.storage import moves, places
from exports.storage.bucket.errors import BucketError

log = logging.getLogger(__name__)

# `sweep` runs every minute, so it does not list the kept files each time. A crash leaves a file that is young, in a
# directory that has just changed: those are listed every ten minutes. A full walk once a day finds what is older, for
# example after a day without workers.
RECENT_WALK_SECONDS: Final = 600.0
FULL_WALK_SECONDS: Final = 24 * 3600.0


def sweep() -> None:
    """Queues daily digests and notes before tokens end; deletes parts of ended exports, orphaned files, expired rows.

    The rows are: heartbeats older than 24 hours, calls without an export and messages that have ended older than 30
    days, sessions past their end, and what `expired_rows` says. docs/operating.md lists what bounds every table. Last
    come teams whose day of deletion has come.
    """
    digests.create_due()
    token_notices.create_due()
    deletion_notices.create_due()
    rate_limits.release_unused_slots()
    deliveries.delete_ended()
    Rollup.compact()
    _delete_stored_leftovers()
    moves.delete_moved()
    Heartbeat.objects.filter(at__lt=clock.seconds_from_now(-24 * 3600)).delete()
    Call.objects.filter(export=None, at__lt=clock.now() - timedelta(days=30)).delete()
    expired_rows.delete_expired()
    expired = Session.objects.filter(expire_date__lt=clock.now())
    UserSession.objects.filter(session_key__in=expired.values("pk")).delete()
    expired.delete()
    team_deletion.delete_due()


def _delete_stored_leftovers() -> None:
    """Deletes parts of ended exports and orphaned files, in each place where a walk over them is due."""
    full, recent = _stamp("full"), _stamp("recent")
    is_full, is_recent = _is_due(full, FULL_WALK_SECONDS), _is_due(recent, RECENT_WALK_SECONDS)
    places.DISK.delete_stale_parts()
    if not is_full and not is_recent:
        return
    for place in places.in_use(all_of_them=is_full):
        try:
            if place is not places.DISK:
                place.delete_stale_parts()
            for name in place.orphans(recent=not is_full):
                log.info("Deletes a file that belongs to no export: %s", name)
                place.delete(name)
        except BucketError as error:
            log.warning("What dead workers left in the bucket was not deleted: %s", error.strerror)
    for stamp in (full, recent) if is_full else (recent,):
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
