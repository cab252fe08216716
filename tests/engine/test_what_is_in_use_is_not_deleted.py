"""Under an export that runs nothing is pulled away; who leaves the team takes nothing along."""

from collections.abc import Callable

import pytest
from django.db.models import ProtectedError
from django.db.utils import IntegrityError

from exports import states
from exports.engine import keep
from exports.engine.problem import ConflictError
from exports.sandbox.server import Sandbox
from tests.cast import Cast
from tests.drive import ask, drive, step

At = Callable[[str], str]


def test_neither_project_credential_team_nor_user(cast: Cast, box: Sandbox, at: At) -> None:
    project = cast.project("playcanvas", at("playcanvas"))
    export = step(ask(project, cast.member, "archive"))
    for thing in (project, cast.team, cast.member.user):
        with pytest.raises((ProtectedError, IntegrityError)):
            thing.delete()
    with pytest.raises(ConflictError):
        keep.delete_credential(project.credential)
    assert drive(export).status == states.SUCCEEDED


def test_the_export_of_a_member_who_was_removed_goes_on_for_the_team(cast: Cast, box: Sandbox, at: At) -> None:
    export = step(ask(cast.project("playcanvas", at("playcanvas")), cast.member, "archive"))
    cast.member.delete()
    assert drive(export).status == states.SUCCEEDED
