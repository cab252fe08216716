"""A download in progress in a bucket: pieces, of which usually the first one becomes the file.

A piece is an upload in parts. Where it breaks off, what arrived is made an object, so that it can be read again and the
rest fetched by Range. `parts/<export>/<fence>.json` says which pieces there are and which one is being written; a
worker that was killed leaves an upload behind, whose parts the next one completes (decision 0024).
"""

import json
import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from exports import formats
from exports.storage.bucket import multipart
from exports.storage.bucket.objects import Objects, closing, part_bytes, writing
from exports.storage.bucket.reader import Piece, PiecesReadable

if TYPE_CHECKING:
    from exports.models import Export

log = logging.getLogger(__name__)

CHUNK_BYTES: Final = 1024 * 1024


class BucketPart:
    """The part of one claim. `pieces`: what is there, in order; their objects may be longer than what counts."""

    def __init__(self, objects: Objects, export: "Export", fence: int) -> None:
        self._objects = objects
        self._fence = fence
        self._format = export.format
        self.folder = f"files/{export.team_id}/{export.pk}"
        self.about_folder = f"parts/{export.pk}"
        self.about = f"{self.about_folder}/{fence}.json"
        self.pieces: list[Piece] = []
        self._metadata: dict[str, Any] = {}
        self._writing = ""

    @classmethod
    def take_over(cls, objects: Objects, export: "Export", fence: int) -> "BucketPart":
        """Returns the part of this claim, which goes on with what earlier claims left. Raises OSError.

        The upload of an earlier claim ends with it, even where its worker still lives: it has lost the export.
        """
        part = cls(objects, export, fence)
        older = [one.name for one in objects.list(part.about_folder)]
        newest = max(older, key=_fence_of, default="")
        if newest:
            part._load(newest)
            part._write_about()
            objects.delete([name for name in older if name != part.about])
        return part

    @property
    def size(self) -> int:
        """Bytes that are there to go on with."""
        return sum(piece.size for piece in self.pieces)

    @property
    def readable(self) -> PiecesReadable:
        """The bytes, to be read in any order."""
        return PiecesReadable(self._objects, self.pieces)

    def read_metadata(self) -> dict[str, Any]:
        """Returns the metadata of the response that the bytes came from; {} where there is none."""
        return self._metadata

    def write_metadata(self, metadata: dict[str, Any]) -> None:
        """Keeps the metadata, together with the pieces."""
        self._metadata = metadata
        self._write_about()

    @contextmanager
    def open_for_writing(self, total: int | None, *, append: bool) -> Iterator["PieceWriter"]:
        """Yields a writer for what comes next. At the end, however it comes, what was written is kept.

        `total`: bytes of the whole file, where they are known. What the store did not take is not there, and the error
        is raised.
        """
        if not append:
            self._objects.delete([piece.name for piece in self.pieces])
            self.pieces = []
        self._writing = f"{self.folder}/{self._fence}-{secrets.token_hex(8)}.{formats.get_format(self._format).suffix}"
        writer = PieceWriter(self._objects, self._writing, self._content_type, part_bytes(total or 0))
        try:
            yield writer
        except BaseException as problem:
            # The next claim completes what cannot be completed now.
            try:
                self._keep(writer)
            except OSError as error:
                log.warning("A download of export folder %s was not parked: %s", self.folder, error.strerror)
            raise problem
        self._keep(writer)

    def truncate(self, size: int) -> None:
        """Lets only the first `size` bytes count."""
        kept: list[Piece] = []
        for piece in self.pieces:
            kept.append(Piece(piece.name, min(piece.size, size)))
            size -= kept[-1].size
        self.pieces = [piece for piece in kept if piece.size]

    def free_some_space(self) -> None:
        """Nothing: the database is not on the store's disk."""

    def discard(self) -> None:
        """Deletes all that there is of the download."""
        names = [*(piece.name for piece in self.pieces), self._writing, self.about]
        self.pieces, self._metadata, self._writing = [], {}, ""
        try:
            self._objects.delete([name for name in names if name])
            address = self._objects.address
            for upload in multipart.list_uploads(address, address.key(f"{self.folder}/")):
                multipart.abort(address, upload)
        except OSError as error:
            log.warning("A download in %s was not deleted (%s); the sweep does it.", self.folder, error.strerror)

    def has_free_space(self, extra_bytes: int = 0) -> bool:
        """Always: what fits is the store's to say."""
        return True

    def publish(self, team_id: int, export_id: int, extension: str) -> str:
        """Returns the name of the one object that has all bytes, relative to `files/`: the only piece, or a new one."""
        [first, *others] = self.pieces
        if others or self._objects.size(first.name) != first.size:
            name = f"{self.folder}/{self._fence}-{secrets.token_hex(8)}.{formats.get_format(self._format).suffix}"
            self._join(name)
            self._objects.delete([piece.name for piece in self.pieces])
            self.pieces = [Piece(name, self.size)]
            self._write_about()
        return self.pieces[0].name.removeprefix("files/")

    @property
    def _content_type(self) -> str:
        return formats.content_type(self._format)

    def _join(self, name: str) -> None:
        address = self._objects.address
        pieces = [(address.key(piece.name), piece.size) for piece in self.pieces]
        if multipart.can_join(pieces):
            multipart.join(address, pieces, address.key(name), self._content_type)
            return
        # The store copies no small pieces, so they go through here.
        writer = PieceWriter(self._objects, name, self._content_type, part_bytes(self.size))
        with self.readable.open() as file:
            while chunk := file.read(CHUNK_BYTES):
                writer.write(chunk)
        writer.close()

    def _keep(self, writer: "PieceWriter") -> None:
        if writer.size and not writer.is_broken:
            writer.close()
            self.pieces.append(Piece(writer.name, writer.size))
            self._writing = ""
        elif writer.is_broken:
            self._recover()

    def _load(self, about: str) -> None:
        """Takes over what an earlier claim noted, as far as it is there."""
        try:
            noted = json.loads(self._objects.read_all(about))
            pieces = [Piece(**piece) for piece in noted["pieces"]]
            self._metadata, self._writing = noted["metadata"], noted["writing"]
        except (ValueError, TypeError, KeyError, FileNotFoundError):
            return
        for piece in pieces:
            try:
                if self._objects.size(piece.name) < piece.size:
                    return
            except FileNotFoundError:
                return
            self.pieces.append(piece)
        self._recover()

    def _recover(self) -> None:
        """Makes a piece of what of the upload that was under way has arrived."""
        name = self._writing
        if not name:
            return
        address = self._objects.address
        for upload in multipart.list_uploads(address, address.key(name)):
            arrived = _in_a_row(multipart.list_parts(address, upload))
            if not arrived:
                multipart.abort(address, upload)
                continue
            try:
                multipart.complete(address, upload, arrived)
            except FileNotFoundError:
                continue  # It was completed just now.
        with suppress(FileNotFoundError):
            self.pieces.append(Piece(name, self._objects.size(name)))
        self._writing = ""

    def _write_about(self) -> None:
        noted = {"metadata": self._metadata, "pieces": [asdict(one) for one in self.pieces], "writing": self._writing}
        self._objects.put(self.about, json.dumps(noted).encode())


