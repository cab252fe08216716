"""A file of an archive is shown as text or picture, escaped and sandboxed; taking it out is a download."""

import struct
from typing import Any

import pytest
from django.test import Client

from exports.models import AuditEntry, Download, Export, File
from tests.helpers.cast import Cast
from tests.helpers.kept_exports import keep_export, zip_bytes
from tests.helpers.roles import ARCHIVES

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s2I5B", 13, b"IHDR", 2, 3, 8, 6, 0, 0, 0)
FILES = {
    "index.html": b"<script>alert(1)</script>",
    "logo.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "pixel.html": PNG,
    "model.glb": b"glTF\x00\x01\x02",
    "folder/": b"",
}


@pytest.fixture
def export(cast: Cast) -> Export:
    return keep_export(cast.project(ARCHIVES), cast.member, zip_bytes(FILES), "zip")


def get(client: Client, export: Export, tail: str, **more: Any) -> Any:
    return client.get(f"/t/the-team/exports/{export.pk}/{tail}", **more)


def test_the_tree_links_to_each_file_with_its_size(as_viewer: Client, export: Export) -> None:
    html = get(as_viewer, export, "preview").content.decode()
    assert "4 files, " in html
    assert f'<a href="/t/the-team/exports/{export.pk}/members/0">' in html
    assert '<span class="num">25\N{NO-BREAK SPACE}B</span>' in html
    found = get(as_viewer, export, "preview?q=LOGO").content.decode()
    assert "1 name with “LOGO”" in found
    assert "index.html" not in found
    assert "no such folder" in get(as_viewer, export, "preview?folder=nothing/here").content.decode()


@pytest.mark.parametrize("index", [0, 1])
def test_pages_and_drawings_are_shown_as_text(as_viewer: Client, export: Export, index: int) -> None:
    html = get(as_viewer, export, f"members/{index}").content.decode()
    assert "alert(1)" in html
    assert "<script>alert" not in html
    assert "<svg xmlns" not in html
    answer = get(as_viewer, export, f"members/{index}/raw")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"


def test_a_picture_is_sent_with_the_type_of_its_bytes(as_viewer: Client, export: Export) -> None:
    html = get(as_viewer, export, "members/2").content.decode()
    assert f'<img src="/t/the-team/exports/{export.pk}/members/2/raw" width="2" height="3"' in html
    answer = get(as_viewer, export, "members/2/raw")
    assert (answer["Content-Type"], answer["Content-Disposition"], answer.content) == ("image/png", "inline", PNG)


@pytest.mark.parametrize(("index", "query"), [(0, ""), (2, ""), (3, ""), (0, "?download")])
def test_no_browser_renders_it_as_a_page(as_viewer: Client, export: Export, index: int, query: str) -> None:
    answer = get(as_viewer, export, f"members/{index}/raw{query}")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    attached = answer["Content-Disposition"].startswith("attachment; filename=")
    assert attached == (index == 3 or bool(query))
    assert not attached or answer["Content-Type"] == "application/octet-stream"


def test_looking_is_no_download_and_taking_is(as_viewer: Client, export: Export, cast: Cast) -> None:
    for tail in ("preview", "members/0", "members/0/raw", "members/2/raw", "members/3"):
        get(as_viewer, export, tail)
    assert not Download.objects.exists()
    assert b"".join(get(as_viewer, export, "members/3/raw")) == FILES["model.glb"]
    receipt = Download.objects.get()
    assert (receipt.export, receipt.user) == (export, cast.viewer.user)
    assert AuditEntry.objects.get(verb="downloaded").detail == "only model.glb"


def test_what_is_not_there_is_not_found(as_viewer: Client, as_outsider: Client, export: Export) -> None:
    for tail in ("members/4", "members/99", "members/99/raw"):
        assert get(as_viewer, export, tail).status_code == 404
    assert get(as_outsider, export, "members/0/raw").status_code == 404
    File.objects.update(deleted_at=export.created_at)
    assert get(as_viewer, export, "members/0/raw").status_code == 404
