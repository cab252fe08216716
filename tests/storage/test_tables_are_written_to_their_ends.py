"""A table whose program failed while it wrote it is no table, though its length agrees; odd cells do not make it so."""

from pathlib import Path

import pytest

from exports.storage.verify import BadFileError, verify

HEADER = b"id,name,text\n"
ROWS = HEADER + b"".join(b"%d,name %d,a text\n" % (n, n) for n in range(40_000))
FEW = ROWS[: ROWS.index(b"\n300,") + 1]
PHP = b"<br />\n<b>Fatal error</b>:  Uncaught Exception: no such row in <b>/srv/x.php</b> on line <b>9</b><br />\n"
STACK = b'Traceback (most recent call last):\n  File "/srv/x.py", line 9, in rows\n    raise KeyError(1)\nKeyError: 1\n'
PAGE = b"<!DOCTYPE html>\n<html><head><title>Oops</title></head>\n<body>\n<p>One, two, three.</p>\n</body></html>\n"
NOTICE = b"Notice (8): Undefined offset: 4 [APP/Event.php, line 10]\nCode Context\nEvent::a() - APP/Event.php, line 9\n"
BROKEN = {
    "zeros in the middle": ROWS[:400_000] + bytes(4096) + ROWS[404_096:],
    "zeros at the end": ROWS[:400_000] + bytes(100_000),
    "zeros over the border of two pieces": b"x" * (1024 * 1024 - 300) + bytes(600) + b"\n",
    "zeros in UTF-16": ROWS.decode().encode("utf-16")[:400_000] + bytes(4096),
    "an error of PHP": FEW + PHP,
    "an error of PHP in the last row": FEW[:-9] + b"\n" + PHP,
    "a stack": FEW + STACK,
    "a page": FEW + PAGE,
    "a page in UTF-16": (FEW + PAGE).decode().encode("utf-16"),
    "a style": FEW + b"<style>\n#x { color: red; }\n</style>\n",
    "JSON": FEW + b'{"error": "timeout"}\n',
    "an error of the database": FEW + b"ERROR:  canceling statement due to statement timeout\n",
    "nothing but notices": NOTICE,
    "an error behind few rows": HEADER + b"1,a,b\n2,c,d\n" + STACK,
    "a proxy's error": FEW + b"504 Gateway Time-out\n",
    "a note that it was cut": FEW + b"[Export truncated: too many rows]\n",
    "the sizes of chunks": b"4e20\r\n" + FEW + b"\r\n0\r\n\r\n",
}
WHOLE = {
    "a year, and a zero at the end": b"2026\r\na,b\r\n1,2\r\n0\r\n",
    "few rows and a footer": HEADER + b"1,a,b\n2,c,d\nMade on Monday\n",
    "a footer": FEW + b"Total,300\n",
    "a footer about errors": FEW + b"Error: 0\nErrors: 5\n",
    "a sentence": FEW + b"\nMade on Monday\n",
    "markup in the last cell": FEW + b'9,x,"<p>one\n<p>two, three\n<br />\n</p>"\n',
    "markup in cells": HEADER + b'1,x,"<p>a\n<b>b</b>\n<p>c"\n' * 50,
    "markup without quotes": HEADER + b"1,x,y\n" * 50 + b"<p>a, b</p>,x,y\n",
    "an error in a last cell": FEW + b"301,Error: none,x\n",
    "a few zeros behind it": FEW + bytes(300),
    "a zero byte in each row": b"a,b,c\n" + b"1,2\0,3\n" * 30,
    "a backslash before a quote": b'id;text\n1;"he said \\"hi\\""\n',
    "the same without a last line end": b'id;text\n1;"hi \\""',
    "a backslash before the last quote": b'id;text\n1;"C:\\"\n2;"x"\n',
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_table_that_was_not_written_to_its_end_is_a_bad_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "table").write_bytes(data)
    with pytest.raises(BadFileError):
        verify(tmp_path / "table", "csv")


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_odd_cells_and_endings_are_kept(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "table").write_bytes(data)
    assert verify(tmp_path / "table", "csv") == ""


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_quote_with_backslashes_that_is_cut_is_a_bad_file(tmp_path: Path, cut: int) -> None:
    data = b'id;text\n1;"he said \\"hi\\""'
    (tmp_path / "table").write_bytes(data[:-cut])
    with pytest.raises(BadFileError):
        verify(tmp_path / "table", "csv", length_known=False)
