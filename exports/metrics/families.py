"""The metric families of /metrics, one function each: what they mean, where they are read, what bounds their labels."""

from collections.abc import Callable, Iterator
from typing import Final

from django.db.models import Count, Q, Sum
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from exports import clock, states
from exports.metrics.backlog import MAX_COUNTED, due_steps
from exports.metrics.undelivered import GIVEN_UP, WAITING
from exports.metrics.workers import get_workers
from exports.models import Heartbeat, LastRun, OutboxMessage, Project, Reservation, Rollup, Team, outbox
from exports.models.project import GoodUntil
from exports.models.rollup import ANSWERS, EXPORTS, SENT, STEP_BOUNDS, STEPS
from exports.queue.capacity import QUEUES

# Projects, and teams, that have a series of their own at most. The first ones keep theirs when more are made.
MAX_PROJECTS: Final = 1000
MAX_TEAMS: Final = 1000
# A beat has another name after each start, and stays for a day.
MAX_NODES: Final = 500


def totals() -> Iterator[Metric]:
    """What is counted in roll-up rows: exports, answers, steps; and deliveries, of which those that wait are counted.

    Labels: providers, kinds and statuses of the declarations; six classes; three steps.
    """
    exports = GaugeMetricFamily("portal_exports", "Exports by their status.", labels=("provider", "kind", "status"))
    answers = CounterMetricFamily(
        "portal_provider_answers",
        "Answers of providers: 2xx, 3xx, 4xx (without 429), 429, 5xx, none (no answer).",
        labels=("provider", "class"),
    )
    counts = Rollup.totals()
    for (series, key), (count, _) in sorted(counts.items()):
        if series == EXPORTS:
            exports.add_metric(key.split("|"), max(count, 0))
        elif series == ANSWERS:
            answers.add_metric(key.split("|"), count)
    yield exports
    yield answers
    yield _step_seconds(counts)
    yield _deliveries(counts.get((SENT, ""), (0, 0.0))[0])


def _step_seconds(counts: dict[tuple[str, str], tuple[int, float]]) -> Metric:
    """How long tasks take; up to 50 polls are one task."""
    family = HistogramMetricFamily(
        "portal_step_seconds",
        "How long the tasks of each step took; up to 50 polls are one task.",
        labels=("step",),
    )
    for step in (states.SUBMIT, states.POLL, states.FETCH):
        cumulated, seconds, buckets = 0, 0.0, []
        for bound in (*STEP_BOUNDS, "+Inf"):
            count, took = counts.get((STEPS, f"{step}|{bound}"), (0, 0.0))
            cumulated, seconds = cumulated + count, seconds + took
            buckets.append((bound if isinstance(bound, str) else str(float(bound)), cumulated))
        family.add_metric([step], buckets=buckets, sum_value=seconds)
    return family


def _deliveries(sent: int) -> Metric:
    """Two counts over indices of what waits and of what was given up."""
    family = GaugeMetricFamily(
        "portal_deliveries",
        "Mails, alerts, webhooks and relays: waiting now, failed (given up in the last 30 days),"
        " sent (since the portal was set up, so it only grows).",
        labels=("state",),
    )
    family.add_metric([outbox.WAITING], OutboxMessage.objects.filter(WAITING).count())
    family.add_metric([outbox.FAILED], OutboxMessage.objects.filter(GIVEN_UP).count())
    family.add_metric([outbox.SENT], sent)
    return family


def backlog() -> Iterator[Metric]:
    """What is due and since when, over the index of open exports."""
    due = GaugeMetricFamily(
        "portal_due_steps",
        f"Steps that are due and that no worker holds. Of all together at most {MAX_COUNTED} are counted.",
        labels=("step",),
    )
    lag = GaugeMetricFamily(
        "portal_lag_seconds", "For how long the oldest step has been due that no worker holds.", labels=("step",)
    )
    now = clock.now()
    for step in due_steps().steps:
        due.add_metric([step.step], step.count)
        lag.add_metric([step.step], max((now - step.oldest_at).total_seconds(), 0.0) if step.oldest_at else 0.0)
    yield due
    yield lag


