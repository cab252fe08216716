"""Checks that a file is complete and of the format that was asked for: the only place that decides what a file is.

Three rules: never call a broken file good, never a good file broken, and say what could not be checked. A module per
format, which its declaration names (`exports.formats`); each reads the file in pieces, within bounds of memory and
time, and unpacks nothing to disk.
"""

from exports import formats
from exports.storage.readable import Readable, size_of
from exports.storage.verify.content import BadFileError

__all__ = ["BadFileError", "verify"]


def verify(source: Readable, format_: str, *, length_known: bool = True, declared_type: str = "") -> str:
    """Checks a file. Returns a sentence about what could not be checked, or "". Raises BadFileError.

    `length_known`: whether the response showed where the file ends. If not, a CSV file must end with a line break, and
    of a film in pieces it is said that nothing shows it whole.
    `declared_type`: the media type that the file's host named; it decides only where the content leaves it open.
    """
    if size_of(source) == 0:
        raise BadFileError("The file is empty.", is_placeholder=True)
    check = formats.get_format(format_).check
    if not check:
        return ""
    return str(formats.load(check)(source, length_known=length_known, declared_type=declared_type))
