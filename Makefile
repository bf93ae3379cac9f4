# Two commands matter: make demo, make test. Each does all its set-up on a virtual environment of its own.
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
READY := .venv/ready
PYTEST := $(RUN) -m pytest

# The demo's server lives in the checkout, and disturbs no other installation.
demo: export AGENTADM_HOME := $(CURDIR)/.agentadm

.PHONY: demo test test-pg16 test-pg15 coverage lint format bench docs lock clean

demo: $(READY)
	@$(RUN) -m cli demo
	@echo 'To go on in this shell: source .venv/bin/activate' >&2

test: $(READY)
	@$(PYTEST)

test-pg16: $(READY)
	@AGENTADM_TEST_POSTGRES=16 $(PYTEST)

# PostgreSQL 15 is not in the wheel: Debian's package postgresql-15, or another folder with its programs.
POSTGRES_15 ?= /usr/lib/postgresql/15/bin
test-pg15: $(READY)
	@test -x "$(POSTGRES_15)/postgres" || { echo "no PostgreSQL 15 in $(POSTGRES_15): install postgresql-15, or set POSTGRES_15" >&2; exit 1; }
	@AGENTADM_TEST_POSTGRES="$(POSTGRES_15)" $(PYTEST)

coverage: $(READY)
	@$(PYTEST) --cov --cov-report=term:skip-covered --cov-report=html

lint: $(READY)
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(BIN)/lint-imports --config pyproject.toml --no-cache --no-logo
	@$(RUN) tools/check_source.py

format: $(READY)
	@$(RUN) -m ruff check --fix .
	@$(RUN) -m ruff format .

bench: $(READY)
	@$(RUN) -m benchmarks

docs: $(READY)
	@$(RUN) -m tools.write_docs

# Universal, so that one lock serves every Python and platform; no registry is named in it.
LOCK := $(RUN) -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml
lock: $(READY)
	@$(LOCK) -o requirements.lock
	@$(LOCK) --group dev -o requirements-dev.lock

$(READY): requirements-dev.lock pyproject.toml
	@echo "setting up .venv (once) ..."
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=python3.11 or the like")'
	@$(PYTHON) -m venv .venv
	@$(RUN) -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(RUN) -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

clean:
	rm -rf .venv .agentadm .mypy_cache .ruff_cache .pytest_cache htmlcov dist build
