"""What is done once a night: retention rules are applied, quotas and damaged files are looked at again."""

import logging
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from django.conf import settings
from django.db import transaction

from exports import clock
from exports.exporting.purge import purge_nightly
from exports.housekeeping import verification
from exports.models import Rollup, Team
from exports.storage.kept_totals import change_totals

log = logging.getLogger(__name__)

NIGHT_HOUR: Final = 2


def run_when_due() -> bool:
    """Does the nightly work, unless that was done since two o'clock (UTC). Returns whether it is done now.

    Beat asks every minute: a portal that was down at two does it when it is up again, and what is too much for one
    task goes on in the next.
    """
    stamp = Path(settings.DATA_DIR) / ".last-nightly-run"
    if _last_run(stamp) >= _last_night():
        return False
    more = [_purge(team) for team in Team.objects.order_by("pk").iterator()]
    if any(more):
        return False
    Rollup.recount_exports()
    verification.verify_damaged()
    verification.verify_large()
    stamp.touch()
    return True


def _purge(team: Team) -> bool:
    """Applies the team's rules. Returns whether more files go than are deleted at once."""
    try:
        done = purge_nightly(team)
        with transaction.atomic():
            change_totals(team.pk, size=0, count=0)
    except Exception:
        # One team's failure, which the log has, must not keep the others' files.
        log.exception("The retention rules of team %s could not be applied; it is tried again next night.", team.pk)
        return False
    if done.files or done.awaiting:
        log.info("Retention of team %s: %s files deleted, %s await their notice.", team.pk, done.files, done.awaiting)
    return done.more


def _last_run(stamp: Path) -> float:
    """The Unix time of the last run; 0 where it is not known."""
    try:
        return stamp.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _last_night() -> float:
    """The Unix time of the last two o'clock."""
    now: datetime = clock.now()
    night = now.replace(hour=NIGHT_HOUR, minute=0, second=0, microsecond=0)
    return (night if night <= now else night - timedelta(days=1)).timestamp()
