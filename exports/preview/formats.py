"""The preview of each file format. Previews are bounded, and nothing in a file is executed, computed or expanded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exports.preview.archives import Tree, preview_zip
from exports.preview.cells import PreviewError
from exports.preview.tables import Table, preview_csv, preview_xlsx
from exports.storage import safe_zip
from exports.storage.workbook_package import PackageError


@dataclass(frozen=True)
class Video:
    """A video, which the browser plays from its own address."""

    kind: str = "video"


Preview = Table | Tree | Video
PREVIEWERS: Final[dict[str, Callable[[Path], Preview]]] = {
    "csv": preview_csv,
    "xlsx": preview_xlsx,
    "zip": preview_zip,
    "mp4": lambda path: Video(),
}
# What reading an untrusted file can raise: unknown encodings are LookupErrors, dates out of range ArithmeticErrors.
READ_ERRORS: Final = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    safe_zip.BrokenArchiveError,
)


def make_preview(path: Path, format_: str) -> Preview | None:
    """Returns the preview of a file; None where its format has none. Raises PreviewError."""
    previewer = PREVIEWERS.get(format_)
    if previewer is None:
        return None
    try:
        return previewer(path)
    except PreviewError:
        raise
    except safe_zip.DirectoryTooLargeError:
        raise PreviewError("The archive has too many members to list them here.") from None
    except PackageError as problem:
        raise PreviewError(str(problem)) from None
    except READ_ERRORS as error:
        raise PreviewError(f"The portal could not look into the file ({type(error).__name__}).") from None
