"""Prints the database of DATABASE_URL, or of the file in DATABASE_URL_FILE, as variables for psql and pg_dump:

    eval "$(python3 pg_variables.py)"

A password in the environment is not in the list of processes, as one on the command line would be.
"""

import os
import shlex
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

file = os.environ.get("DATABASE_URL_FILE")
url = urlsplit(Path(file).read_text(encoding="utf-8").strip() if file else os.environ["DATABASE_URL"])
values = {
    "PGHOST": url.hostname,
    "PGPORT": url.port,
    "PGUSER": url.username,
    "PGPASSWORD": url.password,
    "PGDATABASE": url.path.strip("/"),
    **{f"PG{name.upper()}": value for name, value in parse_qsl(url.query) if name.startswith("ssl")},
}
for name, value in values.items():
    if value:
        print(f"export {name}={shlex.quote(unquote(str(value)))}")
