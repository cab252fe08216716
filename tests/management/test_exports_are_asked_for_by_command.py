"""`manage.py export` and `projects`: which project is meant, what is checked before anything is asked, what is said."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections

import manage
from exports.credentials import service
from exports.management import progress
from exports.models import Change, Export, Project
from tests.helpers.cast import SECRETS, Cast
from tests.helpers.installation_fixtures import own_sandbox
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES
from tests.helpers.samples import SAMPLES

__all__ = ["own_sandbox"]

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """run("export", …) is the exit code, standard output and standard error of manage.py."""
    # A command closes the database at its end, which here goes on with the test.
    monkeypatch.setattr(connections, "close_all", lambda: None)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["manage.py", *arguments])
        code = 0
        try:
            manage.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def tables(cast: Cast) -> Project:
    return cast.project(TABLES)


def test_an_export_asked_for_by_command_says_so(run: Run, tables: Project) -> None:
    code, out, _ = run("export", str(tables.pk), "--type", "orders")
    export = Export.objects.get()
    assert (code, out) == (0, f"{export.pk}\n")
    assert (export.trigger, export.user.email) == ("command", "owner@example.org")
    assert Change.objects.get().source == "person"


def test_an_interrupted_wait_says_that_the_export_goes_on(
    run: Run, tables: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.ProgressPrinter, "follow", interrupt)
    code, out, told = run("export", str(tables.pk), "--type", "orders", "--wait")
    export = Export.objects.get()
    assert (code, out, export.is_open) == (130, "", True)
    assert told == f"\nExport {export.pk} goes on without this command.\n"


def test_a_job_that_is_watched_by_command_counts_as_adopted(run: Run, tables: Project) -> None:
    assert run("export", str(tables.pk), "--type", "orders", "--adopt", "77")[0] == 0
    assert Export.objects.get().trigger == "adopt"


@pytest.mark.parametrize("given", ["4001", "04001", SAMPLES[TABLES].pages[0].format("4001")])
def test_the_providers_own_id_is_taken_with_provider(run: Run, tables: Project, given: str) -> None:
    assert run("export", given, "--provider", TABLES, "--type", "orders")[0] == 0
    assert Export.objects.get().project == tables


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ["4002", "--provider", TABLES],
            f"No project 4002 of {TABLES.label} is here; manage.py projects lists those that are.",
        ),
        (["my-bakery", "--provider", TABLES], f"{TABLES.label} names projects by a whole number."),
        (["4001", "--provider", "kickstarter"], f"There is no provider kickstarter. Choose one of: {ARCHIVES}"),
        (["4001", "--provider", TABLES, "--team", "no-team"], "There is no team no-team."),
        (["my-bakery"], "or the provider's own id with --provider."),
        (["4001"], "There is no project 4001."),
    ],
)
def test_a_project_that_is_not_found_is_a_usage_error_that_says_what_to_give(
    run: Run, tables: Project, arguments: list[str], says: str
) -> None:
    code, out, told = run("export", *arguments, "--type", "orders")
    assert (code, out, says in told) == (2, "", True), told
    assert not Export.objects.exists()


def test_an_id_that_several_teams_have_is_refused_with_their_numbers(run: Run, cast: Cast, tables: Project) -> None:
    user = cast.outsider.user
    theirs = service.create_project(
        service.create_credential(cast.other_team, user, provider=TABLES, name="Theirs", secrets=SECRETS[TABLES]),
        user,
        remote_id="4001",
    )
    code, _, told = run("export", "4001", "--provider", TABLES, "--type", "orders")
    assert code == 2
    assert (
        f"{tables.pk} (team the-team, credential {TABLES} 0), {theirs.pk} (team other-team, credential Theirs)" in told
    )
    assert run("export", "4001", "--provider", TABLES, "--team", "other-team", "--type", "orders")[0] == 0
    assert Export.objects.get().project == theirs


def test_an_archived_project_is_refused(run: Run, tables: Project) -> None:
    service.archive_project(tables, None)
    for arguments in ([str(tables.pk)], ["4001", "--provider", TABLES]):
        code, _, told = run("export", *arguments, "--type", "orders")
        assert (code, "is archived and takes no new exports" in told) == (2, True)


def test_wrong_values_go_by_the_names_of_their_options(run: Run, cast: Cast, tables: Project) -> None:
    code, _, told = run("export", str(cast.project(CHANGING).pk), "--type", "archive")
    assert code == 2
    assert (
        told
        == f"CommandError: --confirm: This changes the project at {CHANGING.label}. Add --confirm if it is meant.\n"
    )
    told = run("export", str(tables.pk), "--type", "orders", "--format", "pdf", "--option", "sort=up")[2]
    assert "--format: This export comes as: csv, xlsx." in told
    assert "--option sort: Unknown option." in told
    assert run("export", str(tables.pk), "--type", "orders")[0] == 0
    assert run("export", str(tables.pk), "--type", "orders")[2].endswith("(--allow-twin)\n")


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("{folder}/none/orders.csv", "there is no folder {folder}/none"),
        ("{folder}/none/", "there is no such folder"),
        ("{folder}/file/orders.csv", "there is no folder {folder}/file"),
        ("/proc/orders.csv", "cannot be written"),
        ("", "--output needs a path"),
    ],
)
def test_a_target_that_cannot_be_written_is_noticed_before_anything_is_asked_for(
    run: Run, tables: Project, tmp_path: Path, target: str, says: str
) -> None:
    (tmp_path / "file").touch()
    given = target.format(folder=tmp_path)
    code, out, told = run("export", str(tables.pk), "--type", "orders", "--wait", "--output", given)
    assert (code, out) == (2, "")
    assert says.format(folder=tmp_path) in told
    assert not Export.objects.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_projects_are_listed_with_both_numbers(run: Run, cast: Cast, tables: Project) -> None:
    other = cast.project(CHANGING)
    archived = cast.project(CHANGING, remote_id="11")
    service.archive_project(archived, None)
    code, out, _ = run("projects")
    assert code == 0
    assert [line.split() for line in out.splitlines()] == [
        ["number", "provider", "id", "there", "team", "name"],
        [str(tables.pk), TABLES, "4001", "the-team", "The", TABLES, "one"],
        [str(other.pk), CHANGING, "10", "the-team", "The", CHANGING, "one"],
    ]
    assert [one["remote_id"] for one in json.loads(run("projects", "--provider", CHANGING, "--json")[1])] == ["10"]
    assert run("projects", "--team", "other-team")[1:] == ("", "There are no projects here.\n")
    for wrong in (["--team", "no-team"], ["--provider", "kickstarter"]):
        assert run("projects", *wrong)[0] == 2
