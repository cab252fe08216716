"""Succeeded exports with the files that tests give them."""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone

from exports import states
from exports.models import Export, File, Member, Project
from exports.storage import places
from tests.helpers.run_exports import request_export

TYPES = {"csv": "orders", "xlsx": "orders", "zip": "archive", "mp4": "video"}


def keep_export(project: Project, member: Member, content: bytes, format_: str = "csv", **more: Any) -> Export:
    """A succeeded export of the project with a file of these bytes. `more`: options and the like of the request."""
    export = request_export(project, member, more.pop("type", TYPES[format_]), format_, **more)
    export.move(states.PROCESSING, source="worker", step=states.POLL, next_step_at=timezone.now())
    path = f"{project.team_id}/{export.pk}/file.{format_}"
    place = places.current()
    place.copy_in(path, iter([content]), len(content))
    file = File.objects.create(
        team=project.team,
        name=f"file-{export.pk}.{format_}",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        content_type="application/octet-stream",
        path=path,
        storage=place.identity,
        verified_at=timezone.now(),
    )
    export.move(states.SUCCEEDED, source="worker", file=file, progress=100.0)
    return export


def csv_bytes(*rows: Sequence[object]) -> bytes:
    """A CSV file with these rows."""
    text = io.StringIO()
    csv.writer(text, delimiter=";").writerows(rows)
    return text.getvalue().encode()


def orders(numbers: Iterable[int], status: str = "paid") -> bytes:
    """A CSV file with an order for each number."""
    return csv_bytes(("order.id", "status", "total"), *((number, status, f"{number}.00") for number in numbers))


def zip_bytes(members: Mapping[str, str | bytes]) -> bytes:
    """A zip archive with these files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return data.getvalue()
