"""Checks that a file is complete and of the format that was asked for: the only place that decides what a file is.

Three rules: never call a broken file good, never a good file broken, and say what could not be checked. A module per
format; each reads the file in pieces, within bounds of memory and time, and unpacks nothing to disk.
"""

from pathlib import Path
from typing import Final

from exports.storage.verify.archives import check_zip
from exports.storage.verify.content import BadFileError
from exports.storage.verify.films import MAX_BOXES, check_mp4
from exports.storage.verify.tables import check_csv
from exports.storage.verify.workbooks import check_xlsx

__all__ = ["CONTENT_TYPES", "MAX_BOXES", "BadFileError", "verify"]

CONTENT_TYPES: Final = {
    "zip": "application/zip",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "mp4": "video/mp4",
}
CHECKS_BY_FORMAT: Final = {"zip": check_zip, "xlsx": check_xlsx}


def verify(path: Path, format_: str, *, length_known: bool = True, declared_type: str = "") -> str:
    """Checks a file. Returns a sentence about what could not be checked, or "". Raises BadFileError.

    `length_known`: whether the response showed where the file ends. If not, a CSV file must end with a line break, and
    of a film in pieces it is said that nothing shows it whole.
    `declared_type`: the media type that the file's host named; it decides only where the content leaves it open.
    """
    if path.stat().st_size == 0:
        raise BadFileError("The file is empty.", is_placeholder=True)
    if format_ == "csv":
        return check_csv(path, length_known=length_known, declared_type=declared_type)
    if format_ == "mp4":
        return check_mp4(path, length_known=length_known)
    check = CHECKS_BY_FORMAT.get(format_)
    return check(path) if check else ""
