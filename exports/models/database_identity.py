"""Which database this is, so that a copy of it is not taken for the database itself."""

from datetime import datetime
from typing import Final

from django.db import DatabaseError, ProgrammingError, connection, models, transaction

# A restored table is a new one and so has another oid, also where it replaces the old one in the same database.
SERVER_SQL: Final = "SELECT system_identifier FROM pg_control_system()"
TABLE_SQL: Final = """
    SELECT d.oid, 'exports_export'::regclass::oid, 'exports_change'::regclass::oid
    FROM pg_database d WHERE d.datname = current_database()
"""


class DatabaseIdentity(models.Model):
    """One row (`pk` 1): the identity that the database had when the portal last accepted it as its own.

    `restored_at`: when the portal was last told that the database was restored from a copy.
    """

    identity = models.CharField(max_length=200)
    restored_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.identity

    @staticmethod
    def current() -> str:
        """The identity of the connected database: server, database and tables by their numbers on PostgreSQL, else "".

        Raises DatabaseError.
        """
        if connection.vendor != "postgresql":
            return ""
        with connection.cursor() as cursor:
            try:
                with transaction.atomic():
                    cursor.execute(SERVER_SQL)
                    server = str(cursor.fetchone()[0])
            except DatabaseError:  # A hosted PostgreSQL may not allow it.
                server = "?"
            cursor.execute(TABLE_SQL)
            return ".".join([server, *map(str, cursor.fetchone())])

    @classmethod
    def is_a_copy(cls) -> bool:
        """Whether the database is another one than the one that the portal has accepted. Raises DatabaseError.

        Where it has accepted none yet, it accepts this one.
        """
        if not (current := cls.current()):
            return False
        row, _created = cls.objects.get_or_create(pk=1, defaults={"identity": current})
        return row.identity != current

    @classmethod
    def is_known_copy(cls) -> bool:
        """The same, but nothing is written, and a database without migrations is none."""
        if connection.vendor != "postgresql":
            return False
        try:
            return cls.objects.exclude(identity=cls.current()).filter(pk=1).exists()
        except ProgrammingError:
            return False

    @classmethod
    def accept(cls, *, restored_at: datetime | None = None) -> None:
        """Accepts the connected database as the portal's own. Raises DatabaseError."""
        values: dict[str, str | datetime] = {"identity": cls.current()}
        if restored_at is not None:
            values["restored_at"] = restored_at
        cls.objects.update_or_create(pk=1, defaults=values)
