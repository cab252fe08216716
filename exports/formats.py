"""File formats, each declared once: its name, content type, how it is checked, shown, compared and served.

Functions are named as "module:function", because the modules that hold them lie above this one. A name may have
several dots ("tar.gz"). A provider names formats in `Kind.formats`; a package of its own adds one with `register`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, Literal

# What an export without a file has in the place of a format.
NO_FORMAT: Final = "none"
OTHER_TYPE: Final = "application/octet-stream"

Shape = Literal["table", "archive", "video", "other"]


@dataclass(frozen=True)
class Format:
    """One file format.

    `name`: lower case, as in `Kind.formats`; also the extension of file names unless `extension` says another.
    `content_type`: sent with downloads. `shape`: what it is to a reader: "table" has rows, which are counted and
    compared; "archive" has members; "video" is played; "other" is only kept. `check`: a function of a
    `storage.readable.Readable`, of `length_known` (whether the response showed where the file ends) and
    `declared_type` (the media type that its host named); it returns a sentence about what could not be checked, or
    "", and raises `BadFileError`. Without one only an empty file is refused. `preview`: a function of a Readable that
    returns a preview (`exports.preview.formats.Preview`); of an archive also of `folder`. `find`: a function of a
    Readable and a text that finds members of an archive by their names. `compare`: a function of the old and the new
    Readable, the key column and the number of samples. `has_member_pages`: members of the archive can be opened one
    by one. `is_gzip`: its files begin as gzip does, so that gzip is not undone as a packing for the way. `inline`: a
    browser may show it in the page instead of saving it. `icon`: a symbol of icons.svg.
    """

    name: str
    content_type: str = OTHER_TYPE
    shape: Shape = "other"
    check: str = ""
    preview: str = ""
    find: str = ""
    compare: str = ""
    extension: str = ""
    has_member_pages: bool = False
    is_gzip: bool = False
    inline: bool = False
    icon: str = "file"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(\.[a-z0-9]+)*", self.name) or len(self.name) > 20:
            raise ValueError(f"{self.name!r} is no name of a format: lower case, digits, single dots, 20 at most.")

    @property
    def suffix(self) -> str:
        """What file names of this format end with, without the dot in front."""
        return self.extension or self.name


_FORMATS: Final[dict[str, Format]] = {}


def register(format_: Format) -> Format:
    """Adds a format. Raises ValueError where the name is declared already, otherwise."""
    if format_.name == NO_FORMAT or _FORMATS.get(format_.name, format_) != format_:
        raise ValueError(f"The format {format_.name} is declared already.")
    _FORMATS[format_.name] = format_
    return format_


def get_format(name: str) -> Format:
    """The format of that name; one without a check or preview where none is declared, as of an old export."""
    return _FORMATS.get(name) or Format(name if re.fullmatch(r"[a-z0-9]+(\.[a-z0-9]+)*", name) else "bin")


def is_declared(name: str) -> bool:
    """Whether a kind may yield files of this name."""
    return name in _FORMATS


def declared_formats() -> tuple[Format, ...]:
    """Every format, in the order of declaration."""
    return tuple(_FORMATS.values())


def content_type(name: str) -> str:
    """The content type of a format, for downloads."""
    return get_format(name).content_type


def load(dotted: str) -> Callable[..., Any]:
    """The function that "module:function" names. Raises ImportError, AttributeError."""
    module, _, name = dotted.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function


def split_name(name: str) -> tuple[str, str]:
    """A file name without its format's suffix, and that suffix: "a", ".tar.gz"; "" where no format has it."""
    endings = sorted((f".{one.suffix}" for one in _FORMATS.values()), key=len, reverse=True)
    ending = next((one for one in endings if name.lower().endswith(one) and len(name) > len(one)), "")
    return (name[: len(name) - len(ending)], name[len(name) - len(ending) :]) if ending else (name, "")


for _format in (
    Format(
        "zip",
        "application/zip",
        "archive",
        "exports.storage.verify.archives:check_zip",
        "exports.preview.archives:preview_zip",
        "exports.preview.archives:find_members",
        "exports.preview.comparison_archives:compare_archives",
        has_member_pages=True,
        icon="zip",
    ),
    Format(
        "tar.gz",
        "application/gzip",
        "archive",
        "exports.storage.verify.tars:check_tar_gz",
        "exports.preview.archives:preview_tar_gz",
        "exports.preview.archives:find_tar_members",
        "exports.preview.comparison_archives:compare_tars",
        is_gzip=True,
        icon="zip",
    ),
    Format(
        "csv",
        "text/csv; charset=utf-8",
        "table",
        "exports.storage.verify.tables:check_csv",
        "exports.preview.tables:preview_csv",
        compare="exports.preview.comparison_tables:compare_csv",
        icon="sheet",
    ),
    Format(
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "table",
        "exports.storage.verify.workbooks:check_xlsx",
        "exports.preview.tables:preview_xlsx",
        compare="exports.preview.comparison_tables:compare_xlsx",
        icon="sheet",
    ),
    Format(
        "mp4",
        "video/mp4",
        "video",
        "exports.storage.verify.films:check_mp4",
        "exports.preview.formats:preview_mp4",
        compare="exports.preview.comparison_films:compare_films",
        inline=True,
        icon="video",
    ),
):
    register(_format)
