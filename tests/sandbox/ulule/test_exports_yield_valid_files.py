"""Its orders are valid tables."""

import csv
import io
import zipfile
from collections.abc import Callable
from xml.etree import ElementTree

from tests.sandbox.provider_clients import Client, download

Make = Callable[[str], Client]


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
