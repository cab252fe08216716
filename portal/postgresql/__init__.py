"""Django's PostgreSQL backend, with limits on how long anything waits for the database."""
