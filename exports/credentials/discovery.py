"""What a credential's provider lists, kept as rows of `RemoteProject`: read daily, and when somebody asks for it."""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from exports import clock
from exports.credentials import refusals
from exports.credentials.client import open_client, retry_with_fresh_token
from exports.crypto import CryptoError
from exports.errors import ConflictError
from exports.models import Credential, OpenCircuit, Project, RateLimitPause, RemoteProject
from exports.providers import contract
from exports.providers.contract import is_valid_remote_id
from exports.providers.paged_lists import IncompleteList
from exports.providers.registry import PROVIDERS, NotInstalledError
from exports.queue import wakeup
from exports.transport.errors import BusyError, CredentialError, ProviderError

# The rate class of the calls that list things.
RATE_CLASS: Final = "normal"
MAX_REMOTE_PROJECTS: Final = 10_000
INTERVAL: Final = timedelta(days=1)
RETRY_INTERVAL: Final = timedelta(hours=1)
# One list, all its pages together. It takes a slot of `portal.control`, which dispatches need too.
LIST_SECONDS: Final = 20.0
WRITE_BATCH: Final = 500
MAX_PAUSE_SECONDS: Final = 3600.0
INCOMPLETE: Final = "The provider's list was not read to its end: what is not in it may be there all the same."


def why_not(credential: Credential) -> str:
    """Returns why the credential's projects cannot be listed, a sentence; "" where they can."""
    try:
        provider = credential.provider_definition
    except NotInstalledError as error:
        return str(error)
    if not provider.lists_projects:
        return f"{provider.label} has no list of projects."
    for row in (credential.team, credential):
        if row.paused_at is not None:
            return f"{row} is paused: nothing new runs until an owner resumes it."
    return ""


def request_discovery(credential: Credential) -> None:
    """Has the projects listed as soon as a worker has time. Raises ConflictError where they cannot be."""
    if why := why_not(credential):
        raise ConflictError(why)
    now = clock.now()
    with transaction.atomic():
        # Without a use `due` leaves it alone; this is one.
        Credential.objects.filter(pk=credential.pk, used_at=None).update(used_at=now)
        Credential.objects.filter(pk=credential.pk).update(discovered_at=None)
        transaction.on_commit(wakeup.discover_now)
    credential.refresh_from_db(fields=["used_at", "discovered_at"])


def due() -> QuerySet[Credential]:
    """The credentials whose projects are to be listed now, those that somebody asked for first.

    One that was never used is left alone: nobody has tested it yet.
    """
    now = clock.now()
    old = Q(discovered_at=None) | Q(discovered_at__lt=now - INTERVAL)
    failed = ~Q(discovery_error="") & Q(discovered_at__lt=now - RETRY_INTERVAL)
    listing = [slug for slug, provider in PROVIDERS.items() if provider.lists_projects]
    rows = Credential.objects.select_related("team").filter(
        old | failed, deleted_at=None, paused_at=None, team__paused_at=None, used_at__isnull=False
    )
    return rows.filter(provider__in=listing).order_by(F("discovered_at").asc(nulls_first=True), "pk")


def claim(credential: Credential) -> bool:
    """Marks the list as read now, unless another process has taken it since `credential` was read."""
    rows = Credential.objects.filter(pk=credential.pk, discovered_at=credential.discovered_at)
    return bool(rows.update(discovered_at=clock.now()))


def discover(credential: Credential) -> bool:
    """Lists the projects and stores them; returns whether that worked. An error is kept in `discovery_error`."""
    requested_at = clock.now()
    rows = Credential.objects.filter(pk=credential.pk)
    try:
        projects = _list_projects(credential)
    except CredentialError as error:
        if error.final and not error.known:
            refusals.record_refused(credential, error.message)
        rows.update(discovered_at=clock.now(), discovery_error=error.message[:500])
        return False
    except (ProviderError, CryptoError) as error:
        text = error.message if isinstance(error, ProviderError) else str(error)
        rows.update(discovered_at=clock.now(), discovery_error=text[:500])
        return False
    refusals.forget_refusal(credential)
    _store(credential, projects, requested_at)
    rows.update(discovered_at=clock.now(), discovery_error=INCOMPLETE if isinstance(projects, IncompleteList) else "")
    return True


def _list_projects(credential: Credential) -> Sequence[contract.RemoteProject]:
    """Raises ProviderError, CryptoError."""
    if pauses := RateLimitPause.in_force([credential.pk], RATE_CLASS):
        pause = pauses[credential.pk]
        raise BusyError(f"Waiting for the provider's rate limit. {pause.reason}".rstrip(), seconds=60)
    circuit = OpenCircuit.objects.filter(origin=credential.origin_url, until__gt=clock.now()).first()
    if circuit is not None:
        label = credential.provider_definition.label
        raise BusyError(f"{label} has not answered since {circuit.since:%H:%M} UTC.", seconds=60)
    with open_client(credential) as client:
        client.give_up_at = time.monotonic() + LIST_SECONDS
        try:
            return retry_with_fresh_token(client, lambda: credential.provider_definition.projects(client))
        except BusyError as error:
            if error.pause:
                until = clock.seconds_from_now(min(error.seconds, MAX_PAUSE_SECONDS))
                RateLimitPause.extend(credential.pk, RATE_CLASS, until, error.message[:300])
            raise


def _store(credential: Credential, projects: Iterable[contract.RemoteProject], requested_at: datetime) -> None:
    """Writes what was listed, and since when what is not listed any more is gone.

    A list without any project says nothing about those that are here: an account may have lost its rights for a while.
    Nor does one that is not complete.
    """
    names = {project.id: project.name[:200] for project in projects if is_valid_remote_id(project.id)}
    listed = dict(list(names.items())[:MAX_REMOTE_PROJECTS])
    now = clock.now()
    rows = [
        RemoteProject(credential=credential, remote_id=id_, name=name, first_seen_at=now, last_seen_at=now)
        for id_, name in listed.items()
    ]
    # In several transactions, so that nothing else waits long.
    for start in range(0, len(rows), WRITE_BATCH):
        RemoteProject.objects.bulk_create(
            rows[start : start + WRITE_BATCH],
            update_conflicts=True,
            unique_fields=["credential", "remote_id"],
            update_fields=["name", "last_seen_at", "gone_at"],
        )
    if listed and len(names) <= MAX_REMOTE_PROJECTS and not isinstance(projects, IncompleteList):
        known = RemoteProject.objects.filter(credential=credential)
        known.filter(gone_at=None, last_seen_at__lt=now).update(gone_at=now)
        if credential.provider_definition.lists_all_projects:
            _mark_never_listed(credential, listed.keys(), requested_at, now)


def _mark_never_listed(credential: Credential, listed: Iterable[str], requested_at: datetime, now: datetime) -> None:
    """Marks as gone what was added here before, is not in the list, and of which there never was a good export.

    A good export shows that the project is there, whatever the list says.
    """
    here = Project.objects.filter(
        credential=credential, archived_at=None, last_good_at=None, created_at__lt=requested_at
    )
    known = set(RemoteProject.objects.filter(credential=credential).values_list("remote_id", flat=True))
    missing = set(here.values_list("remote_id", flat=True)) - known
    RemoteProject.objects.bulk_create(
        [RemoteProject(credential=credential, remote_id=id_, gone_at=now) for id_ in sorted(missing)],
        ignore_conflicts=True,
        batch_size=WRITE_BATCH,
    )
