"""A file that is not at its host: not yet, or its link has expired. It is waited for, and a fresh link asked for."""

from typing import Final

from exports.credentials.client import job_fields, open_client, retry_with_fresh_token
from exports.providers.contract import Job
from exports.queue import rate_limits
from exports.queue.leases import Claim
from exports.settle.outcome import fail, postpone
from exports.storage.place import Part
from exports.transport.errors import (
    BusyError,
    CredentialError,
    NotSentError,
    RefusedError,
    UnclearError,
    UnknownRefusalError,
    UnreadableError,
)

# Pauses in seconds while the file is not at its host, three minutes in all. A fresh link is asked for at the first and
# before the last try.
LATE_FILE_PAUSES: Final = (1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0, 34.0, 45.0, 45.0, 1.0)


class NotThereError(Exception):
    """The link opens no file: not yet, or not any more. The text says what the host answered, as part of a sentence."""


def ask_for_fresh_link(claim: Claim) -> bool:
    """Asks the provider for a link. Returns whether it named another one. Raises ProviderError, LostClaimError."""
    export = claim.export
    with open_client(export.project.credential, export) as client:
        job = Job(**job_fields(export))
        try:
            status = retry_with_fresh_token(
                client, lambda: export.project.credential.provider_definition.poll(client, job)
            )
        finally:
            rate_limits.count_unadmitted_calls(export.project.credential, client.call_count)
    if status.state != "done" or not status.link or status.link == export.decrypt_link():
        return False
    claim.write(encrypted_link=export.encrypt_link(status.link))
    return True


def wait_for_file(claim: Claim, part: Part, why: str, code: str) -> None:
    """Waits for a file that is not at its host, with growing pauses; in the end the export fails with `code`."""
    claim.check()
    count, pause = claim.export.late_answers, 0.0
    is_last = count == len(LATE_FILE_PAUSES) - 1
    if count >= len(LATE_FILE_PAUSES):
        part.discard()
        minutes = round(sum(LATE_FILE_PAUSES) / 60)
        fail(claim, code, f"{why} It stayed so for {minutes} minutes, {count + 1} tries in a row.", source="worker")
        return
    has_fresh_link = False
    if count == 0 or is_last:
        try:
            has_fresh_link = ask_for_fresh_link(claim)
        except (BusyError, CredentialError) as error:
            if is_last and (error.final or isinstance(error, BusyError)):
                raise
        except (RefusedError, UnreadableError, UnknownRefusalError):
            pass  # what the provider says so soon after the job was done is no more certain than what the host says
        except (UnclearError, NotSentError):
            if is_last and claim.export.largest_part_bytes:
                raise  # the link has opened the file before and has expired: the provider's outage is waited out
    if not has_fresh_link:
        pause = LATE_FILE_PAUSES[count]
    postpone(claim, pause, f"{why} It may only be late, so it is tried again.", late_answers=count + 1)
