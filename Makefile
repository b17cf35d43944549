# The house: `make` prints what there is. Everything lives in .venv and var/; both may be deleted.

SHELL := /bin/sh
# Tests start some hundreds of processes: each would compile the whole source again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
# Half of the time tests wait: for pages, for programs to start, for what was killed to come back.
WORKERS ?= $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: help
help: ## Print this help
	@echo "Guichet, a payment gateway. Targets:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1@/p' $(MAKEFILE_LIST) | awk -F@ '{ printf "%-14s %s\n", $$1, $$2 }'
	@echo "PYTHON=python3.12 make … chooses the Python (3.11 to 3.13); GUICHET_PORT, GUICHET_DATA_DIR"
	@echo "and the other settings of docs/settings.md come from the environment."

.PHONY: run
run: .venv/stamp-runtime ## Start everything on http://127.0.0.1:8000 with its own database
	@exec $(BIN)/guichet run

.PHONY: test
test: .venv/stamp-dev ## Run all tests (TESTS="tests/house -k size" chooses)
	@$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(TESTS)

.PHONY: fuzz
fuzz: .venv/stamp-dev ## Send 20,000 requests made from the OpenAPI documents (FUZZ_REQUESTS, FUZZ_SEED)
	@FUZZ_REQUESTS=$${FUZZ_REQUESTS:-20000} FUZZ_SEED=$${FUZZ_SEED:-$$(date +%s)} \
		$(BIN)/python -m pytest -q -n 2 --timeout=0 --log-level=INFO -rP tests/wire -k generated

.PHONY: check
check: .venv/stamp-dev ## Check format, lint, types and import direction
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: .venv/stamp-dev ## Format the code and fix what lint can fix
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

.PHONY: bench
bench: .venv/stamp-bench ## Measure against the ceilings (docs/performance.md)
	@$(BIN)/python -m bench

.PHONY: audit
audit: .venv/stamp-audit ## Look for known holes in packages, risky code, secrets in the tree
	@.venv/audit/bin/python -m supply

.PHONY: sbom
sbom: .venv/stamp-audit ## Write the bill of materials of a release (CycloneDX) to build/sbom.json
	@mkdir -p build
	@.venv/audit/bin/python -W ignore -m cyclonedx_py requirements --output-reproducible \
		--pyproject pyproject.toml --output-file build/sbom.json requirements/runtime.txt
	@echo "build/sbom.json"

.PHONY: torture
torture: .venv/stamp-runtime ## Faults for an hour and a half, before a release (docs/reliability.md)
	@exec $(BIN)/guichet torture --set B --report var/torture.json

.PHONY: lock
lock: .venv/lock/bin/pip-compile ## Choose the newest dependencies and pin them with their hashes
	@for part in build runtime dev bench audit; do \
		PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS= .venv/lock/bin/pip-compile --quiet --upgrade \
			--generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
			--no-emit-index-url --no-emit-find-links --no-emit-options \
			--output-file requirements/$$part.txt requirements/$$part.in || exit 1; \
	done

.PHONY: clean
clean: ## Delete the virtual environment and caches (not var/, which holds the data)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Stamps: each installs once, and again only when its pins change ---------------------------------

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "Guichet needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is not: say which with" \
			"PYTHON=python3.12 make ..." >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { \
		echo "$(PYTHON) cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2; \
		rm -rf .venv; exit 1; }

.venv/stamp-runtime: requirements/build.txt requirements/runtime.txt pyproject.toml | .venv/bin/python
	@echo "Installing what Guichet needs into .venv"
	@$(INSTALL) -r requirements/build.txt -r requirements/runtime.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-index --no-deps \
		--no-build-isolation --editable .
	@touch $@

.venv/stamp-dev: requirements/dev.txt .venv/stamp-runtime
	@echo "Installing the tools of its developers into .venv"
	@$(INSTALL) -r requirements/dev.txt
	@touch $@

.venv/stamp-bench: requirements/bench.txt .venv/stamp-dev
	@$(INSTALL) -r requirements/bench.txt
	@touch $@

# The auditors' own packages stay apart from those that they judge.
.venv/stamp-audit: requirements/audit.txt | .venv/bin/python
	@$(PYTHON) -m venv .venv/audit
	@.venv/audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r requirements/audit.txt
	@touch $@

.venv/lock/bin/pip-compile: | .venv/bin/python
	@$(PYTHON) -m venv .venv/lock
	@.venv/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2
