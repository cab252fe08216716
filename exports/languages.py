"""Whose language is used when: a person's on pages and in mails, a team's in its messages, a terminal's in commands."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Final

from django.utils import translation

if TYPE_CHECKING:
    from exports.models import Team, User

ENGLISH: Final = "en"
# As in the settings, which a command may have to complain about.
CODES: Final = (ENGLISH, "fr")
# The first of them that is set says it, as for other programs (POSIX.1-2024, 8.2).
VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def reader_language(user: "User") -> AbstractContextManager[None]:
    """The language of a mail to this person: the one they chose, or English."""
    return translation.override(user.language or ENGLISH)


def team_language(team: "Team") -> AbstractContextManager[None]:
    """The language of what goes to no person with an account: chats, phones, invitations."""
    return translation.override(team.language or ENGLISH)


def of_terminal(environ: Mapping[str, str] | None = None) -> str:
    """The language of a command's output, by the terminal's locale, such as "fr_FR.UTF-8"; English for others."""
    values = os.environ if environ is None else environ
    locale = next((values[name] for name in VARIABLES if values.get(name)), "")
    language = locale.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return language if language in CODES else ENGLISH
