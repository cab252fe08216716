"""The preview of each file format. Previews are bounded, and nothing in a file is executed, computed or expanded."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from exports import formats
from exports.preview.archives import Tree
from exports.preview.cells import PreviewError
from exports.preview.tables import Table
from exports.storage import safe_zip
from exports.storage.bucket.errors import BucketError
from exports.storage.readable import Readable
from exports.storage.tar_stream import BrokenTarError
from exports.storage.verify.film_index import read_seconds
from exports.storage.workbook_package import PackageError


@dataclass(frozen=True)
class Video:
    """A video, which the browser plays from its own address. `seconds`: None where its index does not say it."""

    seconds: float | None
    kind: str = "video"


Preview = Table | Tree | Video
# What reading an untrusted file can raise: unknown encodings are LookupErrors, dates out of range ArithmeticErrors.
READ_ERRORS: Final = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    safe_zip.BrokenArchiveError,
    BrokenTarError,
)


def preview_mp4(source: Readable) -> Video:
    """The length of a video, by its index."""
    return Video(read_seconds(source))


def make_preview(source: Readable, format_: str) -> Preview | None:
    """Returns the preview of a file; None where its format has none. Raises PreviewError."""
    previewer = formats.get_format(format_).preview
    if not previewer:
        return None
    with preview_errors():
        preview: Preview = formats.load(previewer)(source)
        return preview


@contextmanager
def preview_errors() -> Iterator[None]:
    """Turns whatever reading an untrusted file raises into a PreviewError with a sentence for a person."""
    try:
        yield
    except PreviewError:
        raise
    except safe_zip.DirectoryTooLargeError:
        raise PreviewError("The archive has too many members to list them here.") from None
    except PackageError as problem:
        raise PreviewError(str(problem)) from None
    except BucketError as error:
        raise PreviewError(str(error.strerror)) from None
    except READ_ERRORS as error:
        raise PreviewError(f"The portal could not look into the file ({type(error).__name__}).") from None
