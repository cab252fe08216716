"""Projects that a provider lists are protected: one, several, or all and also those that it lists later."""

import pytest
from django.utils import timezone

from exports.credentials import service
from exports.errors import InvalidError
from exports.exporting import auto_protection, pauses, protection
from exports.exporting.protection import ProtectionRequest
from exports.models import AuditEntry, AutoProtection, Credential, Project, RemoteProject, Schedule
from tests.helpers.cast import Cast
from tests.helpers.roles import ARCHIVES, CHANGING, TABLES, VIDEOS

ORDERS = ProtectionRequest("orders", "csv")


@pytest.fixture
def credential(cast: Cast) -> Credential:
    credential = cast.credential(TABLES)
    list_projects(credential, "4001", "4002")
    return credential


def list_projects(credential: Credential, *ids: str) -> None:
    RemoteProject.objects.bulk_create(
        RemoteProject(credential=credential, remote_id=id_, name=f"There {id_}") for id_ in ids
    )


def auto(credential: Credential) -> AutoProtection:
    return AutoProtection.objects.select_related("credential__team", "owner").get(credential=credential)


def test_each_gets_a_name_a_schedule_of_the_person_and_a_target(cast: Cast, credential: Credential) -> None:
    result = protection.protect(credential, ["4001", "4002", "4001"], ORDERS, cast.member.user)
    assert (len(result.protected), result.skipped) == (2, {})
    assert set(Project.objects.values_list("name", "fresh_within_hours")) == {("There 4001", 26), ("There 4002", 26)}
    for schedule in Schedule.objects.all():
        assert (schedule.type, schedule.format, schedule.cron) == ("orders", "csv", "30 2 * * *")
        assert (schedule.owner, schedule.spread_minutes, schedule.enabled) == (cast.member.user, 60, True)


def test_what_is_here_without_a_schedule_gets_one_and_the_rest_is_skipped_with_a_reason(
    cast: Cast, credential: Credential
) -> None:
    service.create_project(credential, cast.owner.user, remote_id="4001", name="Ours")
    protection.protect(credential, ["4001"], ORDERS, cast.member.user)
    result = protection.protect(credential, ["4001", "4002", "no-number"], ORDERS, cast.member.user)
    assert [project.remote_id for project in result.protected] == ["4002"]
    assert result.skipped["There 4001"] == "It has a schedule already."
    assert set(result.skipped) == {"There 4001", "no-number"}
    assert Schedule.objects.count() == 2


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (ProtectionRequest("orders", cron="every day"), "cron"),
        (ProtectionRequest("video"), "type"),
        (ProtectionRequest("orders", fresh_within_hours=0), "fresh_within_hours"),
    ],
)
def test_a_wrong_request_adds_nothing(
    cast: Cast, credential: Credential, request_: ProtectionRequest, field: str
) -> None:
    with pytest.raises(InvalidError) as caught:
        protection.protect(credential, ["4001"], request_, cast.member.user)
    assert set(caught.value.errors) == {field}
    assert not Project.objects.exists()


@pytest.mark.parametrize(
    ("provider", "types"),
    [(ARCHIVES, ["archive"]), (VIDEOS, ["video"]), (TABLES, ["orders"]), (CHANGING, [])],
)
def test_only_kinds_that_make_a_file_of_any_project_protect(cast: Cast, provider: str, types: list[str]) -> None:
    credential = cast.credential(provider, name="another")
    assert [kind.type for kind in protection.protecting_kinds(credential)] == types


def test_all_are_protected_also_future_ones_but_not_what_somebody_archived(cast: Cast, credential: Credential) -> None:
    archived = service.create_project(credential, cast.owner.user, remote_id="4002")
    service.archive_project(archived, cast.owner.user)
    auto_protection.protect_all(credential, ORDERS, cast.member.user)
    assert not Project.objects.filter(archived_at=None).exists(), "a worker does it"
    auto_protection.protect_listed(auto(credential))
    list_projects(credential, "4003")
    auto_protection.protect_listed(auto(credential))
    assert auto_protection.protect_listed(auto(credential)) is None
    live = Project.objects.filter(archived_at=None).order_by("pk")
    assert list(live.values_list("remote_id", flat=True)) == ["4001", "4003"]
    assert set(Schedule.objects.values_list("owner__email", flat=True)) == {"member@example.org"}
    auto_protection.stop(credential, cast.member.user)
    assert not AutoProtection.objects.exists()
    verbs = (
        AuditEntry.objects.filter(target=f"credential {TABLES} ({TABLES})")
        .order_by("pk")
        .values_list("verb", flat=True)
    )
    assert list(verbs) == ["added", "protected all", "stopped protecting"]


@pytest.mark.parametrize("how", ["left", "viewer", "inactive"])
def test_it_stops_and_says_so_when_its_owner_may_not_export_any_more(
    cast: Cast, credential: Credential, how: str
) -> None:
    auto_protection.protect_all(credential, ORDERS, cast.member.user)
    if how == "left":
        cast.member.delete()
    elif how == "viewer":
        type(cast.member).objects.filter(pk=cast.member.pk).update(role="viewer")
    else:
        type(cast.member.user).objects.filter(pk=cast.member.user_id).update(is_active=False)
    auto_protection.protect_listed(auto(credential))
    assert auto(credential).disabled_reason == "Member may not export for the team any more."
    assert not Project.objects.exists()


def test_while_it_is_paused_nothing_is_added(cast: Cast, credential: Credential) -> None:
    auto_protection.protect_all(credential, ORDERS, cast.member.user)
    pauses.pause(credential, cast.owner.user)
    assert auto_protection.protect_listed(auto(credential)) is None
    assert not Project.objects.exists()
    pauses.resume(credential, cast.owner.user)
    auto_protection.protect_listed(auto(credential))
    assert Project.objects.count() == 2


def test_what_is_gone_is_not_added(cast: Cast, credential: Credential) -> None:
    RemoteProject.objects.filter(remote_id="4001").update(gone_at=timezone.now())
    auto_protection.protect_all(credential, ORDERS, cast.member.user)
    auto_protection.protect_listed(auto(credential))
    assert list(Project.objects.values_list("remote_id", flat=True)) == ["4002"]


def test_where_nothing_can_be_added_it_stops_and_says_why(cast: Cast, credential: Credential) -> None:
    RemoteProject.objects.all().delete()
    list_projects(credential, "no-number")
    auto_protection.protect_all(credential, ORDERS, cast.member.user)
    auto_protection.protect_listed(auto(credential))
    assert "number" in auto(credential).disabled_reason
