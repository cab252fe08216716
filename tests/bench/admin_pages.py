"""Times of the admin site's index and lists, with a thousand and with a million exports, on PostgreSQL.

    python -m tests.bench.admin_pages [--rows 1000000]

Beside the exports and files of `tests.bench.pages` it makes as many changes, calls and deliveries. What is timed is
what the server does for a request, without the network.
"""

import argparse
import sys
import time
from typing import Any, Final

from exports.supervisor.gunicorn_config import post_worker_init
from tests.bench.pages import FEW, measure, own_database
from tests.helpers.roles import CHANGING, TABLES, VIDEOS

MAX_QUERIES: Final = 12
# Of processor seconds, which a busy machine does not blur.
MAX_RATIO: Final = 1.25
MAX_SECONDS: Final = 0.05
ROUNDS: Final = 11
SITE: Final = "/admin/exports/"
EXPORTS: Final = SITE + "export/"
PAGES: Final = {
    "index": "/admin/",
    "exports": EXPORTS,
    "exports, deep": EXPORTS + "?after={deep}",
    "exports, newer than that": EXPORTS + "?before={deep}",
    "one export": EXPORTS + "{deep}/change/",
    "status: running": EXPORTS + "?status=processing",
    "status: waiting (none)": EXPORTS + "?status=waiting",
    "status: failed": EXPORTS + "?status=failed",
    "status: due": EXPORTS + "?status=due",
    "status: stuck": EXPORTS + "?status=stuck",
    "next step: fetch (none)": EXPORTS + "?step=fetch",
    "error: rejected": EXPORTS + "?error=rejected",
    "error: storage (none)": EXPORTS + "?error=storage",
    f"provider: {CHANGING}": EXPORTS + f"?provider={CHANGING}",
    f"provider: {VIDEOS} (none)": EXPORTS + f"?provider={VIDEOS}",
    f"failed, of {TABLES}": EXPORTS + f"?status=failed&provider={TABLES}",
    "one team": EXPORTS + "?team={team}",
    "one project": EXPORTS + "?project={project}",
    "search: #number": EXPORTS + "?q=%23{deep}",
    "search: number": EXPORTS + "?q={deep}",
    "search: job id": EXPORTS + "?q={job}",
    "search: project's name": EXPORTS + f"?q=The+{TABLES}",
    "search: project's id": EXPORTS + "?q=5003",
    "search: team": EXPORTS + "?q=the-team",
    "search: person": EXPORTS + "?q=member@example.org",
    "search: nothing": EXPORTS + "?q=no-such-thing",
    "files": SITE + "file/",
    "files, damaged (none)": SITE + "file/?state=damaged",
    "files, search": SITE + "file/?q={deep}",
    "history": SITE + "change/",
    "history, search": SITE + "change/?q={deep}",
    "calls": SITE + "call/",
    "calls, search": SITE + "call/?q={deep}",
    "deliveries": SITE + "outboxmessage/",
    "deliveries, given up": SITE + "outboxmessage/?state=failed",
    "deliveries, waiting webhooks": SITE + "outboxmessage/?state=waiting&kind=webhook",
    "deliveries, search": SITE + "outboxmessage/?q={deep}",
    "activity": SITE + "auditentry/",
    "activity, team": SITE + "auditentry/?q=the-team",
    "teams": SITE + "team/",
    "one team's page": SITE + "team/{team}/change/",
    "projects, search": SITE + "project/?q=5003",
    "planned times": SITE + "schedulerun/",
}


def fill_more(rows: int, known: dict[str, Any]) -> None:
    """Adds changes, calls and deliveries, and says what the addresses need beside that."""
    from django.db import connection
    from django.utils import timezone

    from exports.models import Call, Change, Event, Export, Member, OutboxMessage
    from exports.models.outbox import recipient_key
    from tests.helpers import factories
    from tests.helpers.row_copies import copies  # imports models, which want Django set up

    export, now = Export.objects.get(pk=known["deep"]), timezone.now()
    change = Change.objects.create(
        pk=10_000_000, export=export, seq=9, to_status="failed", at=now, source="poll", note="The provider said no."
    )
    call = Call.objects.create(pk=10_000_000, export=export, at=now, method="GET", url="u", status=200, seconds=0.1)
    event = Event.objects.create(pk=10_000_000, team=export.team, type="export.failed", key="k", fanned_out_at=now)
    message = OutboxMessage.objects.create(
        pk=10_000_000, team=export.team, event=event, export=export, user=export.user, kind="mail", key="k",
        sent_at=now, recipient=recipient_key("a@example.org"), host="mail",
    )  # fmt: skip
    first = Export.objects.order_by("pk").values_list("pk", flat=True)[0]
    export_of = f"{first} + (g - 1) % {rows}"
    copies(Change, change, 1, rows, export_id=export_of, seq="1")
    copies(Call, call, 1, rows, export_id=export_of)
    copies(Event, event, 1, rows, key="'k' || g", export_id=export_of)
    given_up = f"CASE WHEN g > {rows - 20} THEN NULL ELSE now() END"
    due = f"CASE WHEN g > {rows - 5} THEN now() END"
    copies(OutboxMessage, message, 1, rows, event_id="g", export_id=export_of, sent_at=given_up, due_at=due)
    known.update(team=export.team_id, job=export.remote_id, member=Member(user=factories.staff_user()))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # else it goes on while pages are timed


def run(rows: int) -> bool:
    """Measures both and prints a table. Returns whether every limit is kept."""
    import django

    django.setup()
    post_worker_init(None)  # As each web process is.
    from django.core.management import call_command

    from tests.bench.page_rows import fill  # imports models, which want Django set up

    measured = []
    for count in (FEW, rows):
        call_command("migrate", verbosity=0)
        began = time.monotonic()
        known = fill(count)
        fill_more(count, known)
        print(f"{count:>9} of each made in {time.monotonic() - began:.0f} s", flush=True)
        measured.append(measure(known, PAGES, ROUNDS))
        call_command("flush", verbosity=0, interactive=False)
    few, lots = measured
    print(f"\n{'page':<30}{'queries':>8}{f'{FEW} ms':>10}{f'{rows} ms':>12}{'cpu':>8}{'cpu':>8}{'ratio':>8}")
    well = True
    for name, (p50, _p95, busy, queries) in lots.items():
        before, _few_p95, few_busy, _few_queries = few[name]
        # A page that was empty among a thousand costs more when it is full; so both limits must be passed to be wrong.
        wrong = queries > MAX_QUERIES or (busy > MAX_SECONDS and busy / few_busy > MAX_RATIO)
        well = well and not wrong
        widths = ((before, 10), (p50, 12), (few_busy, 8), (busy, 8))
        figures = "".join(f"{seconds * 1000:>{width}.1f}" for seconds, width in widths)
        print(f"{name:<30}{queries:>8}{figures}{busy / few_busy:>8.2f}" + ("  past its limit" if wrong else ""))
    return well


def main() -> None:
    """Runs it from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with own_database():
        well = run(arguments.rows)
    sys.exit(0 if well else 1)


if __name__ == "__main__":
    main()
