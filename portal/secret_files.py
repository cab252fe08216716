"""Secret variables that are read from files, as containers hand secrets in: NAME_FILE names the file of NAME."""

import os
from typing import Final

from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

SECRET_VARIABLES: Final = frozenset(
    {
        "SECRET_KEY",
        "CREDENTIAL_KEYS",
        "DATABASE_URL",
        "CELERY_BROKER_URL",
        "CELERY_BROKER_OPTIONS",
        "EMAIL_URL",
        "EGRESS_PROXY",
        "OIDC_CLIENT_SECRET",
        "STORAGE_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "METRICS_TOKEN",
        "DEAD_MAN_URL",
    }
)


class SecretFiles(FileAwareMapping):  # type: ignore[misc]  # django-environ has no types
    """The environment, in which SECRET_VARIABLES may be files; white space at a file's end is no part of the value."""

    def __init__(self) -> None:
        super().__init__(cache=False)

    def __getitem__(self, name: str) -> str:
        """The variable. KeyError where it is unset; ImproperlyConfigured where its file cannot be read or is empty."""
        value: str
        if name not in SECRET_VARIABLES or not self.env.get(f"{name}_FILE", "").strip():
            value = self.env[name]
            return value
        if self.env.get(name, "").strip():
            raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: unset one of them.")
        try:
            value = super().__getitem__(name).rstrip()
        except OSError as problem:
            why = os.strerror(problem.errno or 0)
            raise ImproperlyConfigured(
                f"{name}_FILE names a file that cannot be read ({why}): make it readable for the portal's user."
            ) from None
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{name}_FILE names a file that is not UTF-8: write it as plain text.") from None
        if not value:
            raise ImproperlyConfigured(f"{name}_FILE names a file that is empty: write the value into it.")
        return value
