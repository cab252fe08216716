"""Where a command delivers a file: a path, a folder, or standard output."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from django.core.management.base import CommandError

from exports.models import File
from exports.storage import places
from portal.private_files import callers_umask

STANDARD_OUTPUT: Final = "-"


class OutputTarget:
    """The value of `--output`. `check` says what is wrong with it before anything is asked for."""

    def __init__(self, value: str) -> None:
        self.value = value

    @property
    def is_standard_output(self) -> bool:
        """Whether the file's bytes go to standard output. A file of this name is `./-`."""
        return self.value == STANDARD_OUTPUT

    def check(self, returncode: int) -> None:
        """Raises CommandError when nothing could be written there now."""
        try:
            if not self.value.strip():
                raise CommandError("--output needs a path, or - for standard output.", returncode=returncode)
            if self.is_standard_output:
                return
            path = Path(self.value)
            if path.exists() and not path.is_dir():
                _check_file(path)
            elif not path.is_dir() and self.value.endswith(os.sep):
                raise FileNotFoundError(2, "there is no such folder")
            else:
                _check_folder(path if path.is_dir() else path.parent)
        except OSError as error:
            sentence = f"Nothing was requested: {self.value} cannot be written ({_reason(error)}). Correct --output."
            raise CommandError(sentence, returncode=returncode) from None

    def deliver(self, file: File) -> Path | None:
        """Copies the file there. Returns the path, None for standard output. Raises CommandError."""
        if self.is_standard_output:
            try:
                with places.readable(file).open("rb") as source:
                    shutil.copyfileobj(source, sys.stdout.buffer)
                sys.stdout.buffer.flush()
            except OSError as error:
                # Python would complain once more when it closes the broken pipe at its end.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise CommandError(
                    f"Standard output: {_reason(error)}. The file lies at {places.describe(file)}."
                ) from None
            return None
        path = Path(self.value)
        target = path / file.name if path.is_dir() else path
        try:
            with places.readable(file).open("rb") as source, callers_umask(), _open_new(target) as out:
                shutil.copyfileobj(source, out)
        except OSError as error:
            raise CommandError(f"{target}: {_reason(error)}. The file lies at {places.describe(file)}.") from None
        return target


@contextlib.contextmanager
def _open_new(target: Path) -> Iterator[BinaryIO]:
    """Opens the target for writing; what was not there before is removed when writing fails."""
    was_there = target.exists()
    with target.open("wb") as out:
        try:
            yield out
            out.flush()
        except OSError:
            if not was_there:
                target.unlink(missing_ok=True)
            raise


def _check_file(path: Path) -> None:
    if not os.access(path, os.W_OK):
        raise PermissionError(13, "it may not be written")


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise FileNotFoundError(2, f"there is no folder {folder}")
    # The rights of the folder do not say it all: file systems can be mounted for reading only.
    with tempfile.TemporaryFile(dir=folder):
        pass


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).rstrip(".").lower()
