"""The package that a workbook is (ECMA-376, part 2): its parts, and which of them is the workbook.

The package's own relationships say so, not the usual names. Names of parts differ neither by case nor by their slashes.
"""

import posixpath
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote
from xml.parsers import expat

from exports.storage.csv_layout import detect_encoding
from exports.storage.safe_zip import Archive, Entry

USUAL_MAIN_PART: Final = "xl/workbook.xml"
ROOT_RELATIONSHIPS: Final = "_rels/.rels"
CONTENT_TYPES_PART: Final = "[content_types].xml"
MAX_PARTS: Final = 50_000
MAX_RELATIONSHIPS_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 64
MAX_ELEMENTS: Final = 400_000
HEAD_BYTES: Final = 64 * 1024
ROOT_ELEMENT: Final = re.compile(r"<(?:[\w.-]+:)?([A-Za-z][\w.-]*)")
# What may stand before the first element. It is matched from the beginning and never goes back: many comments take time
# in proportion to their length only.
PROLOG: Final = re.compile(r"(?:\s++|<\?.*?\?>|<!--.*?-->)*+", re.DOTALL)


class PackageError(Exception):
    """The package is none, or a part is missing or cannot be read; the text says why, for a person."""


class StopParsing(Exception):
    """Ends the parsing of an XML part early."""


@dataclass(frozen=True)
class Relationship:
    """A relationship. `type`: the last word of its type's URI, the same in strict and transitional workbooks."""

    id: str
    type: str
    target: str


class Package:
    """The parts of an open archive."""

    def __init__(self, archive: Archive) -> None:
        self.archive = archive
        self.parts: dict[str, Entry] = {}
        for entry in archive.entries():
            name = _normalize(entry.name)
            if len(self.parts) < MAX_PARTS and name.endswith((".xml", ".rels", ".bin")):
                self.parts.setdefault(name, entry)

    def main_part(self) -> str:
        """Returns the name of the workbook's main part. Raises PackageError."""
        if ROOT_RELATIONSHIPS in self.parts:
            for relationship in self.relationships(""):
                if relationship.type == "officeDocument":
                    return relationship.target
        elif USUAL_MAIN_PART in self.parts:
            return USUAL_MAIN_PART
        raise PackageError("The file is an archive, but not a workbook.")

    def relationships(self, part: str) -> list[Relationship]:
        """Returns the relationships of a part, "" for those of the package. Raises PackageError."""
        folder, name = posixpath.split(part)
        found: list[Relationship] = []

        def on_start(element: str, attributes: dict[str, str]) -> None:
            if element == "Relationship" and attributes.get("TargetMode") != "External":
                target = _normalize(
                    posixpath.join("/", folder, unquote(attributes.get("Target", "")).replace("\\", "/"))
                )
                type_ = attributes.get("Type", "").rstrip("/").rpartition("/")[2]
                found.append(Relationship(attributes.get("Id", ""), type_, target))

        self.parse(posixpath.join(folder, "_rels", f"{name}.rels"), on_start, max_bytes=MAX_RELATIONSHIPS_BYTES)
        return found

    def root_element(self, part: str) -> str:
        """Returns the local name of a part's outermost element, "" where it has none. Raises PackageError."""
        head = b"".join(self.archive.unpack(self.entry(part), HEAD_BYTES))
        codec, _, bom = detect_encoding(head)
        text = head[bom:].decode(codec, "replace")
        match = ROOT_ELEMENT.match(text, end_of_prolog(text))
        return match[1] if match else ""

    def parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        text: Callable[[str], None] | None = None,
        *,
        max_bytes: int,
        deadline: float | None = None,
    ) -> bool:
        """Parses an XML part while it is unpacked. Returns whether it stopped before the end. Raises PackageError.

        The handlers get local names, without namespace prefixes. The parsing stops after `max_bytes` or MAX_ELEMENTS,
        at `deadline` (of time.monotonic), or when a handler raises StopParsing. Elements may be MAX_DEPTH deep.
        """
        pieces = self.archive.unpack(self.entry(part))
        try:
            for read_bytes in parse_pieces(pieces, start, end, text):
                if read_bytes >= max_bytes or (deadline is not None and time.monotonic() > deadline):
                    return True
        except StopParsing:
            return True
        return False

    def entry(self, part: str) -> Entry:
        """Returns the member of the archive that a part is. Raises PackageError."""
        entry = self.parts.get(_normalize(part))
        if entry is None:
            raise PackageError(f"The workbook lacks its part {part[:100]}.")
        if not entry.is_readable:
            raise PackageError("The workbook is packed in a way that is not read here.")
        return entry


def parse_pieces(
    pieces: Iterable[bytes],
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
    *,
    max_elements: int = MAX_ELEMENTS,
) -> Iterator[int]:
    """Parses XML piece by piece. Yields after each how many bytes were read. Raises PackageError, StopParsing.

    The handlers get local names, without namespace prefixes. Elements may be MAX_DEPTH deep.
    """
    parser = expat.ParserCreate()
    # No part of a workbook needs a document type. Refusing it refuses all entities, and so every entity bomb.
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ExternalEntityRefHandler = _refuse
    depth = elements = 0

    def on_start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth, elements
        depth, elements = depth + 1, elements + 1
        if depth > MAX_DEPTH:
            raise PackageError(f"The workbook nests its elements more than {MAX_DEPTH} deep.")
        if elements > max_elements:
            raise StopParsing
        start(name.rpartition(":")[2], attributes)

    def on_end(name: str) -> None:
        nonlocal depth
        depth -= 1
        if end is not None:
            end(name.rpartition(":")[2])

    parser.StartElementHandler = on_start
    parser.EndElementHandler = on_end
    if text is not None:
        parser.CharacterDataHandler = text
        parser.buffer_text = True
    read_bytes = 0
    try:
        for piece in pieces:
            parser.Parse(piece, False)
            read_bytes += len(piece)
            yield read_bytes
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        message = expat.errors.messages.get(error.code, str(error))
        raise PackageError(f"The workbook cannot be read ({message}).") from None


def end_of_prolog(text: str) -> int:
    """Returns where the first element of a page or XML document begins: after declarations, comments and blanks."""
    match = PROLOG.match(text)
    return match.end() if match else 0


def _normalize(name: str) -> str:
    """The name of a part as it is compared: without a first slash, in lower case (ECMA-376-2, 6.2.2.3)."""
    return posixpath.normpath("/" + name.replace("\\", "/")).lstrip("/").lower()


def _refuse(*args: object) -> int:
    raise PackageError("The workbook holds declarations that the portal does not read.")
