"""A team after six weeks of work, for pictures and measurements: `python -m tests.browser.realistic_team DATA_DIR`.

Fills an empty data folder (SQLite, migrated here, with static files): 25 projects at all providers, 200 exports over
six weeks with 12 failures, some running and waiting; names that are long or read from right to left; schedules, of
which some are late or stopped; archived projects; members, invitations, tokens, alerts and webhooks; activity;
heartbeats; files that can be previewed. owner@example.org signs in with `tests.helpers.cast.PASSWORD`. A second team
is empty; staff@example.org is the portal's staff. It is the same each time but for the day. No provider is called.
"""

import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import time_machine

from tests.browser.realistic_data import CANCELED, EXPORTS, FAILURES, RUNNING, WEEKS

if TYPE_CHECKING:
    from exports.models import Export, Member, Project, Schedule
    from tests.helpers.cast import Cast


@dataclass
class Clock:
    """The moved clock."""

    traveller: time_machine.Traveller

    def at(self, moment: datetime) -> None:
        """From now on it is this moment."""
        self.traveller.move_to(moment, tick=False)


def file_of(format_: str, project: str, edition: int) -> bytes:
    """A file as the stand-ins make them, which grows a little with each edition."""
    from exports.sandbox import sheets, tarballs, video, zips

    if format_ in ("csv", "xlsx"):
        build = sheets.build_csv if format_ == "csv" else sheets.build_xlsx
        return build(project, None, 40_000 + 1_500 * edition).read()
    if format_ == "mp4":
        return video.build_mp4(edition, 900_000 + 10_000 * edition).read()
    texts = {
        "README.md": f"# {project}\n\nEdition {edition}.\n",
        "src/main.js": "start();\n" * (40 + edition),
        "src/scenes/intro.json": '{"entities": []}\n',
        "assets/notes.txt": "Keep the light on.\n" * 30,
    }
    members = [(name, text.encode()) for name, text in texts.items()]
    if format_ == "zip":
        return zips.build_zip_of(members, 180_000 + 2_000 * edition, "assets/model.glb", bytes(range(256))).read()
    return tarballs.build_tar_gz_of(members, 240_000 + 3_000 * edition, "objects/pack.bin").read()


def moments(now: datetime, dice: random.Random) -> Iterator[datetime]:
    """When the exports were asked for, the oldest first: more on working days, the newest minutes ago."""
    times: list[datetime] = []
    while len(times) < EXPORTS - RUNNING:
        at = now - timedelta(minutes=dice.randint(90, WEEKS * 7 * 24 * 60 - 1440))
        if at.weekday() < 5 or dice.random() < 0.4:
            times.append(at)
    yield from sorted(times)
    yield from (now - timedelta(minutes=minutes, seconds=13) for minutes in (34, 21, 11, 6, 3, 1))


