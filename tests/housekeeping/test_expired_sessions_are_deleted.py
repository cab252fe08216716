"""Expired sessions are deleted, with their rows in the list of sessions."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone

from exports.housekeeping.sweep import sweep
from exports.models import Member
from tests.helpers.second_factors import client_after_password, is_signed_in


def test_expired_sessions_are_deleted_and_others_are_kept(member: Member) -> None:
    here, there = client_after_password(member), client_after_password(member)
    Session.objects.filter(pk=there.session.session_key).update(expire_date=timezone.now() - timedelta(seconds=1))
    assert UserSession.objects.count() == 2
    sweep()
    assert [row.session_key for row in UserSession.objects.all()] == [here.session.session_key]
    assert Session.objects.count() == 1
    assert is_signed_in(here)
