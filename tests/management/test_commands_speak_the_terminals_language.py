"""Commands speak the language of the terminal's locale; what scripts read is the same in all of them."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from exports.languages import of_terminal
from exports.management.commands.export import Command
from tests.helpers.cast import Cast
from tests.helpers.roles import TABLES


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "fr_CA"}, "fr"),
        ({"LANG": "POSIX"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_locale_says_the_language(environ: dict[str, str], language: str) -> None:
    assert of_terminal(environ) == language


def test_errors_and_help_are_translated_and_json_is_not(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    project = cast.project(TABLES)
    with pytest.raises(CommandError, match="pas de projet 999999"):
        call_command("export", "999999", "--type", "orders")
    out = StringIO()
    call_command("export", str(project.pk), "--type", "orders", "--json", stdout=out)
    assert json.loads(out.getvalue())["id"]
    page = Command().create_parser("manage.py", "export")
    monkeypatch.setenv("COLUMNS", "200")
    assert "Show" not in page.format_help() or page.description
    listed = StringIO()
    call_command("projects", "--json", stdout=listed)
    assert json.loads(listed.getvalue())[0]["provider"] == TABLES
