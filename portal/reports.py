"""Redacts Django's error pages and error reports."""

import re
from collections.abc import ItemsView
from types import FrameType
from typing import Any

from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from django.views.debug import SafeExceptionReporterFilter

# Values of these types hold no secret; of every other variable only the type is shown.
SAFE_TYPES = (bool, int, float, type(None))


class RedactingReporterFilter(SafeExceptionReporterFilter):
    """Replaces the values of variables and of POST fields, also with DEBUG: any of them may hold a secret.

    Django's own filter is off with DEBUG, and otherwise redacts only what a decorator names.
    """

    # Addresses of services hold passwords.
    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + "|BROKER|DATABASE|EMAIL|COOKIE|CSRF|EGRESS", re.I
    )

    def is_active(self, request: HttpRequest | None) -> bool:
        """Always True."""
        return True

    def get_post_parameters(self, request: HttpRequest | None) -> MultiValueDict[str, Any]:
        """The names of the fields that were sent, with a mask as each value."""
        names = request.POST if request is not None else ()
        return MultiValueDict({name: [self.cleansed_substitute] for name in names})

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: FrameType) -> ItemsView[str, Any]:
        """Each variable with its type; those of SAFE_TYPES with their values."""
        variables = {
            name: value if isinstance(value, SAFE_TYPES) else f"({type(value).__name__})"
            for name, value in tb_frame.f_locals.items()
        }
        return variables.items()
