#!/bin/sh
# Installs what the portal needs, exactly as requirements.lock pins it, into a virtual environment:
#   sh docs/deploy/bin/install.sh FOLDER
# Run again after an upgrade; what is installed already stays.
set -eu
folder=${1:?give the folder of the virtual environment}
[ -x "$folder/bin/python" ] || "${PYTHON:-python3}" -m venv "$folder"
exec "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --no-cache-dir \
    --require-hashes -r "$(dirname "$0")/../../../requirements.lock"
