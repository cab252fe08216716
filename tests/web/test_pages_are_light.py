"""The first page that somebody opens takes at most 150 kB on its way, and every further one at most 30 kB."""

import gzip
import re
from pathlib import Path
from typing import Final

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from exports.models import User
from tests.helpers import factories
from tests.helpers.cast import Cast
from tests.helpers.clients import client_of
from tests.helpers.roles import TABLES

FIRST_BYTES: Final = 150_000
NEXT_BYTES: Final = 30_000
LINKED: Final = re.compile(r'(?:href|src)="/static/([^"#]+)')
# Fonts are packed already. Those of other scripts come only where a page has their letters.
LATIN: Final = "exports/fonts/inter-latin-wght-normal.woff2"


def _packed(path: str) -> int:
    """The bytes of a static file on its way, as WhiteNoise serves it."""
    data = Path(str(finders.find(path))).read_bytes()
    return len(data) if path.endswith(".woff2") else len(gzip.compress(data))


@pytest.mark.parametrize("path", ["", "exports/", "exports/{pk}/", "projects/", "new/"])
def test_the_first_page_is_light(as_owner: Client, cast: Cast, path: str) -> None:
    for number in range(30):
        project = cast.project(TABLES, remote_id=f"{4100 + number}")
        export = factories.succeeded_export(cast, project=project)
    answer = as_owner.get(f"/t/the-team/{path.format(pk=export.pk)}", headers={"Accept-Encoding": "gzip"})
    files = set(LINKED.findall(gzip.decompress(answer.content).decode()))
    assert LATIN in files, "the font is loaded with the page"
    assert "exports/icons.svg" in files
    assert len(answer.content) <= NEXT_BYTES, "all else is kept by the browser"
    total = len(answer.content) + sum(map(_packed, files))
    assert total <= FIRST_BYTES, f"{len(answer.content)} of HTML, {total} in all"


@pytest.mark.parametrize("path", ["/profile/", "/t/the-team/exports/{pk}/preview", "/admin/exports/export/"])
def test_large_parts_are_packed(cast: Cast, path: str) -> None:
    export = factories.succeeded_export(cast)
    User.objects.filter(pk=cast.owner.user_id).update(is_staff=True, is_superuser=True)
    cast.owner.user.refresh_from_db()
    client = client_of(cast.owner)
    headers = {"Accept-Encoding": "gzip", "HX-Request": "true"}
    answer = client.get(path.format(pk=export.pk), headers=headers)
    assert answer.status_code == 200
    assert answer["Content-Encoding"] == "gzip"
    assert len(answer.content) <= NEXT_BYTES