def queues() -> Iterator[Metric]:
    """Messages by queue and who reads it, over the small tables of reservations and heartbeats."""
    messages = GaugeMetricFamily(
        "portal_queue_messages",
        "Messages that were published and whose tasks have not ended. Messages of portal.control are not counted.",
        labels=("queue",),
    )
    rows = Reservation.objects.filter(until__gt=clock.now()).values_list("queue").annotate(Count("pk")).order_by()
    published = dict(rows)
    readers = GaugeMetricFamily(
        "portal_queue_readers", "Worker nodes that are there and read the queue.", labels=("queue",)
    )
    workers = get_workers()
    for queue in QUEUES:
        messages.add_metric([queue], published.get(queue, 0))
        readers.add_metric([queue], sum(queue in node.queues for node in workers.alive))
    yield messages
    yield readers


def heartbeats() -> Iterator[Metric]:
    """Since when processes and the dispatcher are silent. Nodes that were killed stay for a day."""
    seen = GaugeMetricFamily(
        "portal_last_seen_seconds",
        "Seconds since the last heartbeat of a worker node (worker:NAME) or a beat (beat:HOST:PID).",
        labels=("node",),
    )
    now = clock.now()
    for name, at in Heartbeat.objects.order_by("-at").values_list("name", "at")[:MAX_NODES]:
        seen.add_metric([name], max((now - at).total_seconds(), 0.0))
    yield seen
    runs = GaugeMetricFamily(
        "portal_last_run_timestamp_seconds", "When periodic work was done last: dispatch.", labels=("task",)
    )
    for name, at in LastRun.objects.order_by("name").values_list("name", "at"):
        runs.add_metric([name], at.timestamp())
    yield runs


def freshness() -> Iterator[Metric]:
    """The age of copies, over the table of projects. Those with a target come first, by their id."""
    good = GaugeMetricFamily(
        "portal_last_good_timestamp_seconds",
        f"When a project's last good export ended, by the project's id; of at most {MAX_PROJECTS} projects,"
        " those with a freshness target first.",
        labels=("project",),
    )
    here = Project.objects.filter(archived_at=None, last_good_at__isnull=False)
    rows = here.order_by("pk").values_list("pk", "last_good_at")
    chosen = list(rows.filter(fresh_within_hours__gt=0)[:MAX_PROJECTS])
    if len(chosen) < MAX_PROJECTS:
        chosen += rows.filter(fresh_within_hours=None)[: MAX_PROJECTS - len(chosen)]
    for pk, at in chosen:
        if at is not None:
            good.add_metric([str(pk)], at.timestamp())
    yield good
    overdue = GaugeMetricFamily(
        "portal_overdue_projects",
        f"Projects whose last good export is older than their target allows, of at most {MAX_TEAMS} teams.",
        labels=("team",),
    )
    teams = (
        Project.objects.filter(archived_at=None, fresh_within_hours__gt=0)
        .annotate(good_until_at=GoodUntil())
        .values_list("team__slug")
        .annotate(late=Count("pk", filter=Q(good_until_at__lt=clock.now())))
        .order_by("team_id")
    )
    for slug, late in teams[:MAX_TEAMS]:
        overdue.add_metric([slug], late)
    yield overdue


def files() -> Iterator[Metric]:
    """What is kept, from the totals that each team's row has."""
    kept = Team.objects.aggregate(files=Sum("kept_files"), size=Sum("kept_bytes"))
    number = GaugeMetricFamily("portal_files", "Files that are kept.")
    number.add_metric([], kept["files"] or 0)
    size = GaugeMetricFamily("portal_file_bytes", "Bytes of the files that are kept.")
    size.add_metric([], kept["size"] or 0)
    yield number
    yield size


FAMILIES: Final[tuple[Callable[[], Iterator[Metric]], ...]] = (totals, backlog, queues, heartbeats, freshness, files)
