"""Whatever a provider answers: the export is in a state that the design has, and no fault is the portal's own."""

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from exports import states
from exports.credentials import service
from exports.models import Call, Change, Export, Project
from exports.providers.registry import PROVIDERS
from exports.transport.errors import ProviderError
from tests.helpers.cast import Cast
from tests.helpers.fuzzing import fuzz, within_bounds
from tests.helpers.json_changes import Change as AnswerChange
from tests.helpers.json_changes import changes
from tests.helpers.provider_answers import answering, jobs_of
from tests.helpers.raw_server import RawServer, run_raw_server
from tests.helpers.run_exports import request_export, take_step
from tests.helpers.samples import ANSWERS

MAX_STEPS = 7
# Refusals that prove that nothing was executed, and ask for patience.
BUSY = (408, 423, 425, 429)


@pytest.fixture(scope="module")
def host() -> Iterator[RawServer]:
    with run_raw_server() as server:
        yield server


def check_export(export: Export, host: RawServer, creating: str) -> None:
    """What holds after every step."""
    said = [
        export.error_message,
        export.wait_note,
        *Change.objects.filter(export=export).values_list("note", flat=True),
    ]
    assert "internal" not in (export.error_code, export.last_error_code), said
    assert export.is_open == (export.next_step_at is not None)
    assert export.step in (states.SUBMIT, states.POLL, states.FETCH) if export.is_open else export.step == states.NONE
    if export.status == states.FAILED:
        assert export.error_code in states.ERROR_CODES
        assert export.error_message.strip()
        assert export.error_action in states.ACTIONS
    if export.status == states.SUCCEEDED:
        assert (export.file is not None) == export.kind.has_file
    secrets = ANSWERS[export.project.credential.provider].secrets.values()
    assert not any(secret in text for secret in secrets for text in said)
    requests = len([head for head in host.requests if head.startswith(creating.encode())])
    refused = Call.objects.filter(export=export, method="POST", status__in=BUSY, url__contains=creating.split()[1])
    assert requests - refused.count() <= 2


def code_of(ask: Callable[[], object]) -> str:
    """The code of the error that it raises; "" where it raises none."""
    try:
        with within_bounds("asked by a page"):
            ask()
    except ProviderError as error:
        return error.code
    return ""


def ask_about(project: Project, job_type: str, options: dict[str, object]) -> None:
    """What pages and API ask a provider without an export."""
    codes = []
    for ask in (
        lambda: service.check_credential(project.credential),
        lambda: service.list_remote_projects(project.credential),
        lambda: service.preflight(project, job_type, options),
        lambda: [service.list_option_choices(project, name) for name in project.provider.kinds[0].options_with_choices],
    ):
        codes.append(code_of(ask))
    assert "internal" not in codes


@fuzz(examples=12, shares=2)
@given(
    slug=st.sampled_from(sorted(ANSWERS)),
    which=st.integers(0, 3),
    plan=st.lists(st.one_of(st.none(), changes()), min_size=1, max_size=6),
    asks=st.integers(0, 3).map(lambda number: number == 0),
)
def test_any_answer_to_any_step(
    host: RawServer,
    cast: Cast,
    as_viewer: Client,
    settings: Settings,
    slug: str,
    which: int,
    plan: list[AnswerChange | None],
    asks: bool,
) -> None:
    settings.PRIVATE_HOSTS = (host.host,)
    jobs = jobs_of(PROVIDERS[slug])
    job = jobs[which % len(jobs)]
    with transaction.atomic():
        project = cast.project(slug, host.origin, secrets=dict(ANSWERS[slug].secrets))
        answering(host, slug, plan)
        if asks:
            ask_about(project, job.type, dict(job.options))
        else:
            export = request_export(project, cast.member, job.type, job.format, options=dict(job.options))
            for _ in range(MAX_STEPS):
                if not export.is_open:
                    break
                with within_bounds(f"{slug} {export.step}"):
                    export = take_step(export)
                check_export(export, host, ANSWERS[slug].creates or ANSWERS[slug].submit)
            assert as_viewer.get(f"/t/{cast.team.slug}/exports/{export.pk}/").status_code == 200
        transaction.set_rollback(True)
