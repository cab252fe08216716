"""Static files under names that carry a hash of their content, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorageWithFallback(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Falls back to the plain name of a file that has not been collected, which WhiteNoise serves all the same.

    So pages work in a fresh clone and in tests, without a step before.
    """

    def stored_name(self, name: str) -> str:
        """The hashed name, or the given one when the manifest does not know it."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
