"""Asking a provider for the project that a person typed, before it is added: its one spelling, and its name.

Only the page that adds projects asks, while a person waits. API, commands and schedules go by the rule of ids alone
(`service.create_project`), so that they work while a provider is away.
"""

import logging

from exports.credentials import service
from exports.credentials.bulkhead import provider_call_slot
from exports.credentials.client import open_client, retry_with_fresh_token
from exports.crypto import CryptoError
from exports.errors import InvalidError
from exports.models import Credential
from exports.providers.contract import RemoteProject
from exports.transport.errors import NotFoundError, ProviderError

log = logging.getLogger(__name__)


def resolve_project(credential: Credential, text: str) -> RemoteProject:
    """Returns the project of an id or address. Where the provider cannot be asked: what was typed, without a name.

    Raises InvalidError where the id breaks the provider's rule, or the provider says that it has no such project.
    """
    provider = credential.provider_definition
    remote_id = service.parse_remote_id(provider, text)
    if not provider.resolves_projects:
        return RemoteProject(remote_id, "")
    try:
        with provider_call_slot(credential.team_id), open_client(credential) as client:
            found = retry_with_fresh_token(client, lambda: provider.resolve_project(client, remote_id))
        return RemoteProject(service.parse_remote_id(provider, found.id), found.name[: service.MAX_NAME_LENGTH])
    except NotFoundError:
        sentence = f"{provider.label} has no project {remote_id[:100]} that this credential may see."
        raise InvalidError({"remote_id": [sentence]}) from None
    except (ProviderError, CryptoError) as error:
        log.info("A project of credential %s is added without asking for it (%s).", credential.pk, type(error).__name__)
        return RemoteProject(remote_id, "")
