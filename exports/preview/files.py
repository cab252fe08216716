"""A look into a kept file: the first rows of a table, the members of an archive. Bounded, and nothing is executed.

Whatever a file says is text here: formulas are not computed, archives not unpacked, entities of XML not expanded.
"""

import csv
import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exports.preview import xlsx
from exports.preview.xlsx import MAX_ROWS, Grid, PreviewError, clip_text
from exports.storage import safe_zip

HEAD_BYTES: Final = 256 * 1024
MAX_COLUMNS: Final = 60
SNIFFED_ROWS: Final = 20
DELIMITERS: Final = {";": "semicolons", ",": "commas", "\t": "tabs", "|": "bars"}
BOMS: Final = (
    (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
    (b"\xff\xfe", "utf-16", "UTF-16"),
    (b"\xfe\xff", "utf-16", "UTF-16"),
)
# What spreadsheet programs take for the start of a formula, unless it is a plain number.
FORMULA_START: Final = re.compile(r"[=+\-@\t\r]")
PLAIN_NUMBER: Final = re.compile(r"[+-]?[\d\s.,]*%?")
MAX_DIRECTORY_BYTES: Final = 16 * 1024 * 1024
MAX_NODES: Final = 400
MAX_CHILDREN: Final = 60
MAX_DEPTH: Final = 12


@dataclass(frozen=True)
class Table:
    """The first rows. `about` says how the file was read, `formulas` how many shown cells look like a formula."""

    head: list[str]
    rows: list[list[str]]
    has_more: bool
    reading_note: str
    formulas: int
    cut_columns: bool
    kind: str = "table"


@dataclass
class TreeNode:
    """A member of an archive, or a folder with all that is below it."""

    name: str
    is_folder: bool = False
    size: int = 0
    count: int = 0
    children: dict[str, "TreeNode"] = field(default_factory=dict)
    omitted_files: int = 0

    @property
    def sorted_children(self) -> list["TreeNode"]:
        """What is in it: folders first."""
        return sorted(self.children.values(), key=lambda node: (not node.is_folder, node.name.casefold()))


@dataclass(frozen=True)
class Tree:
    """What an archive's directory says: the tree, the number of files, and their size unpacked."""

    root: TreeNode
    count: int
    size: int
    kind: str = "tree"


@dataclass(frozen=True)
class Video:
    """A video, which the browser itself plays."""

    kind: str = "video"


Preview = Table | Tree | Video
# What reading a file that a stranger made can raise: unknown encodings are LookupErrors, odd dates ArithmeticErrors.
READ_ERRORS: Final = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def make_preview(path: Path, format_: str) -> Preview | None:
    """A look into a file of that format; None where there is nothing to look at. Raises PreviewError."""
    look = PREVIEWERS.get(format_)
    if look is None:
        return None
    try:
        return look(path)
    except PreviewError:
        raise
    except safe_zip.DirectoryTooLargeError:
        raise PreviewError("The archive has too many members to list them here.") from None
    except READ_ERRORS as error:
        raise PreviewError(f"The portal could not look into the file ({type(error).__name__}).") from None


# ---------------------------------------------------------------- tables


def _csv(path: Path) -> Table:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        more = bool(file.read(1))
    text, encoding = _decode(head, cut=more)
    text, delimiter = _delimiter(text)
    rows = list(_rows(text, delimiter, MAX_ROWS + 2))
    if more and len(rows) < MAX_ROWS + 2:
        del rows[max(1, len(rows) - 1) :]  # the last one may be cut in the middle
    return _table(Grid(rows, more), f"{encoding}, columns parted by {DELIMITERS[delimiter]}")


def _decode(head: bytes, *, cut: bool) -> tuple[str, str]:
    """The text, and what its encoding is called. Where the bytes were cut, the last sign may be half a one."""
    for bom, codec, label in BOMS:
        if head.startswith(bom):
            return head.decode(codec, errors="ignore" if cut else "replace"), label
    try:
        return head.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError as error:
        if cut and error.start > len(head) - 4 and error.reason.startswith("unexpected end"):
            return head[: error.start].decode("utf-8"), "UTF-8"
    return head.decode("cp1252", errors="replace"), "Windows-1252"


def _delimiter(text: str) -> tuple[str, str]:
    """The text without Excel's line that names the delimiter, and the delimiter."""
    if said := re.match(r"sep=([;,\t|])\r?\n", text, re.I):
        return text[said.end() :], said[1]

    def score(delimiter: str) -> tuple[int, int]:
        widths = [len(row) for row in _rows(text, delimiter, SNIFFED_ROWS)]
        width = widths[0] if widths else 1
        return (sum(one == width for one in widths) if width > 1 else 0, width)

    return text, max(DELIMITERS, key=score)


def _rows(text: str, delimiter: str, most: int) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    found = 0
    try:
        for row in reader:
            if row:
                yield row
                found += 1
            if found >= most:
                return
    except csv.Error:
        return  # a cell without an end: what came before it is shown


def _xlsx(path: Path) -> Table:
    with safe_zip.open_zip(path, MAX_DIRECTORY_BYTES) as opened:
        grid, name = xlsx.read_first_sheet(opened)
    return _table(grid, f"sheet “{clip_text(name)}”")


def _table(grid: Grid, about: str) -> Table:
    width = max((len(row) for row in grid.rows), default=0)
    columns = min(width, MAX_COLUMNS)
    rows = [[clip_text(cell) for cell in row[:columns]] for row in grid.rows]
    rows = [row + [""] * (columns - len(row)) for row in rows]
    head, body = (rows[0], rows[1:]) if rows else ([], [])
    formulas = sum(1 for row in body[:MAX_ROWS] for cell in row if _like_formula(cell))
    return Table(head, body[:MAX_ROWS], grid.has_more or len(body) > MAX_ROWS, about, formulas, columns < width)


def _like_formula(cell: str) -> bool:
    return bool(FORMULA_START.match(cell)) and not PLAIN_NUMBER.fullmatch(cell)


# ---------------------------------------------------------------- archives


def _zip(path: Path) -> Tree:
    with safe_zip.open_zip(path, MAX_DIRECTORY_BYTES) as opened:
        members = opened.infolist()
    root, made = TreeNode("", is_folder=True), 0
    for member in members:
        made = _place(root, member, made)
    return Tree(root, root.count, root.size)


def _place(root: TreeNode, member: zipfile.ZipInfo, made: int) -> int:
    """Adds a member to the tree, and its size to all folders above it. Returns how many nodes there are."""
    parts = [part for part in member.filename.replace("\\", "/").split("/") if part] or ["?"]
    is_file = not member.is_dir()
    folders = parts[: -1 if is_file else None][:MAX_DEPTH]
    at = root
    for place, name in enumerate([*folders, *parts[-1:]] if is_file else folders):
        at.size += member.file_size
        at.count += is_file
        if name not in at.children:
            if made >= MAX_NODES or len(at.children) >= MAX_CHILDREN:
                at.omitted_files += is_file
                return made
            at.children[name] = TreeNode(clip_text(name), is_folder=place < len(folders))
            made += 1
        at = at.children[name]
    at.size += member.file_size
    return made


PREVIEWERS: Final[dict[str, Callable[[Path], Preview]]] = {
    "csv": _csv,
    "xlsx": _xlsx,
    "zip": _zip,
    "mp4": lambda path: Video(),
}
