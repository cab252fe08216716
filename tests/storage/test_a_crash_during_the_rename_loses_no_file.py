"""A worker dies before or after the downloaded file is renamed: the next one completes the export."""

from collections.abc import Callable

import pytest
from django.conf import settings

from exports import states
from exports.models import Export
from exports.sandbox.server import Sandbox
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES
from tests.helpers.run_exports import request_export, run_to_end, take_step

OriginOf = Callable[[str], str]


def dies(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def ready(cast: Cast, origin_of: OriginOf) -> Export:
    """An export whose file is the next thing to fetch."""
    export = request_export(cast.project(ARCHIVES, origin_of(ARCHIVES)), cast.member, "archive")
    while export.step != states.FETCH:
        export = take_step(export)
    return export


@pytest.mark.parametrize("line", ["exports.storage.files.os.utime", "exports.models.Export.move"])
def test_the_next_worker_completes_the_export(
    cast: Cast, sandbox: Sandbox, origin_of: OriginOf, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    export = ready(cast, origin_of)
    with monkeypatch.context() as death:
        death.setattr(line, dies)
        with pytest.raises(KeyboardInterrupt):
            take_step(export)
    Export.objects.update(held_until=None)  # the lease has run out

    ended = run_to_end(export)
    assert ended.status == states.SUCCEEDED
    assert ended.file is not None
    kept = [path for path in files.files_dir().glob("*/*/*") if path.is_file()]
    assert [path.name for path in kept] == [ended.file.path.rpartition("/")[2]]
    assert list((settings.DATA_DIR / "parts").iterdir()) == []
