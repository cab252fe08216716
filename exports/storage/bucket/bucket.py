"""Files in a bucket: the place."""

import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from exports import clock, formats
from exports.models import Export, File
from exports.storage.bucket import leftovers, multipart
from exports.storage.bucket.access_keys import read_keys
from exports.storage.bucket.address import BucketAddress
from exports.storage.bucket.objects import Objects, part_bytes
from exports.storage.bucket.part import BucketPart, PieceWriter
from exports.storage.bucket.reader import ObjectReadable
from exports.storage.bucket.signing import object_url, signed_url

log = logging.getLogger(__name__)

LINK_SECONDS: Final = 60


class Bucket:
    """The place for files in a bucket. Names are below `files/` there."""

    def __init__(self, address: BucketAddress) -> None:
        self.address = address
        self.objects = Objects(address)

    @property
    def identity(self) -> str:
        """The bucket's address, as rows keep it."""
        return self.address.identity

    def take_over(self, export: Export, fence: int) -> BucketPart:
        """Returns the part of a claim. Raises OSError."""
        return BucketPart.take_over(self.objects, export, fence)

    def readable(self, name: str) -> ObjectReadable:
        """Returns the object's bytes, which are read by ranges."""
        return ObjectReadable(self.objects, _object(name))

    def size(self, name: str) -> int:
        """Returns the bytes of an object. Raises FileNotFoundError, BucketError."""
        return self.objects.size(_object(name))

    def describe(self, name: str) -> str:
        """Returns where the object is, as Amazon's tools write it."""
        return f"s3://{self.address.bucket}/{self.address.key(_object(name))}"

    def link(self, file: File, disposition: str) -> str | None:
        """Returns a signed address that lives a minute. Raises FileNotFoundError, BucketError."""
        if not self.address.may_redirect:
            return None
        self.size(file.path)  # A person gets a page that says so, not the store's answer.
        parameters = {
            "response-content-disposition": disposition,
            "response-content-type": file.content_type,
            "response-cache-control": "private, no-cache",
        }
        url = object_url(self.address.base_url, self.address.key(_object(file.path)))
        return signed_url(
            "GET", url, parameters, read_keys(), region=self.address.region, seconds=LINK_SECONDS, now=clock.now()
        )

    def copy_in(self, name: str, chunks: Iterator[bytes], size: int) -> None:
        """Uploads a file in parts. Raises BucketError."""
        writer = PieceWriter(self.objects, _object(name), formats.OTHER_TYPE, part_bytes(size))
        try:
            for chunk in chunks:
                writer.write(chunk)
            writer.close()
        except BaseException:
            with suppress(OSError):
                for upload in multipart.list_uploads(self.address, self.address.key(_object(name))):
                    multipart.abort(self.address, upload)
            raise

    def delete(self, name: str) -> None:
        """Deletes an object. Raises BucketError."""
        self.objects.delete([_object(name)])

    def tidy(self, export: Export, name: str) -> None:
        """Deletes the notes about the export's download, and other objects of it."""
        try:
            notes = [one.name for one in self.objects.list(f"parts/{export.pk}")]
            others = [one.name for one in self.objects.list(f"files/{export.team_id}/{export.pk}")]
            self.objects.delete([*notes, *(other for other in others if other != _object(name))])
        except OSError as error:
            log.warning("What is left of export %s was not deleted (%s); the sweep does it.", export.pk, error.strerror)

    def has_free_space(self, extra_bytes: int = 0) -> bool:
        """Always: what fits is the store's to say."""
        return True

    def problem(self) -> str:
        """Writes, reads, lists and deletes an object. Returns "" where all is granted, else a sentence."""
        name = f"parts/0/probe-{os.getpid()}-{secrets.token_hex(4)}"
        try:
            self.objects.put(name, b"probe", create=True)
            is_same = bytes(self.objects.read(name, 0, 5)) == b"probe"
            next(self.objects.list("parts/0"), None)
            next(multipart.list_uploads(self.address, self.address.key("parts/0/")), None)
            self.objects.delete([name])
        except OSError as error:
            return str(error.strerror)
        return "" if is_same else "The object store does not give back what was written to it."

    def delete_stale_parts(self) -> None:
        """Deletes what was left of downloads whose exports have ended. Raises BucketError."""
        leftovers.delete_stale_parts(self.objects)

    def orphans(self, *, recent: bool) -> Iterable[str]:
        """Yields names of objects that no row names. All of them are listed; none where only `recent` ones are."""
        return () if recent else leftovers.orphans(self.objects, self.identity)


def _object(name: str) -> str:
    return f"files/{name}"
