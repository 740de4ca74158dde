# Every target except `help` and `image` depends on `env`, which does nothing while the lock file is unchanged.

HOST        ?= 127.0.0.1
PORT        ?= 8000
WORKERS     ?= 2
PYTEST_ARGS ?=
LOCK_ARGS   ?=
IMAGE       ?= portal:latest
IMAGE_ARGS  ?=

PYTHON := .venv/bin/python
LOCKED := .venv/.locked

.PHONY: help env demo test migrate serve image check images bench lock

help:
	@echo 'make env     the locked environment, in .venv'
	@echo 'make demo    a demo database, the portal and an example third party (PORT)'
	@echo 'make test    the tests (DATABASE_URL, CACHE_URL, PYTEST_ARGS)'
	@echo 'make migrate the database tables, as this version needs them; a step of each deployment'
	@echo 'make serve   the production server (HOST, PORT, WORKERS); does not migrate'
	@echo 'make image   a container image, with podman, docker or buildah (IMAGE, IMAGE_ARGS="--build-arg BASE=…")'
	@echo 'make check   lint, types, templates, migrations, deployment settings'
	@echo 'make images  the pictures in the README, drawn from the demo (needs Chromium)'
	@echo 'make bench   the benchmarks (BENCH_ARGS="endpoints variants purge pages scale")'
	@echo 'make lock    requirements*.txt from pyproject.toml (LOCK_ARGS=--upgrade for newer versions)'

env: $(LOCKED)

# A pyenv shim can name a missing Python, and Debian's Python lacks ensurepip. Run each candidate to find out.
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
	$(PYTHON) -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

migrate: env
	$(PYTHON) manage.py migrate --noinput

# Compile the bytecode first, so that workers also start fast where PYTHONDONTWRITEBYTECODE is set.
# More than two threads per worker only wait for the interpreter lock. Failed workers are restarted. On SIGTERM,
# running requests get fifteen seconds, so a client that never finishes its request cannot block the stop.
serve: env
	@$(PYTHON) manage.py collectstatic --noinput --verbosity 0
	@$(PYTHON) -m compileall -qq accounts apicredentials portal || true
	@exec $(PYTHON) -m portal.server portal.wsgi:application --interface wsgi --no-ws --no-access-log \
	  --host $(HOST) --port $(PORT) --workers $(WORKERS) --blocking-threads 2 \
	  --respawn-failed-workers --workers-kill-timeout 15

# The Docker format, because the OCI format has no HEALTHCHECK; docker itself knows no other.
image:
	@for tool in podman docker buildah; do \
	  if $$tool info >/dev/null 2>&1; then found=$$tool; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo 'make image: needs podman, docker or buildah; none works here' >&2; exit 1; fi; \
	if [ $$found != docker ]; then format='--format docker'; fi; \
	set -x; $$found build $$format --file Containerfile --tag $(IMAGE) \
	  --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null || echo unknown) $(IMAGE_ARGS) .

# Run check --deploy on the example settings with fresh keys, because the example has none. Needs no database.
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

images: env
	$(PYTHON) tests/images.py

bench: env
	$(PYTHON) -m tests.benchmarks $(BENCH_ARGS)

# Python 3.12 is the oldest supported version. requirements-dev.txt uses the versions of requirements.txt.
lock: env
	.venv/bin/uv pip compile $(LOCK_ARGS) $(COMPILE) --output-file requirements.txt pyproject.toml
	.venv/bin/uv pip compile $(LOCK_ARGS) $(COMPILE) --output-file requirements-dev.txt pyproject.toml \
	  --group dev --constraint requirements.txt

COMPILE := --quiet --universal --python-version 3.12 --generate-hashes --no-header --annotation-style line
