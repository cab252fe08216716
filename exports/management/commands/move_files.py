"""`manage.py move_files --to URL`: moves kept files to another storage while everything runs."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.template.defaultfilters import filesizeformat

from exports.management.translated_command import TranslatedCommand
from exports.sentences import translated
from exports.storage import moves, places
from exports.storage.bucket.address import REMEDY, parse_address
from exports.storage.bucket.errors import describe_refusal
from exports.storage.place import Place
from portal.file_storage import storage_region

EXIT_LEFT = 1
EXIT_USAGE = 2
TO_DISK = "disk"


class Command(TranslatedCommand):
    """Exit codes: 0 all files are there, 1 some are not, 2 usage. Run it again to go on."""

    help = "Moves kept files to another storage, each verified, while everything runs. It can be stopped and run again."
    changes = True
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            required=True,
            metavar="URL",
            help="s3://bucket/prefix?…, as STORAGE_URL is written; disk: DATA_DIR.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        target = find_target(options["to"])
        if problem := target.problem():
            raise CommandError(f"Nothing was moved. {problem}", returncode=EXIT_LEFT)
        if places.current().identity != target.identity:
            self.stderr.write(translated("New files are still kept elsewhere: set STORAGE_URL to this address first."))
        left = moves.count_files(target)
        self.stdout.write(translated(f"{left.files} files to move, {_size(left.size)}."))
        moved = kept = size = 0
        for file in moves.files_to_move(target):
            try:
                moves.move(file, target)
            except moves.NotMovedError as error:
                kept += 1
                self.stderr.write(translated(f"File {file.pk} ({file.name}): {error}"))
            except OSError as error:
                kept += 1
                self.stderr.write(translated(f"File {file.pk} ({file.name}): {describe_refusal(error)}"))
                if target.problem():
                    break
            else:
                moved, size = moved + 1, size + file.size
                if moved % 100 == 0:
                    self.stdout.write(translated(f"{moved} of {left.files} files, {_size(size)}."))
        self.stdout.write(
            translated(f"Moved {moved} files, {_size(size)}. What lies at the old place is deleted in an hour.")
        )
        if kept or moves.count_files(target).files:
            raise CommandError("Not every file was moved: run it again.", returncode=EXIT_LEFT)


def find_target(text: str) -> Place:
    """Returns the place of this address. Raises CommandError, which does not repeat it."""
    if text == TO_DISK:
        return places.DISK
    try:
        return places.place_at(parse_address(text, storage_region()).text)
    except ValueError:
        raise CommandError(f"--to cannot be read: {REMEDY} For the disk: --to disk.", returncode=EXIT_USAGE) from None


def _size(size: int) -> str:
    return filesizeformat(size).replace("\xa0", " ")