class PieceWriter:
    """Writes one object, in parts. `is_broken`: the store did not take something, so that no more can be written."""

    def __init__(self, objects: Objects, name: str, content_type: str, size_of_parts: int) -> None:
        self.name = name
        self.size = 0
        self.is_broken = False
        self._writer = objects.open_writer(name, content_type, size_of_parts)

    def write(self, chunk: bytes) -> None:
        """Hands bytes over. Raises BucketError, also for what was handed over before."""
        try:
            writing(self._writer, chunk)
        except OSError:
            self.is_broken = True
            raise
        self.size += len(chunk)

    def flush(self) -> None:
        """Nothing: parts leave when they are full."""

    def close(self) -> None:
        """Ends the object, which is there when this returns. Raises BucketError."""
        try:
            closing(self._writer)
        except OSError:
            self.is_broken = True
            raise


def _fence_of(name: str) -> int:
    number = name.rpartition("/")[2].partition(".")[0]
    return int(number) if number.isdigit() else -1


def _in_a_row(parts: list[multipart.UploadedPart]) -> list[multipart.UploadedPart]:
    """The parts before the first that is missing. Only the last one may be smaller than the others."""
    row: list[multipart.UploadedPart] = []
    for number, part in enumerate(parts, 1):
        if part.number != number or (row and row[-1].size != row[0].size):
            break
        row.append(part)
    return row
