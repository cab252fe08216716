"""Every export type runs from request to file against the stand-in providers over real sockets."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from exports import states
from exports.models import Call, Change
from exports.sandbox.server import Sandbox
from exports.storage import files
from tests.helpers.cast import KINDS, PROJECTS, Cast
from tests.helpers.run_exports import request_export, run_to_end, status_history


@pytest.mark.parametrize(("provider", "type_", "format_", "options"), KINDS)
def test_it_goes_from_waiting_to_succeeded(
    cast: Cast,
    sandbox: Sandbox,
    origin_of: Callable[[str], str],
    provider: str,
    type_: str,
    format_: str,
    options: dict[str, Any],
) -> None:
    project = cast.project(provider, origin_of(provider))
    export = run_to_end(request_export(project, cast.member, type_, format_, options=options))

    assert (export.status, export.error_message) == (states.SUCCEEDED, "")
    assert status_history(export) == [(None, "waiting"), ("waiting", "processing"), ("processing", "succeeded")]
    assert export.remote_id
    assert export.progress == 100
    assert export.created_at <= export.submitted_at <= export.started_at <= export.finished_at
    assert sandbox.ledger()["jobs"][provider] == {PROJECTS[provider]: 1}
    if export.format == "none":
        assert export.file is None
    else:
        assert export.file is not None
        content = files.path_of(export.file).read_bytes()
        assert len(content) == export.file.size
        assert hashlib.sha256(content).hexdigest() == export.file.sha256
        assert not list(files.parts_dir().iterdir())
    assert sandbox.ledger()["credential_leaks"] == []
    assert Call.objects.filter(export=export, method="POST").exists()
    assert Change.objects.filter(export=export).last().provider_status
