"""A dismissed failure leaves what needs attention, stays in the list with a mark, and can be taken back."""

import pytest
from django.test import Client

from exports.errors import ConflictError
from exports.exporting import bulk, dismissals
from exports.models import AuditEntry, Export
from tests.helpers import factories
from tests.helpers.cast import Cast

TEAM = "/t/the-team/"


def test_a_dismissal_is_written_once_and_taken_back(cast: Cast) -> None:
    bad, user = factories.failed_export(cast), cast.member.user
    dismissals.dismiss(bad, user)
    first = Export.objects.get(pk=bad.pk).dismissed_at
    dismissals.dismiss(bad, cast.owner.user)
    row = Export.objects.get(pk=bad.pk)
    assert (row.dismissed_at, row.dismissed_by) == (first, user)
    dismissals.undo(row, user)
    dismissals.undo(row, user)
    row.refresh_from_db()
    assert (row.dismissed_at, row.dismissed_by) == (None, None)
    verbs = AuditEntry.objects.filter(target__startswith=f"export {bad.pk}:").order_by("pk")
    assert [*verbs.values_list("verb", flat=True)][-2:] == ["dismissed", "took back dismissal"]


def test_only_failures_are_dismissed(cast: Cast) -> None:
    good, bad = factories.succeeded_export(cast), factories.failed_export(cast)
    with pytest.raises(ConflictError, match="did not fail"):
        dismissals.dismiss(good, cast.member.user)
    result = bulk.dismiss([good, bad], cast.member.user)
    assert (result.done, result.skipped) == ([bad], [(good, "didn't fail")])


def test_home_no_longer_names_it_and_the_list_marks_it(as_member: Client, cast: Cast) -> None:
    bad, other = factories.failed_export(cast), factories.failed_export(cast, format_="xlsx")
    link = f'id="x{bad.pk}"'
    assert as_member.get(TEAM).context["failure_count"] == 2
    as_member.post(f"{TEAM}exports/{bad.pk}/dismiss")
    home = as_member.get(TEAM)
    assert home.context["failure_count"] == 1
    assert link not in home.content.decode()
    rows = as_member.get(f"{TEAM}exports/").content.decode()
    assert link in rows
    assert rows.count("Dismissed</span>") == 1
    page = as_member.get(f"{TEAM}exports/{bad.pk}/").content.decode()
    assert "Dismissed by Member" in page
    as_member.post(f"{TEAM}exports/{bad.pk}/undismiss")
    assert as_member.get(TEAM).context["failure_count"] == 2
    as_member.post(f"{TEAM}exports/bulk/dismiss", {"id": [bad.pk, other.pk]})
    assert as_member.get(TEAM).context["failure_count"] == 0
