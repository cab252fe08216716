"""A character that XML cannot hold stands escaped in a workbook; the preview shows the character."""

from pathlib import Path

import pytest
import xlsxwriter

from exports.preview.formats import make_preview
from exports.preview.tables import Table


@pytest.mark.parametrize("constant_memory", [False, True], ids=["shared strings", "texts in the cells"])
def test_escaped_characters_are_shown(tmp_path: Path, constant_memory: bool) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path), {"constant_memory": constant_memory})
    sheet = book.add_worksheet()
    texts = ["a\x0bb", "_x000D_", "x000D_", "_xD83D_", "plain_text"]
    for column, text in enumerate(texts):
        sheet.write_string(0, column, text)
    book.close()
    shown = make_preview(path, "xlsx")
    assert isinstance(shown, Table)
    assert shown.head == ["a\N{WHITE SQUARE}b", *texts[1:]]