class History:
    """Makes the exports one after the other, each at its time."""

    def __init__(self, clock: Clock, cast: "Cast", now: datetime) -> None:
        self.clock, self.cast, self.now = clock, cast, now
        self.dice = random.Random(25)

    def ask(self, project: "Project", member: "Member", schedule: "Schedule | None") -> "Export":
        """An export of the project's, by a schedule or a person."""
        from exports.exporting.create import ExportRequest, Requester, create_export
        from exports.models import ScheduleRun
        from exports.sandbox.registry import DECLARATIONS

        demo = self.dice.choice(DECLARATIONS[project.credential.provider].exports)
        if schedule is None:
            format_ = "xlsx" if demo.format == "csv" and self.dice.random() < 0.3 else demo.format
            wanted = ExportRequest(demo.type, format_, demo.options, confirm=True, allow_duplicate=True)
            way = self.dice.choice(("person", "person", "person", "api"))
            return create_export(project, wanted, Requester(member.user, way, way))
        wanted = ExportRequest(schedule.type, schedule.format, schedule.options, allow_duplicate=True)
        who = Requester(schedule.owner, "schedule", "schedule", f"schedule {schedule.pk}", schedule)
        export = create_export(project, wanted, who)
        ScheduleRun.objects.create(schedule=schedule, planned_at=export.created_at, outcome="requested", export=export)
        type(schedule).objects.filter(pk=schedule.pk).update(last_export=export)
        return export

    def call(self, export: "Export", method: str, path: str, status: int | None, seconds: float) -> None:
        """A line of the call log."""
        from exports import clock
        from exports.models import Call

        url = f"{export.project.credential.origin_url}{path}"
        error = "" if status else "The connection was closed."
        Call.objects.create(export=export, credential=export.project.credential, at=clock.now(), method=method, url=url,
                            status=status, seconds=seconds, error=error, correlation=f"{export.pk:08x}")  # fmt: skip

    def accept(self, export: "Export", at: datetime, **more: Any) -> None:
        """The provider takes the job and works."""
        from exports import states

        self.clock.at(at)
        self.call(export, "POST", "/jobs", 201, 0.4)
        job = str(70000 + export.pk)
        export.move(states.PROCESSING, source="worker", step=more.pop("step", states.POLL), remote_id=job,
                    submitted_at=at, started_at=at, provider_status="running", request_sent_at=at, may_ask_again=False,
                    **{"next_step_at": at + timedelta(minutes=1), **more})  # fmt: skip

    def end(self, export: "Export", failure: tuple[str, str, int | None] | None, place: int) -> None:
        """The export fails, is canceled, or succeeds with a file."""
        from exports import states
        from exports.providers.registry import PROVIDERS

        begun, label = export.created_at, PROVIDERS[export.project.credential.provider].label
        usual = 60 + 37 * (export.project_id % 11)
        ends = begun + timedelta(seconds=usual * self.dice.uniform(0.8, 1.3))
        if failure and failure[0] in ("unconfirmed", "credential", "not_found", "rejected", "precondition"):
            self.clock.at(begun + timedelta(seconds=31))
            self.call(export, "POST", "/jobs", failure[2], 30.0 if failure[2] is None else 0.7)
        else:
            self.accept(export, begun + timedelta(seconds=self.dice.randint(1, 9)))
            self.clock.at(ends - timedelta(seconds=1))
            self.call(export, "GET", f"/jobs/{export.remote_id}", failure[2] if failure else 200, 0.2)
        self.clock.at(max(ends, begun + timedelta(seconds=33)))
        if failure:
            code, said = failure[0], failure[1].format(label)
            export.move(states.FAILED, source="worker", error_code=code, error_message=said, note=said,
                        error_action=states.DEFAULT_ACTION[code])  # fmt: skip
        elif place in CANCELED:
            export.move(states.CANCELED, source="person", actor=export.user.email, note="Canceled.")
        else:
            self.succeed(export)

    def succeed(self, export: "Export") -> None:
        """It ends with its file, if its kind has one; some files were downloaded."""
        from django.utils.text import slugify

        from exports import clock, states
        from exports.models import Download, File
        from exports.settle.good_copies import record_good_copy
        from exports.storage import places

        if export.format == "none":
            export.move(states.SUCCEEDED, source="poll", progress=100.0)
            return
        import hashlib

        content = file_of(export.format, export.project.remote_id, export.pk // 8)
        name = f"{slugify(export.project.name)[:60] or 'export'}-{export.pk}.{export.format}"
        path = f"{self.cast.team.pk}/{export.pk}/{name}"
        place = places.current()
        place.copy_in(path, iter([content]), len(content))
        file = File.objects.create(team=self.cast.team, name=name, size=len(content), path=path,
                                   sha256=hashlib.sha256(content).hexdigest(), content_type="application/octet-stream",
                                   storage=place.identity, verified_at=clock.now())  # fmt: skip
        export.move(states.SUCCEEDED, source="worker", file=file, progress=100.0, provider_status="done")
        record_good_copy(export, file)
        if export.pk % 3 == 0:
            who = self.cast.member.user
            Download.objects.create(export=export, user=who, actor=who.email, via="page", address="203.0.113.7")

    def open(self, export: "Export", place: int) -> None:
        """It is waiting or under way."""
        from exports import states
        from exports.models import Export

        if place < 2:
            soon, why = (
                self.now + timedelta(minutes=4),
                ("", "Waiting for the provider's rate limit, 5 a minute")[place],
            )
            Export.objects.filter(pk=export.pk).update(next_step_at=soon, wait_note=why)
            return
        step = states.FETCH if place == 2 else states.POLL
        progress = (None, None, 100.0, 64.0, None, 18.0)[place]
        self.accept(export, export.created_at + timedelta(seconds=5), step=step, progress=progress,
                    next_step_at=self.now + timedelta(minutes=3 + place))  # fmt: skip

    def run(self, projects: "list[Project]", members: "list[Member]", schedules: "dict[int, Schedule]") -> None:
        """Makes all of them."""
        times = list(moments(self.now, self.dice))
        busy = projects[:-3]  # the last ones were never exported
        for number, at in enumerate(times):
            place = len(times) - 1 - number
            # Some projects rest for the last weeks, so that they are late.
            choice = [one for one in busy if place > 60 or one.pk % 5]
            project = self.dice.choice(choice)
            schedule = schedules.get(project.pk) if self.dice.random() < 0.6 else None
            self.clock.at(at)
            export = self.ask(project, self.dice.choice(members), schedule)
            if place < RUNNING:
                self.open(export, place)
            else:
                self.end(export, FAILURES.get(place), place)


def fill(now: datetime | None = None) -> "Cast":
    """Fills the database of this process, which must be empty."""
    from tests.browser.realistic_projects import make_people, make_projects, make_schedules
    from tests.browser.realistic_surroundings import add_surroundings
    from tests.helpers.cast import make_cast

    now = now or datetime.now(UTC)
    begun = now - timedelta(weeks=WEEKS)
    with time_machine.travel(begun, tick=False) as traveller:
        clock = Clock(traveller)
        cast = make_cast()
        members = make_people(cast)
        projects = make_projects(cast)
        schedules = make_schedules(projects, members)
        History(clock, cast, now).run(projects, members, schedules)
        clock.at(now)
        add_surroundings(cast, projects, schedules, now, clock.at)
    return cast


def set_up(data_dir: str) -> Callable[..., Any]:
    """Django over this data folder, migrated, with its static files; returns `fill`."""
    os.environ |= {"DATA_DIR": data_dir, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("up", prepare=True)
    from django.db import connection

    with connection.cursor() as cursor:
        # Nobody cuts the power of this one.
        cursor.execute("PRAGMA synchronous=OFF")
    return fill


if __name__ == "__main__":
    set_up(sys.argv[1])()
