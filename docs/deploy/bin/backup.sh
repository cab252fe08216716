#!/bin/sh
# Takes a backup: the database first, then the files (docs/deploy/backup.md says why in this order).
#   BACKUP=/var/backups/export-portal sh backup.sh
# DATABASE_URL_FILE or DATABASE_URL, DATA_DIR, STORAGE_URL: as in portal.env. KEEP_DAYS: how long dumps are kept (14).
set -eu
umask 077
backup=${BACKUP:?the folder for the backups}
eval "$("${PYTHON:-python3}" "$(dirname "$0")/pg_variables.py")"
install -d -m 700 "$backup"
dump=$backup/portal-$(date -u +%Y%m%dT%H%M%SZ).dump
pg_dump --format=custom --no-owner --no-privileges --file="$dump.new"
# One that cannot be read is none: the one before is kept then.
pg_restore --list "$dump.new" > /dev/null
mv "$dump.new" "$dump"
if [ -z "${STORAGE_URL:-}" ] && [ -d "$DATA_DIR/files" ]; then
    install -d -m 700 "$backup/files"
    cp --recursive --update --preserve=mode,timestamps "$DATA_DIR/files/." "$backup/files/"
fi
find "$backup" -maxdepth 1 -name 'portal-*.dump' -mtime "+${KEEP_DAYS:-14}" -delete
echo "$dump"
