"""The people of the realistic team, its credentials, projects and schedules."""

from collections.abc import Iterator

from exports import clock
from exports.models import Credential, Member, Project, RemoteProject, Schedule, Team, User
from exports.providers.contract import Provider
from exports.providers.registry import PROVIDERS
from exports.sandbox.registry import DECLARATIONS
from tests.browser.realistic_data import CREDENTIALS, PEOPLE, TIMEZONE
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS
from tests.helpers.schedules import make_schedule


def make_people(cast: Cast) -> list[Member]:
    """Everybody of the team; the owner is first, viewers ask for nothing."""
    Team.objects.filter(pk=cast.team.pk).update(
        name="Lighthouse Studio", time_zone=TIMEZONE, quota_bytes=90_000_000, kept_bytes=0
    )
    Team.objects.filter(pk=cast.other_team.pk).update(name="New Team")
    User.objects.filter(pk=cast.owner.user_id).update(name="Ada Moreau", time_zone=TIMEZONE)
    User.objects.filter(pk=cast.member.user_id).update(name="Jonas Lindqvist", time_zone=TIMEZONE)
    cast.team.refresh_from_db()
    Member.objects.create(team=cast.other_team, user=cast.owner.user, role="owner")
    factories.staff_user()
    more = []
    for number, (name, role) in enumerate(PEOPLE):
        user = User.objects.create_user(f"person{number}@example.org", name=name)
        more.append(Member.objects.create(team=cast.team, user=user, role=role))
    return [one for one in (cast.owner, cast.member, *more) if one.role != "viewer"]


def provider_for(word: str) -> Provider:
    """The provider that the team's names call so: by what it can do, the others in the registry's order."""
    known = {"archives": ARCHIVES, "changing": CHANGING, "tables": TABLES, "videos": VIDEOS}
    others = [slug for slug in PROVIDERS if slug not in known.values()]
    return PROVIDERS[{**known, **dict(zip(("code", "organisations", "tracker"), others, strict=False))}[word]]


def ids_at(slug: str) -> Iterator[str]:
    """Ids of projects at a provider: those that its stand-in has, then those that follow where ids are numbers."""
    stand_in = DECLARATIONS[slug]
    first = stand_in.project_id
    base = 10 if first.isdigit() else 16
    yield first
    if base == 10 or len(first) == 24:
        yield from (format(int(first, base) + number, "d" if base == 10 else "x") for number in range(1, 100))
    yield from reversed(stand_in.well_behaved)


def make_projects(cast: Cast) -> list[Project]:
    """All projects with their credentials and targets, and what the providers list beside them."""
    made: list[Project] = []
    unused: dict[str, Iterator[str]] = {}
    for word, name, titles in CREDENTIALS:
        provider = provider_for(word)
        credential = cast.credential(provider.slug, name=name)
        ids = unused.setdefault(word, ids_at(provider.slug))
        for title in titles:
            made.append(cast.project(provider.slug, remote_id=next(ids), credential=credential))
            hours = (26, 50, 170, None)[len(made) % 4] if provider.kinds[0].effect == "copies" else None
            Project.objects.filter(pk=made[-1].pk).update(name=title, fresh_within_hours=hours)
            made[-1].refresh_from_db()
        if provider.lists_projects:
            here = [(one.remote_id, one.name) for one in made[-len(titles) :]]
            more = [(f"9{number:02}", f"Found there {number}") for number in range(1, 2 + 7 * (len(made) % 3))]
            RemoteProject.objects.bulk_create(
                RemoteProject(credential=credential, remote_id=id_, name=title) for id_, title in (*here, *more)
            )
            Credential.objects.filter(pk=credential.pk).update(discovered_at=clock.now())
    return made


def make_schedules(projects: list[Project], members: list[Member]) -> dict[int, Schedule]:
    """A schedule for two of three projects, by the project's id."""
    crons = ("30 2 * * *", "0 6 * * 1-5", "15 */6 * * *", "0 22 * * 0", "45 3 1,15 * *")
    chosen = [one for number, one in enumerate(projects) if number % 3 and one.provider.kinds[0].effect == "copies"]
    return {
        one.pk: make_schedule(one, members[number % 3], crons[number % len(crons)], spread_minutes=(0, 20)[number % 2])
        for number, one in enumerate(chosen)
    }
