"""Odd tables are kept, other texts in a table's place are not, and a table that ends in mid-row is cut off."""

from pathlib import Path

import pytest

from exports.storage.verify import BadFileError, verify

ROWS = "id;Prénom\r\n1;Zoé\r\n2;Chloé\r\n"
ODD_TABLES = {
    "names of columns alone": b"id;mail\n",
    "one name alone": b"email\n",
    "one column": b"email\na@b.c\nd@e.f\n",
    "no line end": b"a,b\n1,2",
    "two blank lines first": b"\n\nid;mail\n1;a\n",
    "blank lines last": b"id|name\n1|2\n\n\n",
    "the end sign of DOS": b"id;name\n1;2\n\x1a",
    "line ends of old Macs": b"id;name\r1;2\r3;4\r",
    "a title with a word of errors": b"Report of errors in May\n\na;b;c\n1;2;3\n4;5;6\n",
    "a name that begins with a bracket": b"<id;name\n1;2\n3;4\n",
    "names in angle brackets": b"<TICKER>,<DATE>,<CLOSE>\nX,2020,1\n",
    "names in angle brackets alone": b"<TICKER>,<DATE>\n",
    "markup in a name": b"<b>Name</b>;Total\nx;1\ny;2\n",
    "braces around names": b"{id},{name}\n1,2\n3,4\n",
    "brackets around names": b"[id];[name]\n1;2\n3;4\n",
    "a title first": b"Report of May\n\na;b;c\n1;2;3\n4;5;6",
    "rows shorter than the header": b"a,b,c\n1,2\n3,4\n5,6",
    "a last row that is wider": b"id,name,total\n1,a,5\nTotal,,5,",
    "delimiters in quoted names": b'"a;b";"c, d"\n"x";"y;z"\n',
    "a delimiter in the last cell": b'a;b;c\n1;2;3\n4;5;"x;y"',
    "line ends in cells": b'id,name\n1,"5"" pipe"\n2,"multi\nline"\n',
    "a quote that is only a sign": b'id\tname\n1\t"5 pipe\n2\tb\n3\tc\n',
    "words of errors as names": b"Error,Code\nnone,5\nbad,6\n",
    "words of errors as names alone": b"Error code;Count\n",
    "words of errors as longer names": b"Error message,Error code,Invalid since\n",
    "JSON in cells": b'{"id":1};5\n{"id":2};6\n{"id":3};7\n',
    "letters that begin other files": b"BZhandle;PK;GIF\n1;2;3\n",
    "words of errors in cells": b"a;b\n1;Traceback, error, please\n2;x\n",
    "a stray zero byte": b"a,b\n1,\x002\n" + b"3,4\n" * 500,
    "any sign as delimiter": b"sep=^\na^b\n1^2\n",
    "cp1252": ROWS.encode("cp1252"),
    "utf-8 with a mark": ROWS.encode("utf-8-sig"),
    "utf-16 with a mark": ROWS.encode("utf-16"),
    "utf-16 without a mark": ROWS.encode("utf-16-le"),
    "utf-16 the other way round": ROWS.encode("utf-16-be"),
    "utf-32": ROWS.encode("utf-32"),
    "sep line after a mark": b"\xef\xbb\xbfsep=;\r\nid;mail\r\n1;2\r\n",
    "sep line in utf-16": "sep=\t\r\na\tb\r\n1\t2\r\n".encode("utf-16"),
    "sep line with blanks": b"sep=, \r\na,b\r\n1,2\r\n",
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbfid;name\n1;2\n",
    "a question as name": b'"Please tell us, how are you?"\n"fine"\n"not so well, sorry."\n',
    "a long cell": b"id;picture\n1;" + b"QUJD" * 500_000 + b"\n2;x\n",
}
NO_TABLES = {
    "a message": b"Internal Server Error",
    "a message of two lines": b"Bad Gateway\nThe upstream server did not answer.\n",
    "a message of two lines with commas": b"Oops, an error occurred.\nPlease, try again.\n",
    "a message with a comma": b"Your session has expired, please log in.",
    "a message in French": "Accès refusé\n".encode(),
    "a message in UTF-16": "Internal Error".encode("utf-16"),
    "a message of a proxy": b"upstream connect error or disconnect/reset before headers. reset reason: timeout",
    "a message about the state": b"The export is being generated, please wait",
    "an empty list": b"[]",
    "null": b"null",
    "a number": b"404",
    "a JSON text": b'"Internal error"',
    "JSON in lines": b'{"id":1,"b":2}\n{"id":3,"b":4}\n',
    "JSON on several lines": b'{\n "error": "x",\n "code": 3\n}\n',
    "deep JSON": b"[" * 30_000,
    "a Python dict": b"{'error': 'x', 'code': 5}",
    "XML without a prolog": b"<Error><Code>NoSuchKey</Code></Error>",
    "XML after a comment": b'<?xml version="1.0"?><!-- c --><Error><Code>NoSuchKey</Code></Error>',
    "XML of many rows": b"<Orders>\n" + b'<row a="1,2"/>\n' * 90 + b"</Orders>\n",
    "XML rows alone": b'<row a="1,2"/>\n' * 90,
    "a long list of JSON": b"[\n" + b'{"id":1,"b":2},\n' * 9000 + b"{}]\n",
    "a long list of JSON in its first line": b'[{"id":1,"b":2},\n' + b'{"id":1,"b":2},\n' * 9000 + b"{}]\n",
    "a long JSON object": b"{\n" + b' "key": {"id":1,"b":2},\n' * 9000 + b"}\n",
    "a page after blanks": b"  \n<!DOCTYPE html>\n<html>",
    "a page after a comment": b"<!-- x --><div>Sorry</div>",
    "a page in UTF-16": "<html><body>Sorry</body></html>".encode("utf-16"),
    "a page with commas": b"<p>Oops, an error, sorry</p>\n<p>more, text, here</p>\n",
    "a fragment with a delimiter": b"<div class='a'>x;y</div>",
    "a picture": b"\x89PNG\r\n\x1a\n....",
    "a packed table": b"\x1f\x8b\x08\x00" + bytes(20),
    "any bytes": bytes(range(256)) * 10,
    "blank lines": b"\n \n\n",
    "a mark alone": b"\xef\xbb\xbf",
}
CUT_OFF = {
    "a short row": b"a;b;c\n1;2;3\n4;5",
    "a quoted cell": b'a;b\n1;"x',
    "a quoted cell with a line end": b'a;b\n1;"x\ny',
    "a quoted cell after a line end": b'a;b\n1;2\n3;"x\ny\n',
    "a short row in UTF-16": ROWS.encode("utf-16")[:-16],
    "half a character in UTF-16": ROWS.encode("utf-16")[:-1],
}


