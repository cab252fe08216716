"""`manage.py delete_team`: what an operator types where no owner is left."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from exports.models import Team
from tests.helpers.cast import Cast


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("delete_team", *arguments, stdout=out)
    return out.getvalue()


def test_it_says_the_day_and_keeps_it_again(cast: Cast) -> None:
    said = run("the-team")
    deletes_at = Team.objects.get(slug="the-team").deletes_at
    assert deletes_at is not None
    assert said == f"the-team is paused, and will be deleted on {deletes_at:%Y-%m-%d}.\n"
    assert run("the-team", "--keep") == "the-team is kept.\n"
    assert Team.objects.get(slug="the-team").deletes_at is None


@pytest.mark.parametrize(("arguments", "code"), [(("nowhere",), 2), (("the-team", "--keep"), 1)])
def test_what_cannot_be_done_is_said(cast: Cast, arguments: tuple[str, ...], code: int) -> None:
    with pytest.raises(CommandError) as problem:
        run(*arguments)
    assert problem.value.returncode == code
