"""What a person or a program asked for and cannot have, in words that say what to do."""

from collections.abc import Mapping, Sequence


class InvalidError(Exception):
    """Bad input: field to sentences."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(texts)}" for name, texts in errors.items()))
        self.errors = {name: list(texts) for name, texts in errors.items()}


class ConflictError(Exception):
    """The thing is not in a state for this."""


class DuplicateError(ConflictError):
    """The same export is still open."""

    def __init__(self, export_id: int) -> None:
        super().__init__(
            f"Export {export_id} asks for the same and is still open. Wait for it, cancel it, or allow a twin."
        )
        self.export_id = export_id
