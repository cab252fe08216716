"""Every branch of a project at once, one export each, for kinds that name the option with the branch."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from django.db import transaction

from exports.credentials import service
from exports.errors import DuplicateError, InvalidError
from exports.exporting.create import ExportRequest, Requester, create_export
from exports.models import Export, Project
from exports.providers.contract import Kind

# So many branches are exported at once at most: each is an export of its own, with its share of the provider's limit.
MAX_BRANCHES: Final = 50


@dataclass(frozen=True)
class Branches:
    """Branches as the provider lists them: (id, name), at most MAX_BRANCHES. `omitted`: how many it has beyond."""

    pairs: tuple[tuple[str, str], ...]
    omitted: int = 0

    @property
    def ids(self) -> list[str]:
        """The ids of the branches."""
        return [id_ for id_, _ in self.pairs]


def list_branches(project: Project, kind: Kind, seconds: float | None = None) -> Branches:
    """Asks the provider for the branches, for at most `seconds`. Raises ProviderError, CryptoError."""
    listed = service.list_option_choices(project, kind.branch_option, seconds)
    return Branches(tuple(listed[:MAX_BRANCHES]), max(len(listed) - MAX_BRANCHES, 0))


def create_branch_exports(
    project: Project, request: ExportRequest, requester: Requester, branch_ids: Sequence[str]
) -> list[Export]:
    """Creates one export for each branch, all or none; branches whose export is still open are left out.

    Raises what `create_export` raises; DuplicateError only where every branch has an open export.
    """
    kind = project.provider.kind(request.type)
    if kind is None or not kind.branch_option:
        raise InvalidError({"all_branches": ["This kind of export has no branches."]})
    if not 1 <= len(branch_ids) <= MAX_BRANCHES:
        raise InvalidError({"all_branches": [f"Give 1 to {MAX_BRANCHES} branches."]})
    made: list[Export] = []
    duplicate: DuplicateError | None = None
    with transaction.atomic():
        for id_ in dict.fromkeys(branch_ids):
            options = {**request.options, kind.branch_option: id_}
            try:
                made.append(create_export(project, replace(request, options=options, options_form=None), requester))
            except DuplicateError as error:
                duplicate = error
    if duplicate is not None and not made:
        raise duplicate
    return made
