# make run    the portal with its worker, beat and stand-in providers, on http://127.0.0.1:8000/
# make test   the tests, but for those that take long, in a few minutes
# make test-slow  the others: whole portals with killed workers, storms, the browser, two versions side by side; over 20 minutes
# make check  lint, types, imports, dependencies, names, migrations, deployment checks
# make chaos  many long storms over whole portals: kills, flushes, cut connections, a provider that misbehaves, and a
#             year of schedules
# make bench  measurements beside peers, on PostgreSQL (TEST_DATABASE_URL) and Redis (BENCH_REDIS_URL); over an hour
# make fuzz   odd HTTP heads, file bytes and providers' answers, for an hour; FUZZ_MINUTES=6 make fuzz: for six minutes
# make fuzz-api  schemathesis, five minutes, against a portal to be thrown away: TOKEN=(a member's) make fuzz-api
# make messages  the catalogues of messages, extracted anew (needs GNU gettext) and compiled
# make lock   pins the requirements anew
# make audit  asks PyPI whether a locked package has a known vulnerability
#
# PYTHON chooses the interpreter (3.11 or newer), PORT and HOST the address of `make run`,
# ARGS is handed to pytest: make test ARGS="tests/portal -k broker"

PYTHON ?= python3
PORT ?=
HOST ?=
ARGS ?=

VENV := .venv
PIP := $(VENV)/bin/python -m pip --quiet --disable-pip-version-check --no-input

.DEFAULT_GOAL := run
.DELETE_ON_ERROR:
.PHONY: run test test-slow check chaos bench fuzz fuzz-api api-examples messages lock audit

# `exec` puts the command in the recipe shell's place, so that a signal to make reaches it.
run: $(VENV)/.stamp-run
	@exec $(VENV)/bin/python manage.py up --demo $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

# Tests start many programs, which should not compile the same modules anew each time.
PYTEST := PYTHONDONTWRITEBYTECODE= exec $(VENV)/bin/python -m pytest -n 4 --dist worksteal

test: $(VENV)/.stamp-dev
	@$(PYTEST) -m 'not slow' $(ARGS)

test-slow: $(VENV)/.stamp-dev
	@$(PYTEST) -m slow $(ARGS)

# Longer or shorter: make chaos CHAOS_SEEDS=1 CHAOS_EACH=10 CHAOS_KILLS=20
# The last ones are short in `make test-slow`, and long here.
CHAOS_TESTS ?= tests/chaos tests/notify/test_events_arrive_once.py tests/services/test_events_survive_killed_workers.py \
	tests/exporting/test_each_planned_time_runs_once.py

chaos: $(VENV)/.stamp-dev
	@CHAOS_SEEDS=$${CHAOS_SEEDS:-4} CHAOS_EACH=$${CHAOS_EACH:-95} CHAOS_KILLS=$${CHAOS_KILLS:-90} \
		CHAOS_EVENTS=$${CHAOS_EVENTS:-500} CHAOS_DAYS=$${CHAOS_DAYS:-365} \
		exec $(VENV)/bin/python -m pytest $(CHAOS_TESTS) -rP -n 1 $(ARGS)

# Parts and shorter runs: make bench ARGS="polls claims --quick"; the document: ARGS="--write docs/performance.md".
# Beside an older version, in the same run: ARGS="polls short_exports --against COMMIT".
bench: $(VENV)/.stamp-dev
	@exec $(VENV)/bin/python -m tests.bench $(ARGS)

# The fuzz tests of the suite, for FUZZ_MINUTES in all, one after the other. What one finds is printed, and tried first in
# the next run (it is kept in .hypothesis/). A part: make fuzz FUZZ_TESTS=tests/transport/test_any_*.py
FUZZ_TESTS ?= $(wildcard tests/*/test_any_bytes_*.py tests/*/test_any_answer_*.py)

fuzz: $(VENV)/.stamp-dev
	@FUZZ_MINUTES=$${FUZZ_MINUTES:-60} exec $(VENV)/bin/python -m pytest -q -s -n 0 $(FUZZ_TESTS) $(ARGS)

