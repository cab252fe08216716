"""Checks that an xlsx file is a whole archive, and a workbook by the rules of its package, with the parts it needs."""

import re
from typing import Final

from exports.storage.csv_layout import detect_encoding
from exports.storage.readable import Readable
from exports.storage.safe_zip import BrokenArchiveError, open_zip
from exports.storage.verify.archives import check_zip
from exports.storage.verify.content import BadFileError
from exports.storage.workbook_package import CONTENT_TYPES_PART, ROOT_RELATIONSHIPS, Package, PackageError

SHEET_TYPES: Final = frozenset({"worksheet", "chartsheet", "dialogsheet", "xlMacrosheet"})
# The outermost elements of the parts of these types, which names of another kind of document do not have.
SHEET_ELEMENTS: Final = frozenset({"worksheet", "chartsheet", "dialogsheet", "macrosheet"})
# What the sheets show with: the texts of their cells, and how cells look.
SHARED_TYPES: Final = frozenset({"sharedStrings", "styles"})
MAX_MAIN_PART_BYTES: Final = 1024 * 1024
# Of all sheets together, unpacked once more to see whether they end.
MAX_SHEET_BYTES: Final = 1024 * 1024 * 1024
TAIL_BYTES: Final = 4096
# What may stand behind the outermost element. It never goes back, so many comments take little time.
EPILOG: Final = r"(?:[\s\0]++|<!--.*?-->|<\?.*?\?>)*+\Z"
# A cell whose text is among the shared strings.
SHARED: Final = re.compile(rb"""\st\s?=\s?["']s["']""")


def check_xlsx(source: Readable, **_: object) -> str:
    """Raises BadFileError when the file is broken or no workbook. Returns what could not be checked, or ""."""
    unchecked = check_zip(source)
    try:
        with open_zip(source) as archive:
            package = Package(archive)
            if ROOT_RELATIONSHIPS not in package.parts and CONTENT_TYPES_PART not in package.parts:
                raise PackageError("The file is an archive, but not a workbook.")
            relationships = package.parts.get(ROOT_RELATIONSHIPS)
            if relationships is not None and not relationships.is_readable:
                return unchecked
            main = package.main_part()
            entry = package.parts.get(main)
            if entry is None:
                raise PackageError(f"The workbook lacks its main part, {main[:100]}.")
            if not entry.is_readable:
                return unchecked
            if package.root_element(main) != "workbook":
                raise PackageError("The file is an archive, but not a workbook.")
            _check_sheets(package, main)
    except (PackageError, BrokenArchiveError) as error:
        raise BadFileError(str(error)) from None
    except (LookupError, ValueError):  # What the parser raises at an encoding that Python lacks.
        return f"The parts of the workbook could not be checked: their encoding is not read here. {unchecked}".rstrip()
    return unchecked


def _check_sheets(package: Package, main: str) -> None:
    """Raises PackageError where a part that the workbook's sheets need is missing, or stops before its end."""
    named: list[str] = []

    def on_start(element: str, attributes: dict[str, str]) -> None:
        if element == "sheet":
            named.extend(value for key, value in attributes.items() if value and key.rpartition(":")[2] == "id")

    package.parse(main, on_start, max_bytes=MAX_MAIN_PART_BYTES)
    if not named:
        return
    by_id = {relationship.id: relationship for relationship in package.relationships(main)}
    has_shared, left = False, MAX_SHEET_BYTES
    for reference in named:
        if reference not in by_id:
            raise PackageError("The workbook lacks one of its sheets.")
        sheet = by_id[reference]
        entry = package.parts.get(sheet.target)
        if entry is None:
            raise PackageError(f"The workbook lacks its sheet {sheet.target[:100]}.")
        left -= entry.size
        if sheet.type in SHEET_TYPES and sheet.target.endswith(".xml") and entry.is_readable and left >= 0:
            has_shared |= _check_part(package, sheet.target)
            if package.root_element(sheet.target) not in SHEET_ELEMENTS:
                raise PackageError(f"The workbook's part {sheet.target[:100]} is no sheet.")
    for relationship in by_id.values():
        entry = package.parts.get(relationship.target)
        if relationship.type in SHARED_TYPES and entry is not None and entry.is_readable:
            left -= entry.size
            if left >= 0 and relationship.target.endswith(".xml"):
                _check_part(package, relationship.target)
    strings = [relationship.target for relationship in by_id.values() if relationship.type == "sharedStrings"]
    if has_shared and not any(part in package.parts for part in strings or ["xl/sharedstrings.xml"]):
        raise PackageError("The workbook lacks the texts of its cells (its shared strings).")


def _check_part(package: Package, part: str) -> bool:
    """Whether cells of a sheet have their texts among the shared strings. Raises PackageError where it is cut off."""
    head = tail = b""
    has_shared, size = False, 0
    for piece in package.archive.unpack(package.parts[part]):
        head, size = head or piece, size + len(piece)
        has_shared = has_shared or SHARED.search(tail[-16:] + piece) is not None
        tail = (tail + piece)[-TAIL_BYTES:]
    name = package.root_element(part)
    ending = rf"</(?:[\w.-]+:)?{re.escape(name)}\s*>"
    if size <= TAIL_BYTES:
        ending += rf"|<(?:[\w.-]+:)?{re.escape(name)}\b[^<>]*/>"
    text = tail.decode(detect_encoding(head)[0], "replace")
    if not name or not re.search(rf"(?:{ending}){EPILOG}", text, re.S):
        raise PackageError(f"The workbook's part {part[:100]} is cut off.")
    return has_shared
