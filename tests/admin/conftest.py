"""What the tests of the admin site share."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from exports.models import User
from tests.helpers import factories


@pytest.fixture
def as_staff(db: None) -> Client:
    """A superuser."""
    client = Client()
    client.force_login(factories.staff_user())
    return client


def staff_with(*permissions: str) -> Client:
    """Somebody of the staff who is no superuser and has these permissions."""
    user = User.objects.create_user("limited@example.org", "correct horse battery staple", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="exports", codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client
