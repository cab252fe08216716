"""Where messages arrive."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.helpers.smtp_inbox import SmtpInbox, run_smtp_inbox


@pytest.fixture
def postbox(settings: Settings) -> Iterator[SmtpInbox]:
    """A mail server on a real socket."""
    with run_smtp_inbox(settings) as inbox:
        yield inbox
