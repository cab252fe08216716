"""Where a file comes from: its link alone, or its link with headers that its provider wants there."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial

from exports import formats
from exports.credentials.client import address_guard, build_client
from exports.models import Export
from exports.providers.contract import DOWNLOAD, NORMAL
from exports.queue import circuit_breaker
from exports.queue.leases import Claim
from exports.queue.rate_limits import admit
from exports.queue.rate_usage import Usage, record_usage
from exports.steps.late_files import NotThereError
from exports.transport.calls import CallRecord
from exports.transport.client import Client
from exports.transport.errors import BusyError, CredentialError, RefusedError
from exports.transport.file_requests import open_file
from exports.transport.open_url import StreamedResponse, open_url
from exports.transport.redirects import resolve_link


def rate_class_of(export: Export) -> str:
    """The rate class that the file's host may pause: of the provider itself where it serves the file."""
    return DOWNLOAD if export.kind.authorised_download else NORMAL


def may_open(claim: Claim) -> bool:
    """Whether the download may begin. If not, it was postponed: its provider's limit is used up, or it does not answer.

    Only for files that the provider itself serves. Raises LostClaimError.
    """
    if not claim.export.kind.authorised_download:
        return True
    return bool(circuit_breaker.admit_claims([claim])) and admit(claim, DOWNLOAD)


@contextmanager
def open_source(
    claim: Claim, link: str, headers: Mapping[str, str], record: Callable[[CallRecord], None]
) -> Iterator[StreamedResponse]:
    """Opens the export's file; a token that its provider refuses is renewed once. `link`: an address or a path.

    Raises NotThereError where the provider itself says so, ProviderError, CryptoError.
    """
    export = claim.export
    credential, kind = export.project.credential, export.kind
    keeps_gzip = formats.get_format(export.format).is_gzip
    if not (kind.authorised_download or credential.provider_definition.has_download_headers):
        address = resolve_link(f"{credential.origin_url}/", link)
        with open_url(address, address_guard(), headers, record, keeps_gzip=keeps_gzip) as opened:
            yield opened
        return
    client = build_client(credential, record)
    try:
        with ExitStack() as stack:
            opening = partial(
                open_file, client, link, headers, record, authorised=kind.authorised_download, keeps_gzip=keeps_gzip
            )
            yield _open(stack, client, opening)
    finally:
        if export.rate_slot is not None:
            record_usage([Usage(export, DOWNLOAD, export.rate_slot, 1, {}, claim.window_at_admission)])


def _open(
    stack: ExitStack, client: Client, opening: Callable[[], AbstractContextManager[StreamedResponse]]
) -> StreamedResponse:
    try:
        try:
            return stack.enter_context(opening())
        except CredentialError as error:
            if not (error.renewable and client.grant is not None):
                raise
            client.forget_token()
            return stack.enter_context(opening())
    except (BusyError, CredentialError):
        raise
    except RefusedError as error:
        raise NotThereError(f"answered {error.provider_status}") from None
