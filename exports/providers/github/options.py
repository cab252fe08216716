"""What an archive may leave out, and which of the owner's repositories it holds.

Fields: https://docs.github.com/en/rest/migrations/orgs, "Start an organization migration". Not offered:
`lock_repositories`, since the repositories stay locked until each is unlocked.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError

from exports.providers.fields import ChoiceField, OptionalBooleanField, TextField, TextListField

MAX_PARTS: Final = 100
# What an option asks for, in GitHub's words. The first two are choices of `content`.
FLAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "git": ("exclude_metadata",),
    "metadata": ("exclude_git_data", "exclude_owner_projects"),
    "exclude_attachments": ("exclude_attachments",),
    "exclude_releases": ("exclude_releases",),
}
ALL_FLAGS: Final = tuple(dict.fromkeys(flag for flags in FLAGS.values() for flag in flags))


class ArchiveOptions(forms.Form):
    repositories = TextListField(required=False, help_text="Empty: all of them, also those that are made later.")
    part = TextField(
        required=False,
        help_text="For very many repositories: 2/3 exports the second of three parts. A repository stays in its part.",
    )
    content = ChoiceField(
        required=False,
        choices=[("", "Git data and metadata"), ("git", "Git data only"), ("metadata", "Metadata only")],
        help_text="Metadata: issues, pull requests, reviews, releases, milestones, projects.",
    )
    exclude_attachments = OptionalBooleanField(unset="No", label="Leave out attachments")
    exclude_releases = OptionalBooleanField(unset="No", label="Leave out releases")
    keep_archive = OptionalBooleanField(
        unset="No",
        label="Keep the archive at GitHub",
        help_text="Otherwise the portal deletes it there once it has the file, and GitHub itself after seven days.",
    )

    def clean_part(self) -> str:
        part: str = self.cleaned_data["part"]
        match = re.fullmatch(r"([0-9]{1,3})/([0-9]{1,3})", part)
        if part and not (match and 1 <= int(match[1]) <= int(match[2]) <= MAX_PARTS):
            raise ValidationError(f"Write the part and their number, like 2/3; at most {MAX_PARTS} parts.")
        return part


def flags_of(options: Mapping[str, Any]) -> set[str]:
    """The names of the fields that are true in the request."""
    names = [str(options.get("content") or ""), *(name for name in FLAGS if options.get(name) is True)]
    return {flag for name in names for flag in FLAGS.get(name, ())}


def flags_in(row: Mapping[str, Any]) -> set[str]:
    """The same of a migration as GitHub shows it."""
    return {name for name in ALL_FLAGS if row.get(name) is True}


def part_of(names: Iterable[str], part: str) -> list[str]:
    """Those of the names that are in the part "K/N"; all without one.

    By a hash of each name, so that all parts together hold every repository, however many are made or renamed.
    """
    number, _, count = part.partition("/")
    if not count:
        return list(names)
    return [name for name in names if _number(name) % int(count) == int(number) - 1]


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.lower().encode()).digest()[:8])
