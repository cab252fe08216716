"""Checks that an xlsx file is a whole archive, and a workbook by the rules of its package."""

from pathlib import Path

from exports.storage.safe_zip import BrokenArchiveError, open_zip
from exports.storage.verify.archives import check_zip
from exports.storage.verify.content import BadFileError
from exports.storage.workbook_package import CONTENT_TYPES_PART, ROOT_RELATIONSHIPS, Package, PackageError


def check_xlsx(path: Path) -> str:
    """Raises BadFileError when the file is broken or no workbook. Returns what could not be checked, or ""."""
    unchecked = check_zip(path)
    try:
        with open_zip(path) as archive:
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
            if entry.is_readable and package.root_element(main) != "workbook":
                raise PackageError("The file is an archive, but not a workbook.")
    except (PackageError, BrokenArchiveError) as error:
        raise BadFileError(str(error)) from None
    return unchecked
