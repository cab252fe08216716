"""Reading a kept file again: is it still what was verified?"""

import hashlib
import time
from typing import Final

from exports.models import File
from exports.storage import places

CHUNK_BYTES: Final = 1024 * 1024
# After each chunk the thread rests for as long as a part of the reading took, so that others come first.
REST: Final = 0.25


def problem_of(file: File, *, rest: float = REST) -> str:
    """Returns "" where the file's bytes are those that were verified, else a sentence. Memory stays flat.

    Raises OSError where the storage does not answer, which says nothing about the file.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with places.readable(file).open("rb") as stream:
            begun = time.monotonic()
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                if rest:
                    time.sleep((time.monotonic() - begun) * rest)
                    begun = time.monotonic()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return "The file is gone from the storage."
    if size != file.size:
        return f"The file has {size} bytes, and was verified with {file.size}."
    if digest.hexdigest() != file.sha256:
        return "The file's bytes are not those that were verified: their SHA-256 is another one."
    return ""
