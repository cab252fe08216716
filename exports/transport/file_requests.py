"""Opens the address of a file with the headers that its provider wants there, which depend on each hop's address."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from exports.transport.calls import CallRecord
from exports.transport.client import Client
from exports.transport.errors import CredentialError, ProviderError
from exports.transport.open_url import StreamedResponse, open_url
from exports.transport.origins import is_below
from exports.transport.redirects import resolve_link
from exports.transport.responses import MAX_ERROR_BYTES

# What `open_url` decides itself; a provider's own headers cannot change it.
FIXED_HEADERS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "range", "if-range"}
)
HEAD_SECONDS: Final = 60.0
CONTROLS: Final = re.compile(r"[\x00-\x1f\x7f]")


@dataclass
class FileHeaders:
    """Decides for each address of a download which headers go there.

    `authorised`: whether the credential's go along, which they do only below its origin. `sent_to`: the addresses that
    got them.
    """

    client: Client
    authorised: bool
    sent_to: set[str] = field(default_factory=set, repr=False)

    def __call__(self, address: str) -> dict[str, str]:
        """The headers for this address. Raises ProviderError where a token that they need cannot be had."""
        own: dict[str, str] = {}
        provider = self.client.provider
        if self.authorised and is_below(self.client.origin, address):
            own |= provider.headers(self.client) | self.client.cookies.header(address)
            self.sent_to.add(address)
        own |= provider.download_headers(self.client, address)
        if any(CONTROLS.search(value) for value in own.values()):
            raise CredentialError("A header for the file has characters that can't be sent.")
        return self.client.remember_sent({name: own[name] for name in own if name.lower() not in FIXED_HEADERS})

    def error_of(self, response: StreamedResponse) -> ProviderError | None:
        """The error of the provider's that an answer means; None for a file, and for one that did not come from it."""
        if response.url not in self.sent_to or 200 <= response.status < 300 or response.status == 416:
            return None
        raw = b""
        for chunk in response.chunks(MAX_ERROR_BYTES):
            raw += chunk
            if len(raw) > MAX_ERROR_BYTES:
                break
        return self.client.error_of(response.status, response.headers, raw[: MAX_ERROR_BYTES + 1])


@contextmanager
def open_file(
    client: Client,
    link: str,
    headers: Mapping[str, str],
    record_call: Callable[[CallRecord], None],
    *,
    authorised: bool,
    **options: Any,
) -> Iterator[StreamedResponse]:
    """As `open_url`, with the headers of `FileHeaders`; `link` may be a path below the origin's host.

    An error from below the origin is raised as the provider's own calls raise it: 401 and 403 are CredentialErrors.
    """
    headers_for = FileHeaders(client, authorised)
    address = resolve_link(f"{client.origin}/", link)
    with open_url(address, client.guard, headers, record_call, headers_for=headers_for, **options) as response:
        if (error := headers_for.error_of(response)) is not None:
            raise error
        yield response


def file_headers(client: Client, link: str, *, authorised: bool) -> Mapping[str, str]:
    """The headers of a file without the file (HEAD), where a provider tells its name or its age only there.

    Raises ProviderError, also where its host answers other than with a 2xx.
    """

    def record(call: CallRecord) -> None:
        client.call_count += 1
        client.record_call(call)

    with open_file(client, link, {}, record, authorised=authorised, method="HEAD", seconds=HEAD_SECONDS) as response:
        if (error := client.error_of(response.status, response.headers, b"")) is not None:
            raise error
        return response.headers
