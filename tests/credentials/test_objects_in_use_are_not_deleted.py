"""Rows that an open export needs cannot be deleted, and a member who leaves the team does not end its exports."""

from collections.abc import Callable

import pytest
from django.db.models import ProtectedError
from django.db.utils import IntegrityError

from exports import states
from exports.credentials.delete import delete_credential
from exports.errors import ConflictError
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, run_to_end, take_step

OriginOf = Callable[[str], str]


def test_rows_that_an_open_export_needs_cannot_be_deleted(cast: Cast, sandbox: Sandbox, origin_of: OriginOf) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    export = take_step(request_export(project, cast.member, "archive"))
    for thing in (project, cast.team, cast.member.user):
        with pytest.raises((ProtectedError, IntegrityError)):
            thing.delete()
    with pytest.raises(ConflictError):
        delete_credential(project.credential)
    assert run_to_end(export).status == states.SUCCEEDED


def test_the_export_of_a_member_who_was_removed_goes_on_for_the_team(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf
) -> None:
    export = take_step(request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive"))
    cast.member.delete()
    assert run_to_end(export).status == states.SUCCEEDED