# Writes the examples on the API's page, exports/api/examples.json, from what the API answers in the test.
api-examples: $(VENV)/.stamp-dev
	@RECORD_API_EXAMPLES=1 exec $(VENV)/bin/python -m pytest -q -n 0 tests/api/test_documented_examples_are_true.py

# Never in the lock: what it needs is for nothing else. TOKEN is of `manage.py create_token`, ADDRESS the portal's.
ADDRESS ?= http://127.0.0.1:8000

fuzz-api:
	@test -x .venv-fuzz/bin/schemathesis || \
		{ $(PYTHON) -m venv .venv-fuzz && .venv-fuzz/bin/python -m pip --quiet install 'schemathesis>=4.32,<5'; }
	@exec .venv-fuzz/bin/schemathesis --config-file tests/api/schemathesis.toml run $(ADDRESS)/api/v1/openapi.json \
		--workers 1 --checks all --max-examples 25 --max-time 300 $(ARGS)

# Everything runs even when an earlier part fails; the recipe fails at the end if one did.
check: $(VENV)/.stamp-dev
	@data=$$(mktemp -d); trap 'rm -rf "$$data"' EXIT; export DATA_DIR="$$data"; failed=; \
	step() { echo "== $$*"; "$$@" || failed="$$failed $$1"; }; \
	bin=$(VENV)/bin; \
	step $$bin/python -m ruff check .; \
	step $$bin/python -m ruff format --check .; \
	step $$bin/python -m mypy; \
	step $$bin/python -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-cache; \
	step $$bin/python -m deptry exports portal --config .ci/deptry.toml; \
	step $$bin/python -W ignore::UserWarning -m deptry tests --config .ci/deptry-tests.toml; \
	step $$bin/python -m pytest -q -p no:cacheprovider tests/test_names_are_the_fields_own.py; \
	step $$bin/python .ci/licences.py --check; \
	step $$bin/python manage.py makemigrations --check --dry-run; \
	step $$bin/python manage.py check; \
	step env PUBLIC_URL=https://portal.example.org \
		SECRET_KEY=only-for-this-check-0123456789-abcdefghijklmnopqrstuvwxyz \
		CREDENTIAL_KEYS=$$($$bin/python -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())') \
		$$bin/python manage.py check --deploy --fail-level WARNING; \
	if [ -n "$$failed" ]; then echo "make check: failed."; exit 1; fi; echo "make check: all clean."

# A stamp is younger than its lock when what the lock pins is installed, so a second run starts at once.
$(VENV)/.stamp-run: requirements.lock | $(VENV)/bin/python
	@echo "Setting up (once, about half a minute) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@touch $@

# What is imported is compiled then: a third of what this installs.
$(VENV)/.stamp-dev: requirements.lock requirements-dev.lock | $(VENV)/bin/python
	@echo "Setting up for tests and checks (once, about a minute) ..."
	@$(PIP) install --no-compile --require-hashes -r requirements-dev.lock
	@touch $(VENV)/.stamp-run $@

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "$(PYTHON) was not found: install Python 3.11 or newer (Debian: apt install python3 python3-venv)." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed: name one, for example make run PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python cannot make virtual environments: install them (Debian: apt install python3-venv)." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV)

LOCK := .venv-lock/bin/uv --no-config pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

messages: $(VENV)/.stamp-dev
	@exec $(VENV)/bin/python -m tests.helpers.messages

lock:
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip --quiet --disable-pip-version-check install uv
	@$(LOCK) --upgrade -o requirements.lock requirements.txt
	@$(LOCK) --upgrade -o requirements-dev.lock requirements-dev.txt
	@rm -rf .venv-lock

# Strictly: without it a package that PyPI says nothing about would count as sound.
audit:
	@folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	$(PYTHON) -m venv "$$folder" && "$$folder/bin/python" -m pip --quiet --disable-pip-version-check install pip-audit && \
	"$$folder/bin/pip-audit" --strict --disable-pip --require-hashes --progress-spinner off -r requirements-dev.lock
