# Every target but `env` and `help` starts with `env`, which is quick when the lock has not changed.

HOST        ?= 127.0.0.1
PORT        ?= 8000
WORKERS     ?= 2
PYTEST_ARGS ?=
LOCK_ARGS   ?=

PYTHON := .venv/bin/python
LOCKED := .venv/.locked

.PHONY: help env demo test serve check bench lock

help:
	@echo 'make env     the locked environment, in .venv'
	@echo 'make demo    a demo database, the portal and an example third party (PORT)'
	@echo 'make test    the tests (DATABASE_URL, CACHE_URL, PYTEST_ARGS)'
	@echo 'make serve   the production server (HOST, PORT, WORKERS)'
	@echo 'make check   lint, types, templates, migrations, deployment settings'
	@echo 'make bench   the benchmarks (BENCH_ARGS="endpoints purge pages")'
	@echo 'make lock    requirements*.txt from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)'

env: $(LOCKED)

# A shim may name a Python that is not there, and Debian's comes without ensurepip: only running one tells.
usable = -c 'import sys, $(1); sys.exit(sys.version_info < (3, 12))' 2>/dev/null

$(LOCKED): requirements-dev.txt
	@$(PYTHON) $(call usable,pip) || { \
	  for python in python3.13 python3.14 python3.12 python3 python; do \
	    if $$python $(call usable,ensurepip); then exec $$python -m venv --clear .venv; fi; \
	  done; \
	  uv venv -qq --clear --seed --python '>=3.12' .venv 2>/dev/null && exit; \
	  echo 'make env: found no Python 3.12 or newer with ensurepip, and no uv that can get one' >&2; \
	  exit 1; \
	}
	@$(PYTHON) -m pip install -qq --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@touch $@

demo: env
	@exec $(PYTHON) manage.py demo --port $(PORT)

test: env
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

# Bytecode is made once, where it may be, so that a worker starts as fast when Python is told not to write any.
# Threads beyond two wait for each other's. A worker that dies comes back; when the server stops, a request has
# fifteen seconds to end, so that a client that never finishes its own cannot hold it.
serve: env
	@$(PYTHON) manage.py migrate --noinput --verbosity 0
	@$(PYTHON) manage.py collectstatic --noinput --verbosity 0
	@$(PYTHON) -m compileall -qq accounts apicredentials portal || true
	@exec .venv/bin/granian portal.wsgi:application --interface wsgi --no-ws --no-access-log \
	  --host $(HOST) --port $(PORT) --workers $(WORKERS) --blocking-threads 2 \
	  --respawn-failed-workers --workers-kill-timeout 15

# The example production settings have no keys, so they get fresh ones. No database is needed.
check: env
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/djlint templates --lint --quiet
	@DATABASE_URL=sqlite://:memory: $(PYTHON) manage.py makemigrations --check --dry-run --settings tests.settings
	@settings=$$(mktemp) && trap 'rm -f "$$settings"' EXIT && \
	  $(PYTHON) manage.py generate_keys >"$$settings" && \
	  grep -Ev '^(SECRET_KEY|SECRET_HASH_KEYS|TOKEN_SIGNING_KEYS)=' .env.example >>"$$settings" && \
	  ENV_FILE="$$settings" $(PYTHON) manage.py check --deploy --fail-level WARNING

bench: env
	$(PYTHON) -m tests.benchmarks $(BENCH_ARGS)

# Python 3.12 is the oldest that must install; the second file takes the first one's versions.
lock: env
	.venv/bin/uv pip compile $(LOCK_ARGS) $(COMPILE) --output-file requirements.txt pyproject.toml
	.venv/bin/uv pip compile $(LOCK_ARGS) $(COMPILE) --output-file requirements-dev.txt pyproject.toml \
	  --group dev --constraint requirements.txt

COMPILE := --quiet --universal --python-version 3.12 --generate-hashes --no-header --annotation-style line
