"""Static files under names that carry a hash of their content, so that browsers may keep them for ever."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class ManifestStorageWithFallback(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Falls back to the plain name of a file that was not collected, which WhiteNoise serves too.

    Pages therefore work in a fresh clone and in tests without `collectstatic`.
    """

    def stored_name(self, name: str) -> str:
        """The hashed name, or `name` itself when the manifest does not list it."""
        try:
            return str(super().stored_name(name))
        except ValueError:
            return name
