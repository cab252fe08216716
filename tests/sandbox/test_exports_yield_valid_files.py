"""Each stand-in goes from the request to a valid file."""

import csv
import io
import zipfile
from collections.abc import Callable
from xml.etree import ElementTree

from exports.sandbox.server import Sandbox
from tests.sandbox.provider_clients import HEALTHY_PROJECTS, Client, download, set_progress, slow_down_jobs

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


def test_an_ai_studios_video_is_a_sound_row_of_boxes(client: Make) -> None:
    answer = download(client("aistudios").link())
    assert answer.headers["Content-Type"] == "video/mp4"
    data, names, place = answer.content, [], 0
    while place < len(data):
        names.append(data[place + 4 : place + 8])
        place += int.from_bytes(data[place : place + 4], "big")
    assert (names, place) == ([b"ftyp", b"moov", b"mdat"], len(data))
    assert b"Made by a stand-in provider" in data


def test_ulule_orders_as_csv_are_written_as_in_the_wild(client: Make) -> None:
    answer = download(client("ulule").link())
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert rows[0][:3] == ["#", "E-mail", "Montant unitaire total"]
    assert len({row[0] for row in rows[1:]}) == 40 < len(rows) - 1
    assert all(len(row) == len(rows[0]) and "stand-in" in row[-1] for row in rows[1:])


def test_ulule_orders_have_the_columns_asked_for(client: Make) -> None:
    columns = {"order.id": "Number", "user.email": "Mail; address"}
    text = download(client("ulule").link(columns=columns)).content.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    assert rows[0] == ["Number", "Mail; address"]
    assert rows[1][1].endswith("@example.com")


def test_ulule_orders_as_xlsx_are_a_workbook(client: Make) -> None:
    packed = zipfile.ZipFile(io.BytesIO(download(client("ulule").link(format="xlsx")).content))
    assert packed.testzip() is None
    for name in packed.namelist():
        ElementTree.fromstring(packed.read(name))  # noqa: S314 - our own file
    assert "Orders (stand-in)" in packed.read("xl/workbook.xml").decode()
    assert packed.read("xl/worksheets/sheet1.xml").count(b"<row ") > 40


def test_a_toloka_project_is_in_the_archive_afterwards(client: Make, sandbox: Sandbox) -> None:
    slow_down_jobs(sandbox)
    toloka = client("toloka")
    answer = toloka.submit("10")
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    assert answer.json()["parameters"] == {"project_id": "10"}
    assert toloka.call("GET", "/api/v1/projects/10").json()["status"] == "ACTIVE"
    set_progress(sandbox, "toloka", "10", 1.0)
    assert toloka.job_status(answer.json()["id"]).word == "SUCCESS"
    assert toloka.call("GET", "/api/v1/projects/10").json()["status"] == "ARCHIVED"


def test_every_state_is_passed_in_order(client: Make, sandbox: Sandbox) -> None:
    slow_down_jobs(sandbox)
    orders = {
        "playcanvas": ["running", "running", "complete"],
        "aistudios": ["exporting", "exporting", "exported"],
        "toloka": ["PENDING", "RUNNING", "SUCCESS"],
        "ulule": ["waiting", "processing", "succeeded"],
    }
    for provider, wanted in orders.items():
        one, words = client(provider), []
        job = one.start()
        for share in (0.0, 0.5, 1.0):
            set_progress(sandbox, provider, HEALTHY_PROJECTS[provider], share)
            words.append(one.job_status(job).word)
        assert words == wanted, provider


def test_the_same_file_comes_twice_and_another_job_has_another_one(client: Make) -> None:
    play = client("playcanvas")
    first, second = play.link(), play.link()
    assert download(first).content == download(first).content != download(second).content
