"""The portal finds the installed package, and exports from the stand-in end with a file, over real sockets."""

from collections.abc import Iterator
from typing import Any

import pytest
from inkwell_stand_in import DECLARATION, InkwellStandIn
from pytest_django.fixtures import Settings

from exports.credentials import service
from exports.providers.registry import PACKAGES, PROVIDERS
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.run_exports import request_export, run_to_end


@pytest.fixture
def inkwell(settings: Settings) -> Iterator[Sandbox]:
    with Sandbox(stand_ins=[InkwellStandIn], time_scale=0.02, limits="off") as running:
        settings.PRIVATE_HOSTS = (f"127.0.0.1:{running.port}",)
        yield running


def test_the_portal_has_the_provider() -> None:
    assert [(package.name, package.problem) for package in PACKAGES] == [("export-portal-inkwell", "")]
    assert PROVIDERS["inkwell"].label == "Inkwell"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("fault", "end"),
    [
        pytest.param(None, "succeeded", id="well-behaved"),
        pytest.param({"fault": "lost_answer", "times": 1}, "succeeded", id="the answer is lost, once"),
        pytest.param({"fault": "job_fails"}, "provider_failed", id="the job itself fails"),
        pytest.param({"fault": "other_project", "on": "poll"}, "unreadable", id="the answer names another project"),
    ],
)
def test_an_export_ends_as_it_should(cast: Cast, inkwell: Sandbox, fault: dict[str, Any] | None, end: str) -> None:
    credential = service.create_credential(
        cast.team,
        cast.owner.user,
        provider="inkwell",
        name="Inkwell",
        secrets=dict(DECLARATION.secrets),
        origin=inkwell.origin("inkwell"),
    )
    assert all(step.ok for step in service.check_credential(credential).steps)
    project = service.create_project(credential, cast.owner.user, remote_id=DECLARATION.project_id, name="Diary")
    number = inkwell.fault(provider="inkwell", **fault) if fault else 0
    export = run_to_end(request_export(project, cast.member, "notes"))
    assert (export.error_code or export.status) == end, export.error_message
    assert not number or inkwell.fired(number)
    assert inkwell.jobs("inkwell", DECLARATION.project_id) == 1
