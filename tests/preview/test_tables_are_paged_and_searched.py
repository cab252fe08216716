"""The first 10,000 rows of a table are kept packed: any page of them, and a search, without reading the file again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import xlsxwriter

from exports.preview import table_head
from exports.preview.cells import MAX_ROWS, PreviewError
from exports.preview.columns import BOOLEAN, DATE, EMPTY, NUMBER, TEXT, profile_columns
from exports.preview.table_head import TableHead, get_head, read_head, search_pattern


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    table_head.forget_all()
    yield
    table_head.forget_all()


def table(folder: Path, rows: int) -> Path:
    path = folder / "orders.csv"
    path.write_text("id;who\n" + "".join(f"{n};Person {n}\n" for n in range(1, rows + 1)))
    return path


def test_every_page_has_its_rows_and_their_numbers(tmp_path: Path) -> None:
    head = read_head(table(tmp_path, 120), "csv")
    assert (head.row_count, head.has_more, len(head.pages)) == (120, False, 3)
    assert head.page(1)[0] == (51, ["51", "Person 51"])
    assert [number for number, _ in head.page(2)] == list(range(101, 121))


def test_reading_ends_after_ten_thousand_rows(tmp_path: Path) -> None:
    head = read_head(table(tmp_path, table_head.MAX_TABLE_ROWS + 5), "csv")
    assert (head.row_count, head.has_more) == (table_head.MAX_TABLE_ROWS, True)
    assert len(head.pages) == table_head.MAX_TABLE_ROWS // MAX_ROWS


def test_reading_ends_when_there_is_too_much_text_or_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, 3_000)
    monkeypatch.setattr(table_head, "MAX_CHARS", 1_000)
    assert read_head(path, "csv").row_count < 100
    monkeypatch.undo()
    monkeypatch.setattr(table_head, "MAX_SECONDS", -1.0)
    with pytest.raises(PreviewError, match="longer than"):
        read_head(path, "csv")


def test_what_was_read_before_a_fault_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("id;who\n1;a\n2;b\n" + '3;"' + "x" * 2_000_000)
    head = read_head(path, "csv")
    assert (head.row_count, head.has_more) == (2, True)
    assert "longer than what is read" in head.stopped or "never closed" in head.stopped


def test_a_wider_row_adds_a_column_to_all(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("a;b\n1;2\n3;4;5\n")
    head = read_head(path, "csv")
    assert head.page(0) == [(1, ["1", "2", ""]), (2, ["3", "4", "5"])]
    assert [column.name for column in head.columns] == ["a", "b", ""]


def test_a_search_finds_rows_in_all_pages_in_capitals_or_not(tmp_path: Path) -> None:
    head = read_head(table(tmp_path, 120), "csv")
    rows, count = head.search(search_pattern("PERSON 11"), 0)
    assert count == 11
    assert [number for number, _ in rows] == [11, *range(110, 120)]
    assert head.search(search_pattern("Person"), 2)[0][0][0] == 101
    assert head.search(search_pattern(".*"), 0) == ([], 0), "it is a text, not a pattern"


def test_the_sheets_of_a_workbook_are_read_by_number(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name in ("Orders", "Refunds"):
            book.add_worksheet(name).write_row(0, 0, [name])
            book.get_worksheet_by_name(name).write_row(1, 0, [f"first of {name}"])
    assert read_head(path, "xlsx", 1).page(0) == [(1, ["first of Refunds"])]
    with pytest.raises(PreviewError, match="no such sheet"):
        read_head(path, "xlsx", 2)


def test_a_table_is_read_once_and_kept_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, 60)
    first = get_head("a", path, "csv")
    path.unlink()
    assert get_head("a", path, "csv") is first
    monkeypatch.setattr(table_head, "MAX_KEPT_BYTES", first.size)
    get_head("b", table(tmp_path, 60), "csv")
    path.unlink()
    with pytest.raises(PreviewError):
        get_head("a", path, "csv")


def test_what_nobody_used_for_a_while_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path, 1)
    first = get_head("a", path, "csv")
    monkeypatch.setattr(table_head, "MAX_KEPT_SECONDS", -1.0)
    assert get_head("a", path, "csv") is not first


def test_many_tables_are_not_read_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_head, "MAX_WAIT_SECONDS", 0.0)
    with table_head._reading, table_head._reading, pytest.raises(PreviewError, match="Others are opening"):
        get_head("a", table(tmp_path, 1), "csv")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2.50", "1 000,5", "", "12 %"], NUMBER),
        (["2024-03-02", "2024-03-02 10:01", "02.03.2024"], DATE),
        (["yes", "No"], BOOLEAN),
        (["01067", "75001"], TEXT),
        (["1", "one"], TEXT),
        (["", ""], EMPTY),
    ],
)
def test_columns_say_what_they_hold(cells: list[str], kind: str) -> None:
    (column,) = profile_columns(["a"], [[cell] for cell in cells])
    assert column.kind == kind
    assert column.filled == sum(map(bool, cells))


def test_a_head_without_rows_has_no_pages(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert read_head(tmp_path / "empty", "csv") == TableHead()
