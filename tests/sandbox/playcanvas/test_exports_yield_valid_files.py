"""Its archives and apps are valid zips."""

import io
import zipfile
from collections.abc import Callable

from tests.sandbox.provider_clients import Client, download

Make = Callable[[str], Client]


def test_a_playcanvas_archive_is_a_zip_that_says_what_it_is(client: Make) -> None:
    link = client("playcanvas").link()
    assert link.endswith(".zip")
    packed = zipfile.ZipFile(io.BytesIO(download(link).content))
    assert packed.testzip() is None
    assert b"stand-in" in packed.read("README-STAND-IN.txt")
    assert "project.json" in packed.namelist()


def test_a_playcanvas_app_has_a_page_and_its_scenes(client: Make) -> None:
    play = client("playcanvas")
    wish = {"project_id": 100001, "name": "Game", "scenes": [1000012, 1000011]}
    answer = play.call("POST", "/api/apps/download", json=wish)
    assert answer.status_code == 201
    seen = play.wait(str(answer.json()["id"]))
    names = zipfile.ZipFile(io.BytesIO(download(seen.raw["data"]["download_url"]).content)).namelist()
    assert {"index.html", "config.json", "1000011.json", "1000012.json"} <= set(names)
