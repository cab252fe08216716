"""One file of a zip archive: its text, or the picture it is. Bounded parts are unpacked in memory, never to disk."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Final

from exports.preview.archives import MAX_DIRECTORY_BYTES
from exports.preview.cells import UNPRINTABLE, PreviewError, clip_text
from exports.preview.formats import preview_errors
from exports.preview.pictures import Picture, read_picture
from exports.storage import safe_zip
from exports.storage.csv_layout import detect_encoding
from exports.storage.readable import Readable
from exports.storage.safe_zip import Archive, Entry
from exports.storage.verify.content import CONTROLS, MAX_CONTROL_SHARE, SIGNATURES

MAX_TEXT_BYTES: Final = 256 * 1024
MAX_LINES: Final = 5_000
MAX_PICTURE_BYTES: Final = 8 * 1024 * 1024
# The most that is unpacked to be downloaded alone.
MAX_MEMBER_BYTES: Final = 64 * 1024 * 1024
TEXT, PICTURE, OTHER = "text", "picture", "other"


class NoMemberError(Exception):
    """The archive has no file with this number."""


@dataclass(frozen=True)
class Member:
    """A file of an archive. `kind`: TEXT, PICTURE or OTHER. `text`: what of it is shown; `is_cut`: whether it has more.

    `note`: why it is not shown, for a person. `name`: as the archive has it, not to be trusted. `size`: in bytes.
    """

    name: str
    size: int
    kind: str
    text: str = ""
    is_cut: bool = False
    picture: Picture | None = None
    note: str = ""

    @property
    def label(self) -> str:
        """The name as it is shown."""
        return clip_text(self.name)

    @property
    def lines(self) -> list[str]:
        """The lines of the text."""
        return self.text.split("\n")[:MAX_LINES]


def read_member(source: Readable, index: int) -> Member:
    """Reads the file with this number in the archive's directory, from 0. Raises NoMemberError, PreviewError."""
    with _open_member(source, index) as (archive, entry):
        if not entry.is_readable:
            return Member(
                entry.name, entry.size, OTHER, note="It is encrypted, or packed in a way that is not read here."
            )
        head = b"".join(archive.unpack(entry, MAX_TEXT_BYTES))[:MAX_TEXT_BYTES]
    picture = read_picture(head)
    if picture is not None:
        if entry.size > MAX_PICTURE_BYTES or not picture.is_small_enough:
            return Member(
                entry.name, entry.size, OTHER, picture=picture, note="The picture is too large to show it here."
            )
        return Member(entry.name, entry.size, PICTURE, picture=picture)
    text = _decode(head, is_cut=len(head) < entry.size)
    if text is None:
        return Member(entry.name, entry.size, OTHER)
    return Member(entry.name, entry.size, TEXT, text, is_cut=len(head) < entry.size or text.count("\n") >= MAX_LINES)


def read_picture_bytes(source: Readable, index: int) -> bytes:
    """Returns all of a member for which `read_member` says PICTURE. Raises NoMemberError, PreviewError."""
    with _open_member(source, index) as (archive, entry):
        if entry.size > MAX_PICTURE_BYTES:
            raise PreviewError("The picture is too large to show it here.")
        return b"".join(archive.unpack(entry))


def stream_member(source: Readable, index: int) -> tuple[Entry, Iterator[bytes]]:
    """Returns a member of at most MAX_MEMBER_BYTES and its content in pieces. Raises NoMemberError, PreviewError.

    Iterating raises BrokenArchiveError where the content is not what the directory says.
    """
    with _open_member(source, index) as (_archive, entry):
        if not entry.is_readable or entry.size > MAX_MEMBER_BYTES:
            raise PreviewError("This file is not unpacked here. Download the archive.")

    def pieces() -> Iterator[bytes]:
        with safe_zip.open_zip(source, MAX_DIRECTORY_BYTES) as archive:
            yield from archive.unpack(entry)

    return entry, pieces()


@contextmanager
def _open_member(source: Readable, index: int) -> Iterator[tuple[Archive, Entry]]:
    with preview_errors(), safe_zip.open_zip(source, MAX_DIRECTORY_BYTES) as archive:
        entry = next(islice(archive.entries(), index, None), None)
        if entry is None or entry.is_folder:
            raise NoMemberError
        yield archive, entry


def _decode(head: bytes, *, is_cut: bool) -> str | None:
    """Returns the text with unprintable characters replaced, None where the bytes are no text."""
    if any(head.startswith(signature) for signature, _ in SIGNATURES):
        return None
    codec, _, bom = detect_encoding(head)
    body = head[bom:]
    if not codec.startswith(("utf-16", "utf-32")):
        controls = len(body) - len(body.translate(None, CONTROLS))
        if b"\0" in body or controls > MAX_CONTROL_SHARE * len(body):
            return None
    text = body.decode(codec, "ignore" if is_cut else "replace")
    return UNPRINTABLE.sub("\N{WHITE SQUARE}", text.replace("\r\n", "\n").replace("\r", "\n"))
