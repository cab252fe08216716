"""Rows by the million: a credential, projects and exports made by SQL, each like a first one made by the models."""

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import psycopg

# Also under the name that `seed_version` finds in older versions.
from tests.helpers.row_copies import copies as copies

if TYPE_CHECKING:
    from tests.bench.testbed import Testbed

FIRST_ID: Final = 1_000_000
SECRETS: Final = {"token": "bench-token"}


@dataclass
class SeedRows:
    """The first of each, of which the others are copies."""

    team: Any
    user: Any
    credentials: list[Any]
    projects: list[Any]


def seed(here: "Testbed", credentials: int = 1, provider: str = "bench", each: int = 1) -> SeedRows:
    """A team's credentials, each with so many projects."""
    from exports.models import Credential, Project, Team, User

    team, user = Team.objects.get(slug="real-team"), User.objects.get(email="real@example.org")
    User.objects.filter(pk=user.pk).update(mail_success=False, mail_failure=False)
    made = SeedRows(team, user, [], [])
    for number in range(credentials):
        credential = Credential.objects.create(
            team=team, provider=provider, name=f"{provider} {number}", origin=here.stand_in.origin, created_by=user
        )
        credential.save_secrets(SECRETS)
        made.credentials.append(credential)
        made.projects += [
            Project.objects.create(team=team, credential=credential, remote_id=str(1000 + number * each + index))
            for index in range(each)
        ]
    return made


def running(made: SeedRows, count: int, interval: float, starts_in: float) -> float:
    """So many exports whose jobs run: the first is due in `starts_in` seconds, the last an interval later.

    Returns when the first is due, as seconds since 1970; export number i (job i) is due i * interval / count later.
    """
    from django.db import connection
    from django.utils import timezone

    from exports.models import Export

    now = timezone.now()
    begins = now + timedelta(seconds=starts_in)
    like = Export.objects.create(
        pk=FIRST_ID - 1, team=made.team, project=made.projects[0], user=made.user, trigger="person", type="archive",
        format="zip", status="processing", step="poll", provider_status="running", remote_id="1", submitted_at=now,
        started_at=now, next_step_at=begins, deadline_at=now + timedelta(days=1),
    )  # fmt: skip
    due = (
        f"TIMESTAMPTZ '{begins.isoformat()}' + (g - {FIRST_ID}) * interval '{interval * 1e6 / count:.3f} microseconds'"
    )
    ids = ", ".join(str(project.pk) for project in made.projects)
    project = f"(ARRAY[{ids}])[1 + g %% {len(made.projects)}]".replace("%%", "%")
    copies(Export, like, FIRST_ID, FIRST_ID + count - 1, remote_id="g::text", next_step_at=due, project_id=project)
    Export.objects.filter(pk=like.pk).delete()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return begins.timestamp()


def restart(here: "Testbed", count: int, interval: float, starts_in: float) -> float:
    """Plans the same exports anew for another round, in the database of any version. Returns as `running`."""
    with psycopg.connect(here.address, autocommit=True, application_name="bench") as server:
        row = server.execute(
            "WITH plan AS (SELECT now() + %s * interval '1 second' AS begins), done AS ("
            " UPDATE exports_export SET held_until = NULL,"
            " next_step_at = plan.begins + (id - %s) * %s * interval '1 microsecond' FROM plan"
            ") SELECT extract(epoch FROM begins) FROM plan",
            [starts_in, FIRST_ID, interval * 1e6 / count],
        ).fetchone()
        server.execute("VACUUM exports_export")
    assert row is not None
    return float(row[0])
