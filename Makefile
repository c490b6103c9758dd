.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV    := .venv
BIN     := $(VENV)/bin
RUNTIME := $(VENV)/base.stamp
DEV     := $(VENV)/dev.stamp $(VENV)/test-data.stamp
INSTALL  = $(BIN)/uv pip install --python $(BIN)/python
SIDE_BY_SIDE = -n 4 --dist loadfile
LOCK     = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-annotate \
           --no-emit-index-url --custom-compile-command "make lock" --quiet $(UPGRADE)

# $(call quietly,COMMAND) runs a command, and prints what it prints only if it fails.
quietly = @output=$$($(1) 2>&1) || { status=$$?; printf '%s\n' "$$output" >&2; exit $$status; }

# Kept bytecode lies in git-ignored places; without it, each process that starts compiles TensorFlow anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run demo setup test test-slow chaos check format bench lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNTIME) ## Set up and start the service on http://127.0.0.1:8000
	@$(BIN)/graphfit serve

demo: $(RUNTIME) ## Train a model with three inputs through the API, from nothing
	@$(BIN)/python -m examples.demo

setup: $(DEV) ## Create .venv with everything for development

test: $(DEV) ## Run the quick tests (ARGS="..." goes to pytest)
	$(BIN)/python -m pytest -m "not slow" $(SIDE_BY_SIDE) $(ARGS)

test-slow: $(DEV) ## Run the slow tests, all of them (ARGS="..." goes to pytest)
	$(BIN)/python -m pytest -m slow -n auto --maxprocesses 2 $(ARGS)

chaos: $(DEV) ## Run 200 jobs while faults are injected (SEED=... and JOBS=... choose another run)
	$(BIN)/python -m tests.chaos $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(ARGS)

check: $(DEV) ## Check style, types, import rules and generated files
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m api.write_openapi --check
	$(BIN)/python -m api.compare_openapi
	$(BIN)/python -m docs.generate_settings --check
	$(BIN)/python -m docs.generate_architecture --check

format: $(DEV) ## Format the code, mend what ruff can mend, regenerate what is generated
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	$(BIN)/python -m api.write_openapi
	$(BIN)/python -m docs.generate_settings
	$(BIN)/python -m docs.generate_architecture
	$(BIN)/python -m docs.generate_layers
	$(BIN)/python -m docs.generate_components

bench: $(DEV) ## Measure speed beside its yardsticks
	$(BIN)/python -m benchmarks.run $(ARGS)

# Pins are kept where they still fit; `make lock UPGRADE=--upgrade` takes the newest of everything.
lock: $(VENV)/bootstrap.stamp ## Write the hashed lock files in requirements/
	$(LOCK) pyproject.toml --group dev --group bootstrap -o requirements/dev.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/base.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt --extra gpu -o requirements/gpu.txt
	$(LOCK) --group bootstrap -c requirements/dev.txt -o requirements/bootstrap.txt
	$(LOCK) --no-deps requirements/test-data.in -o requirements/test-data.txt
	$(LOCK) tests/clients/python/requirements.in -o tests/clients/python/requirements.txt
	$(LOCK) tests/clients/schemathesis/requirements.in -o tests/clients/schemathesis/requirements.txt

clean: ## Remove the environment, caches and build outputs (kept data stays)
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis \
		.import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bootstrap.stamp: requirements/bootstrap.txt
	@python3 -c 'import sys; (3, 11) <= sys.version_info < (3, 14) or \
		sys.exit("Graphfit needs Python 3.11, 3.12 or 3.13; python3 is " + sys.version)'
	@echo 'Creating $(VENV) ...'
	$(call quietly,python3 -m venv $(VENV))
	$(call quietly,$(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r $<)
	@touch $@

$(VENV)/%.stamp: requirements/%.txt pyproject.toml $(VENV)/bootstrap.stamp
	@echo 'Installing $< (the first time this downloads 700 MB: a minute or two) ...'
	$(call quietly,$(INSTALL) --require-hashes -r $<)
	@echo 'Installing graphfit ...'
	$(call quietly,$(INSTALL) --no-deps --no-build-isolation -e .)
	@touch $@

# Without their dependencies: only the files of these packages are read, and pandas slows every import of Keras.
$(VENV)/test-data.stamp: requirements/test-data.txt $(VENV)/dev.stamp
	$(call quietly,$(INSTALL) --no-deps --require-hashes -r $<)
	@touch $@