def check(tmp_path: Path, data: bytes, **more: object) -> str:
    path = tmp_path / "table"
    path.write_bytes(data)
    return verify(path, "csv", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("data", ODD_TABLES.values(), ids=ODD_TABLES)
def test_an_odd_table_is_a_table(tmp_path: Path, data: bytes) -> None:
    assert check(tmp_path, data) == ""


@pytest.mark.parametrize("data", NO_TABLES.values(), ids=NO_TABLES)
def test_another_text_is_a_placeholder(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadFileError) as refused:
        check(tmp_path, data)
    assert refused.value.is_placeholder
    assert str(refused.value).startswith("The file is ")


@pytest.mark.parametrize("data", CUT_OFF.values(), ids=CUT_OFF)
def test_a_table_that_ends_in_mid_row_is_cut_off(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(BadFileError, match="cut off") as refused:
        check(tmp_path, data)
    assert not refused.value.is_placeholder


@pytest.mark.parametrize("data", [b"a;b\n1;2", b"a;b\n1;2\n3;4;5", "a;b\r\n1;2".encode("utf-16-le"), b"email"])
def test_without_a_length_the_last_row_needs_its_line_end(tmp_path: Path, data: bytes) -> None:
    assert check(tmp_path, data) == ""
    with pytest.raises(BadFileError, match="no line end"):
        check(tmp_path, data, length_known=False)


def test_with_its_line_end_a_table_needs_no_length(tmp_path: Path) -> None:
    for data in (b"a;b\n1;2\n", b"a;b\r1;2\r", b"a;b\n1;2\n\x1a", ROWS.encode("utf-16"), b"a;b;c\n1;2\n"):
        assert check(tmp_path, data, length_known=False) == ""


def test_the_declared_type_decides_where_the_content_does_not(tmp_path: Path) -> None:
    assert check(tmp_path, b"Hello world", declared_type="text/csv") == ""
    with pytest.raises(BadFileError, match="declared as text/html"):
        check(tmp_path, b"Hello world", declared_type="text/html")
    assert check(tmp_path, b"a;b\n1;2\n", declared_type="text/html") == ""
    assert check(tmp_path, b"email\na@b.c\n", declared_type="text/html") == ""
    assert check(tmp_path, b"Please choose\nred\nblue\n", declared_type="text/csv") == ""
    for message in (b"Traceback (most recent call last):\n  File x\n", b"Bad Gateway\nTry again\n", b"Forbidden"):
        with pytest.raises(BadFileError, match="a message"):
            check(tmp_path, message, declared_type="text/csv")


def test_a_row_too_long_to_follow_is_kept_and_said(tmp_path: Path) -> None:
    data = b"a,b\n1," + b'"' + b"x" * 7_000_000 + b'"\n2,3\n'
    assert check(tmp_path, data).startswith("The table has a row of more than 4194304 bytes")
    with pytest.raises(BadFileError, match="no line end"):
        check(tmp_path, data[:-1], length_known=False)


def test_a_first_row_without_end_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="first row has more than"):
        check(tmp_path, b"a," * 3_000_000)
