"""Checks that a zip archive is whole: its directory, the place of each member, and the checksums, where they can be."""

import itertools
import time
from array import array
from collections import Counter
from typing import Final

from exports.storage.readable import Readable
from exports.storage.safe_zip import ENCRYPTED_FLAG, Archive, BrokenArchiveError, Entry, open_zip
from exports.storage.verify.content import HEAD_BYTES, BadFileError, identify_binary, identify_text

# Unpacked to compare checksums: EXPANSION bytes for each byte of the file, within these bounds.
EXPANSION: Final = 8
MIN_UNPACKED_BYTES: Final = 256 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 4 * 1024 * 1024 * 1024
MAX_SECONDS: Final = 120.0
# Deflate makes at most 1032 bytes of one; with some for the ends of its blocks.
MAX_DEFLATE_RATIO: Final = 1040


def check_zip(source: Readable, **_: object) -> str:
    """Raises BadFileError when the archive is broken. Returns what could not be checked, or ""."""
    try:
        with open_zip(source) as archive:
            return _check_members(archive)
    except BrokenArchiveError as error:
        named = _identify(source)
        if named:
            raise BadFileError(f"The file is {named}.", is_placeholder=True) from None
        raise BadFileError(str(error)) from None


def _identify(source: Readable) -> str:
    """Names what the file is in the archive's place; "" where it begins like an archive or like nothing known."""
    with source.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(b"PK"):
        return ""
    return identify_binary(head).replace("not text", "") or identify_text(head.decode("utf-8", "replace"))


def _check_members(archive: Archive) -> str:
    starts, ends = array("q"), array("q")
    unchecked: Counter[str] = Counter()
    for entry in archive.entries():
        end, own_name = archive.locate(entry)
        starts.append(entry.offset)
        ends.append(end)
        if _differ(own_name, entry.name):
            unchecked["named differently in its own header"] += 1
    if not starts:
        raise BadFileError("The archive is empty.")
    order = sorted(range(len(starts)), key=starts.__getitem__)
    if any(starts[later] < ends[earlier] for earlier, later in itertools.pairwise(order)):
        raise BadFileError("Members of the archive overlap each other.")
    del order, starts, ends
    budget = min(max(MIN_UNPACKED_BYTES, EXPANSION * archive.size), MAX_UNPACKED_BYTES)
    deadline = time.monotonic() + MAX_SECONDS
    for entry in archive.entries():
        if reason := _reason_unchecked(entry):
            unchecked[reason] += 1
        elif entry.size > budget or time.monotonic() > deadline:
            unchecked["too much to unpack here"] += 1
        else:
            budget -= entry.size
            for _ in archive.unpack(entry):
                pass
    return _sentence(unchecked)


def _differ(own_name: str, name: str) -> bool:
    """Whether the two names of a member mean different ones, and not the same in other encodings or cases."""
    if own_name.casefold() == name.casefold():
        return False
    in_other_encodings = not own_name.isascii() and not name.isascii()
    return not in_other_encodings and "?" not in own_name  # with which some programs replace other letters


def _reason_unchecked(entry: Entry) -> str:
    if entry.flags & ENCRYPTED_FLAG:
        return "encrypted"
    if not entry.is_readable:
        return f"method {entry.method}"
    if entry.size > MAX_DEFLATE_RATIO * (entry.packed_size + 64):
        raise BrokenArchiveError(f"{entry.name[:100]} in the archive cannot be as long as it says.")
    return ""


def _sentence(unchecked: Counter[str]) -> str:
    """Such as "3 members could not be checked: method 93." """
    if not unchecked:
        return ""
    total = sum(unchecked.values())
    counted = (reason if len(unchecked) == 1 else f"{reason} ({count})" for reason, count in sorted(unchecked.items()))
    return f"{total} {'members' if total > 1 else 'member'} could not be checked: {', '.join(counted)}."
