"""Django's cache in the database, except that it says so when the database cannot be written."""

from typing import Any

from django.core.cache.backends.db import DatabaseCache as DjangoDatabaseCache
from django.db import DatabaseError, connections, router

from exports.http.unavailable import is_database_away


class DatabaseCache(DjangoDatabaseCache):
    """Raises what Django swallows: its `add` answers False, as if another process had been first.

    The limits of sign-ins would take that for too many attempts, and say so to a person whose first one it is.
    """

    def _base_set(self, mode: str, key: str, value: Any, *args: Any, **kwargs: Any) -> bool:
        failures: list[DatabaseError] = []

        def remember(execute: Any, *parameters: Any) -> Any:
            try:
                return execute(*parameters)
            except DatabaseError as error:
                failures.append(error)
                raise

        with connections[router.db_for_write(self.cache_model_class)].execute_wrapper(remember):
            done = bool(super()._base_set(mode, key, value, *args, **kwargs))  # type: ignore[misc]
        for error in failures:
            if is_database_away(error):
                raise error
        return done
