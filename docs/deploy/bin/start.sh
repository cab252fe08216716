#!/bin/sh
# Starts one part of the portal in the place of this shell. Container and systemd units run nothing else.
#   start.sh web | submit | poll | fetch | beat | prepare | manage COMMAND …
# VENV: the virtual environment. BIND, WEB_WORKERS, WEB_THREADS: of web. SLOTS: of a worker. What follows is handed on.
set -eu
cd "$(dirname "$0")/../../.."
python=${VENV:-$PWD/.venv}/bin/python
part=${1:?which part: web, submit, poll, fetch, beat, prepare or manage}
shift
umask 077
# The folder of the code may be read-only.
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 CELERY_SKIP_CHECKS=1
worker() { name=$1 queues=$2 slots=$3; shift 3; exec "$python" -m celery -A portal --quiet worker -n "$name@%h" -Q "$queues" -c "${SLOTS:-$slots}" "$@"; }
case $part in
web)
    exec "$python" -m gunicorn portal.wsgi --config python:exports.supervisor.gunicorn_config --no-control-socket \
        --bind "${BIND:-127.0.0.1:8000}" --workers "${WEB_WORKERS:-2}" --threads "${WEB_THREADS:-8}" \
        --graceful-timeout 30 --worker-tmp-dir /dev/shm --log-level warning "$@"
    ;;
submit) worker submit portal.submit,portal.control 4 "$@" ;;
poll) worker poll portal.poll 4 "$@" ;;
fetch) worker fetch portal.fetch,portal.deliver 8 "$@" ;;
beat) exec "$python" -m celery -A portal --quiet beat --pidfile= "$@" ;;
prepare) exec "$python" manage.py up --prepare "$@" ;;
manage) exec "$python" manage.py "$@" ;;
*)
    echo "start.sh: no part is called $part" >&2
    exit 2
    ;;
esac
