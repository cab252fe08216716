"""The portal's own fixtures: its database, a data folder of the test's own, and a team with an owner and members."""

from tests.conftest import _own_data_folder, cast, database_folder, django_db_setup, run_folder

__all__ = ["_own_data_folder", "cast", "database_folder", "django_db_setup", "run_folder"]
