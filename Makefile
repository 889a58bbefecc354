# `make run` runs the main job, `make test` everything that is tested; both make the environment they need.
BACKEND ?= jax
PYTHON ?= python3
export MLFLOW_TRACKING_URI ?= sqlite:///mlflow.db

BIN := .venv/bin
PARAMETERS ?=

.PHONY: env run stack test lint format clean

env: .venv/.$(BACKEND)

# Each backend has a stamp: the environment grows by what is asked for, and again when a version changes.
.venv/.%: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[$*,test]'
	touch $@

run: env
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/mlflow run . --env-manager local --experiment-name cosmogan \
	    -P backend=$(BACKEND) $(PARAMETERS)

# PostgreSQL, an MLflow server and Optuna's dashboard on this machine; docs/scale.md says what for.
stack: env .venv/.stack
	KERAS_BACKEND=$(BACKEND) $(BIN)/python -m cosmogan_k3.tuning.stack

# Two processes of one thread each: with a pool of threads for each core they would wait for one another.
test: export OMP_NUM_THREADS = 1
test: export TF_NUM_INTRAOP_THREADS = 1
test: .venv/.jax .venv/.tensorflow .venv/.torch
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist loadscope -m "not backend"
	for backend in jax tensorflow torch; do \
	    KERAS_BACKEND=$$backend $(BIN)/python -m pytest -n 2 --dist loadscope -m backend || exit 1; \
	done

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: env
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf .venv build *.egg-info
