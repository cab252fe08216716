"""Fetch again: the file of a job that is done at its provider, without asking for the job, and paying it, anew."""

from typing import Final

from django.db import transaction

from exports import states
from exports.errors import ConflictError, DuplicateError, InvalidError
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.models import Export, Project
from exports.providers.registry import NotInstalledError

# Failures after which the job is done there, or may be: only its file is not here.
FETCHABLE_ERROR_CODES: Final = frozenset({"no_file", "bad_file", "too_large", "storage", "address", "internal"})


def may_fetch_again(export: Export) -> bool:
    """Whether pages offer to fetch the file again: the job is known, and its file is not here, or not any more.

    Makes no query when the project, its credential and the file are loaded.
    """
    if export.is_open or not export.remote_id or export.format == "none":
        return False
    try:
        has_file = export.kind.has_file
    except NotInstalledError:
        return False
    if export.status == states.FAILED:
        return has_file and export.error_code in FETCHABLE_ERROR_CODES
    file = export.file
    return has_file and file is not None and (file.deleted_at is not None or file.damaged_at is not None)


def fetch_again(export: Export, requester: Requester) -> Export:
    """Creates an export that watches the same job and fetches its file; nothing is submitted.

    Raises InvalidError where the kind has no file; ConflictError while the export is open, where its job is not known,
    or where another has taken its place at the provider; DuplicateError while the same is open.
    """
    try:
        kind = export.kind
    except NotInstalledError as error:
        raise InvalidError({"type": [str(error)]}) from None
    if not kind.has_file:
        raise InvalidError({"type": [f"{kind.label} yields no file, so there is none to fetch."]})
    if export.is_open:
        raise ConflictError(f"Export {export.pk} is still open; it fetches its file itself.")
    if not export.remote_id:
        raise ConflictError(f"The job of export {export.pk} is not known, so there is no file to fetch. Retry instead.")
    with transaction.atomic():
        Project.objects.select_for_update().get(pk=export.project_id)
        same = Export.objects.open().filter(project_id=export.project_id, type=export.type)
        twins = same.filter(format=export.format, options_key=export.options_key).values_list("pk", flat=True)
        if (twin_pk := twins.first()) is not None:
            raise DuplicateError(twin_pk)
        if kind.exclusive and (newer_pk := _newer_job(export)) is not None:
            raise ConflictError(
                f"Export {newer_pk} had its job made later, and the provider keeps the file of the latest job only."
                " Fetch that one, or retry."
            )
        request = ExportRequest(export.type, export.format, export.options, confirm=True, adopt=export.remote_id)
        requester = Requester(requester.user, requester.source, "retry", requester.actor)
        return create_export(export.project, request, requester, export)


def _newer_job(export: Export) -> int | None:
    """The latest export of the project for which a job was made later, where jobs cannot be told apart."""
    later = Export.objects.filter(project_id=export.project_id, type=export.type, submitted_at__isnull=False)
    if export.submitted_at is not None:
        later = later.filter(submitted_at__gt=export.submitted_at)
    else:
        later = later.filter(submitted_at__gt=export.created_at)
    return later.exclude(pk=export.pk).order_by("-submitted_at").values_list("pk", flat=True).first()
