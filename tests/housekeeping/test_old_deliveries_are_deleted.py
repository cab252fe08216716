"""Messages that have ended are kept for thirty days; what still waits stays whatever its age."""

from datetime import timedelta

from exports import clock
from exports.housekeeping.sweep import sweep
from exports.models import OutboxMessage
from exports.queue import deliveries
from tests.helpers.cast import Cast
from tests.helpers.webhooks import make_webhook


def make_message(cast: Cast, key: str, days: float, *, waits: bool = False) -> None:
    webhook, _secret = make_webhook(cast, f"https://example.org/{key}")
    due_at = clock.seconds_from_now(3600) if waits else None
    row = OutboxMessage.objects.create(team=cast.team, webhook=webhook, kind="webhook", key=key, due_at=due_at)
    OutboxMessage.objects.filter(pk=row.pk).update(created_at=clock.now() - timedelta(days=days))


def test_only_old_ones_that_have_ended_go(cast: Cast) -> None:
    make_message(cast, "waits", 40, waits=True)
    make_message(cast, "old", 31)
    make_message(cast, "young", 29)
    sweep()
    assert set(OutboxMessage.objects.values_list("key", flat=True)) == {"waits", "young"}


def test_nothing_is_read_where_the_oldest_is_young(cast: Cast) -> None:
    make_message(cast, "young", 29)
    make_message(cast, "odd", 31)
    assert deliveries.delete_ended() == 0
