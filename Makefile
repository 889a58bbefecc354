# Every target makes the environment it needs: `make run`, `make check`, `make test`, `make docs`.
BACKEND ?= jax
PYTHON ?= python3
export MLFLOW_TRACKING_URI ?= sqlite:///mlflow.db

BIN := .venv/bin
PARAMETERS ?=
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

.PHONY: env run stack test soak check lint types coverage audit dist docs format clean

env: .venv/.$(BACKEND)

# One stamp per extra: an extra is installed on first use, and again when a version changes.
.venv/.%: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$*,test,dev]'
	touch $@

run: env
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/mlflow run . --env-manager local \
	    -P backend=$(BACKEND) $(PARAMETERS)

# PostgreSQL, an MLflow server and Optuna's dashboard on this machine: see docs/howto/studies.md.
stack: env .venv/.stack
	KERAS_BACKEND=$(BACKEND) $(BIN)/python -m cosmogan_k3.tuning.stack

# Two test processes of one thread each: more threads than cores would slow both down.
test check coverage: export OMP_NUM_THREADS = 1
test check coverage: export TF_NUM_INTRAOP_THREADS = 1

# All tests, on all backends.
test: .venv/.jax .venv/.tensorflow .venv/.torch lint
	$(PYTEST) -m "not backend"
	for backend in jax tensorflow torch; do \
	    KERAS_BACKEND=$$backend $(PYTEST) -m backend || exit 1; \
	done

# Memory and open files of long trainings, and a database under many writers: about an hour.
soak: .venv/.jax .venv/.tensorflow .venv/.torch
	$(BIN)/python benchmarks/soak.py

# The quick tests, for use while you work.
check: env lint
	$(PYTEST) -m "not backend and not slow"

# Of the tests that need no backend, which cover 65 %: the networks are tested with a backend.
FLOOR ?= 63
coverage: env
	$(PYTEST) -m "not backend" --cov --cov-report=term --cov-fail-under=$(FLOOR)

lint: env types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy

# Known vulnerabilities of the pinned packages.
audit: env
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/python .ci/audit.py

# Wheel and sdist, in dist/; the wheel is installed without extras in a new environment, and used.
dist: env
	.ci/dist $(BIN)/python

# The site, in docs/_build/html; a browser then looks at its pages.
docs: env
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html
	$(BIN)/python -m pytest -q tests/docs/test_site.py

# Execute the tutorials, and store their outputs.
tutorials: env
	KERAS_BACKEND=$(BACKEND) $(BIN)/python docs/notebooks.py docs/tutorials/*.ipynb

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build dist docs/_build docs/generated *.egg-info .mypy_cache .ruff_cache
