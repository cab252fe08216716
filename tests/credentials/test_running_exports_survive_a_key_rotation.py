"""Encryption keys are changed while exports run: what was encrypted before can still be decrypted."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Export
from exports.sandbox.server import Sandbox
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, run_to_end, take_step

OriginOf = Callable[[str], str]


@pytest.mark.parametrize("at_step", [states.SUBMIT, states.POLL, states.FETCH])
def test_exports_in_every_step_go_on_under_a_new_key(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, settings: Settings, at_step: str
) -> None:
    project = cast.project(ARCHIVES, origin_of(ARCHIVES))
    exports = [request_export(project, cast.member, "archive", allow_duplicate=True) for _ in range(3)]
    for export in exports:
        while Export.objects.get(pk=export.pk).step != at_step:
            take_step(export)
    settings.CREDENTIAL_KEYS = ("a newer key", *settings.CREDENTIAL_KEYS)
    assert {run_to_end(export).status for export in exports} == {states.SUCCEEDED}


def test_an_export_whose_link_cannot_be_decrypted_fails_with_action_us(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, settings: Settings
) -> None:
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    while take_step(export).step != states.FETCH:
        pass
    settings.CREDENTIAL_KEYS = ("quite another key",)
    export = take_step(export)
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "credential", "us")
