"""`manage.py rotate_credentials`: encrypts every secret again with the first of CREDENTIAL_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from exports.credentials.rekey import rekey_secrets
from exports.crypto import CryptoError, key_ring


class Command(BaseCommand):
    """Put the new key first in CREDENTIAL_KEYS, restart, run this, then take the old key out."""

    help = "Seals every secret anew with the first key; workers and pages go on meanwhile."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = rekey_secrets()
        except CryptoError as error:
            raise CommandError(str(error)) from None
        counts = f"{result.credentials} credentials, {result.links} links to files, {result.factors} second factors"
        self.stdout.write(f"Sealed anew: {counts}.")
        for problem in result.problems:
            self.stderr.write(problem)
        if result.problems:
            raise CommandError(
                f"{len(result.problems)} could not be opened; nothing of them was changed. Keep the old key."
            )
        self.stdout.write(
            f"Every secret is sealed with key {key_ring().primary_key_id}. Older keys can be taken out of the ring."
        )
