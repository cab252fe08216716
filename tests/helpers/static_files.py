"""WhiteNoise for tests: what is served is looked for once in a process, not once for each of thousands of clients."""

from typing import Any, ClassVar

from whitenoise.middleware import WhiteNoiseMiddleware


class SearchingOnce(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves the same files with the same headers; every Django test client makes one of these."""

    known_files: ClassVar[dict[tuple[Any, ...], dict[str, Any]]] = {}

    def add_files_from_finders(self) -> None:
        """Takes the files that an earlier one with the same settings has found."""
        settings = (self.static_prefix, self.max_age, self.allow_all_origins)
        if settings not in self.known_files:
            before = set(self.files)
            super().add_files_from_finders()
            self.known_files[settings] = {url: file for url, file in self.files.items() if url not in before}
        self.files.update(self.known_files[settings])
