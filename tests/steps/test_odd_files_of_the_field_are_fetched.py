"""Files that real hosts really sent, over a real socket: odd ones are kept byte for byte, what is no export is not."""

import gzip
import tracemalloc

import pytest
from pytest_django.fixtures import Settings

from exports import states
from exports.models import Change
from exports.preview.formats import make_preview
from exports.preview.tables import Table
from exports.storage import files
from tests.helpers.cast import Cast
from tests.helpers.file_host import FIELD, file_reply, recorded_reply, run_file_host
from tests.helpers.stub_server import Reply

KEPT = [
    "commas-in-the-header.csv",
    "longer-last-row.csv",
    "sep-line.csv",
    "dates-1904.xlsx",
    "workbook2.xlsx",
    "deflate64-member.zip",
    "two-names.zip",
    "stray-bytes.mp4",
]
PDF = Reply(200, b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", {"Content-Type": "text/csv"})


@pytest.mark.parametrize("name", KEPT)
def test_an_odd_file_is_kept_as_it_is(cast: Cast, settings: Settings, name: str) -> None:
    with run_file_host(cast, settings, name.rpartition(".")[2]) as host:
        export = host.fetch(file_reply(FIELD / name))
    assert export.status == states.SUCCEEDED, export.error_message
    assert export.file is not None
    assert files.path_of(export.file).read_bytes() == (FIELD / name).read_bytes()


def test_what_could_not_be_checked_is_said_in_the_history(cast: Cast, settings: Settings) -> None:
    with run_file_host(cast, settings, "zip") as host:
        export = host.fetch(file_reply(FIELD / "deflate64-member.zip"))
    note = Change.objects.filter(export=export).order_by("seq").last().note
    assert note == "File verified, 223 B. 1 member could not be checked: method 9."
    assert export.file.unchecked == "1 member could not be checked: method 9."


def test_the_preview_of_a_workbook_that_counts_from_1904_shows_the_right_day(cast: Cast, settings: Settings) -> None:
    with run_file_host(cast, settings, "xlsx") as host:
        export = host.fetch(file_reply(FIELD / "dates-1904.xlsx"))
    assert export.file is not None
    shown = make_preview(files.path_of(export.file), "xlsx")
    assert isinstance(shown, Table)
    cells = [cell for row in [shown.head, *shown.rows] for cell in row]
    assert "2018-12-28" in cells
    assert "2014-12-27" not in cells


@pytest.mark.parametrize(
    "reply",
    [
        recorded_reply("xml-error-as-table.http"),
        recorded_reply("json-error-as-table.http"),
        recorded_reply("html-fragment-as-table.http"),
        Reply(200, b"<!-- gone --><p>Sorry, this export, like others, has expired.</p>", {"Content-Type": "text/html"}),
        Reply(200, b"[]", {"Content-Type": "application/json"}),
        Reply(200, b"Internal Server Error", {"Content-Type": "text/plain"}),
        PDF,
    ],
    ids=["xml", "json", "html", "comment", "list", "sentence", "pdf"],
)
def test_an_error_in_the_place_of_a_table_is_a_bad_file(cast: Cast, settings: Settings, reply: Reply) -> None:
    with run_file_host(cast, settings, "csv") as host:
        export = host.fetch(reply)
    assert (export.status, export.error_code, export.error_action) == (states.FAILED, "bad_file", "provider")
    assert not list(files.parts_dir().iterdir())


@pytest.mark.parametrize("format_", ["zip", "xlsx", "mp4"])
def test_an_error_in_the_place_of_another_file_is_named(cast: Cast, settings: Settings, format_: str) -> None:
    with run_file_host(cast, settings, format_) as host:
        export = host.fetch(recorded_reply("xml-error-as-table.http"))
    assert export.error_code == "bad_file"
    assert export.error_message.startswith("The file is an XML document.")


def test_an_endless_row_that_came_packed_takes_little_memory(cast: Cast, settings: Settings) -> None:
    body = gzip.compress(b"a," * 20_000_000)
    assert len(body) < 100_000
    with run_file_host(cast, settings, "csv") as host:
        tracemalloc.start()
        export = host.fetch(Reply(200, body, {"Content-Type": "text/csv", "Content-Encoding": "gzip"}))
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (export.status, export.error_code) == (states.FAILED, "bad_file")
    assert "The first row has more than 4194304 bytes; that is no table." in export.error_message
    assert most < 64 * 1024 * 1024
