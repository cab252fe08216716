"""Checks that a gzip-compressed tar is whole: every gzip member with its checksum, every header, and the tar's end."""

from typing import Final

from exports.storage.readable import Readable, size_of
from exports.storage.tar_stream import BrokenTarError, NoGzipError, TooLongError, read_entries
from exports.storage.verify.content import HEAD_BYTES, BadFileError, identify_binary, identify_text

# Unpacked to be checked: EXPANSION bytes for each byte of the file, and at least MIN_UNPACKED_BYTES.
EXPANSION: Final = 30
MIN_UNPACKED_BYTES: Final = 256 * 1024 * 1024
MAX_SECONDS: Final = 240.0


def check_tar_gz(source: Readable, **_: object) -> str:
    """Raises BadFileError when the archive is broken. Returns what could not be checked, or ""."""
    count = 0
    budget = max(MIN_UNPACKED_BYTES, EXPANSION * size_of(source))
    try:
        with source.open("rb") as file:
            for _entry in read_entries(file, max_bytes=budget, max_seconds=MAX_SECONDS):
                count += 1
    except TooLongError:
        return f"Only the first {count} members could be checked: there is too much to unpack here."
    except NoGzipError as error:
        if named := _identify(source):
            raise BadFileError(f"The file is {named}.", is_placeholder=True) from None
        raise BadFileError(str(error)) from None
    except BrokenTarError as error:
        raise BadFileError(str(error)) from None
    if not count:
        raise BadFileError("The archive is empty.")
    return ""


def _identify(source: Readable) -> str:
    """Names what the file is in the archive's place; "" for nothing known."""
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    return identify_binary(head).replace("not text", "") or identify_text(head.decode("utf-8", "replace"))
