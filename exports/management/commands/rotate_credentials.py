"""`manage.py rotate_credentials`: encrypts every secret again with the first of CREDENTIAL_KEYS."""

from typing import Any

from django.core.management.base import CommandError

from exports.credentials.rekey import rekey_secrets
from exports.crypto import CryptoError, key_ring
from exports.management.translated_command import TranslatedCommand
from exports.sentences import translated


class Command(TranslatedCommand):
    """Put the new key first in CREDENTIAL_KEYS, restart, run this, then take the old key out."""

    help = "Encrypts every secret again with the first key; workers and pages go on meanwhile."
    changes = True
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            result = rekey_secrets()
        except CryptoError as error:
            raise CommandError(str(error)) from None
        counts = f"{result.credentials} credentials, {result.links} links to files, {result.factors} second factors,"
        counts += f" {result.alerts} alerts, {result.webhooks} webhooks"
        self.stdout.write(translated(f"Encrypted again: {counts}."))
        for problem in result.problems:
            self.stderr.write(translated(problem))
        if result.problems:
            raise CommandError(
                f"{len(result.problems)} could not be opened; nothing of them was changed. Keep the old key."
            )
        key = key_ring().primary_key_id
        text = f"Every secret is encrypted with key {key}. Older keys can be taken out of the ring."
        self.stdout.write(translated(text))
