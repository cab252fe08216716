"""`manage.py make_staff` makes an admin of an account that exists, and takes it away again."""

import pytest
from django.core.management import CommandError, call_command

from exports.models import AuditEntry, User
from tests.helpers.cast import Cast


def rights_of(user: User) -> tuple[bool, bool]:
    row = User.objects.get(pk=user.pk)
    return row.is_staff, row.is_superuser


def test_an_admin_is_made_and_unmade_and_the_team_sees_it(cast: Cast) -> None:
    user = cast.member.user
    call_command("make_staff", user.email.upper())
    assert rights_of(user) == (True, True)
    call_command("make_staff", user.email)
    call_command("make_staff", user.email, "--remove")
    assert rights_of(user) == (False, False)
    verbs = AuditEntry.objects.filter(team=cast.team, target=user.email).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["made admin", "removed admin"]


def test_an_unknown_address_is_named(cast: Cast) -> None:
    with pytest.raises(CommandError, match=r"Nobody has the address nobody@example\.org"):
        call_command("make_staff", "nobody@example.org")
