"""Ids of another type than documented are taken; what cannot be used is at least in the history."""

import pytest

from exports import states
from exports.models import Change, Export
from tests.field.conftest import NAMING_JOBS, POLL, SUBMIT, Field
from tests.helpers.roles import ARCHIVES
from tests.helpers.samples import SAMPLES
from tests.helpers.stub_server import Reply


def notes(export: Export) -> str:
    return "\n".join(Change.objects.filter(export=export).values_list("note", flat=True))


@pytest.mark.parametrize("provider", NAMING_JOBS)
@pytest.mark.parametrize("id_", ["501", 501, 501.0])
def test_an_id_of_another_type_than_documented_is_taken(field: Field, provider: str, id_: object) -> None:
    if SAMPLES[provider].ids_are_texts and isinstance(id_, float):
        pytest.skip("Its ids are texts; whole numbers are taken.")
    field.server.on(SUBMIT[provider], field.accepted(provider, id=id_))
    field.server.on(POLL[provider], Reply(body=field.job(provider, id=id_)))
    export = field.run(provider)
    assert (export.status, export.error_message, export.remote_id) == (states.SUCCEEDED, "", "501")
    assert field.requests(provider) == 1


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (Reply(201, {"job": {"id": "a/b 7"}}), "job.id a/b 7"),
        (Reply(202, {"export_id": 77, "message": "queued"}), "export_id 77"),
        (Reply(202, None, {"Location": "/v1/exports/77?token=x"}), "Location …/77"),
        (Reply(201, {"id": {"$oid": "65fa6b07"}}), "id.$oid 65fa6b07"),
        (Reply(201, "Export 77 is queued"), "Export 77 is queued"),
    ],
)
def test_an_id_that_cannot_be_used_is_in_the_history(field: Field, answer: Reply, named: str) -> None:
    field.server.on(SUBMIT[ARCHIVES], answer)
    export = field.run(ARCHIVES)
    assert named in notes(export)
    assert "token" not in notes(export)
