"""Errors of the domain: requests that cannot be fulfilled. Their texts say what to do."""

from collections.abc import Mapping, Sequence


class InvalidError(Exception):
    """Invalid input. `errors` maps each field to its sentences."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items()))
        self.errors = {name: list(texts) for name, texts in errors.items()}


class ConflictError(Exception):
    """The object is not in a state that allows the action."""


class ArchivedError(ConflictError):
    """The project is archived, so it takes no new exports."""

    def __init__(self, project: object) -> None:
        super().__init__(
            f"The project {project} is archived and takes no new exports. Restore it first: add its id again."
        )


class PausedError(ConflictError):
    """The team, the credential or the project is paused, so nothing new runs."""


class DuplicateError(ConflictError):
    """An export with the same project, type, format and options is still open: `export_id`."""

    def __init__(self, export_id: int) -> None:
        super().__init__(
            f"#{export_id} is already running with these options. Wait for it, cancel it, or allow a twin."
        )
        self.export_id = export_id
