# Two commands matter: `make demo` and `make test`. Both work on a machine that has
# nothing but Python >= 3.11 with venv, and a package index that pip is set up for.

PYTHON ?= python3
VENV ?= .venv
TORCH ?=
CLIENTS ?=
ARGS ?=

BIN := $(VENV)/bin
# -qq: errors only. --no-compile: byte-compiling every file of every dependency takes
# as long as the installation itself, and Python does it for those that are imported.
PIP_INSTALL := $(BIN)/python -m pip install -qq --no-compile
# requirements.lock was made on Python 3.11; other versions resolve for themselves.
CONSTRAINTS = $$($(BIN)/python -c 'import sys; print("-c requirements.lock" * (sys.version_info[:2] == (3, 11)))')
INPUTS := pyproject.toml requirements.lock

TESTS_READY := $(VENV)/.ready-tests
ifeq ($(TORCH),1)
TESTS_READY += $(VENV)/.ready-torch
export CIRCUITZOO_TORCH := 1
endif
ifeq ($(CLIENTS),1)
TESTS_READY += $(VENV)/.ready-clients
export CIRCUITZOO_CLIENTS := 1
endif

# Tests start many processes. Without the bytecode that the first one writes, each of
# them compiles what it imports: 20 CPU seconds instead of 9 for TransformerLens.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test bench docs clean

help: ## this list
	@echo "circuitzoo: transformers with known circuits"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16
	@echo "  PYTHON=...    the interpreter .venv is made from (python3; 3.11 or later)"
	@echo "  TORCH=1       'make test' with PyTorch and TransformerLens as well"
	@echo "  CLIENTS=1     'make test' with nnsight, pyvene, SAELens and Captum as well"

demo: $(VENV)/.ready-run ## install, then compile, verify, run and patch a sort (INPUT='[3,1,2]')
	@$(BIN)/python -m zoo.demo $${INPUT:+--input "$$INPUT"}

test: $(TESTS_READY) ## install, then lint, types and tests (ARGS='-k name' goes to pytest)
	@echo "ruff check"
	@$(BIN)/ruff check .
	@echo "ruff format --check"
	@$(BIN)/ruff format --check .
	@echo "pyright"
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --pythonpath $(BIN)/python
	@echo "pytest"
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(VENV)/.ready-run ## measure compile time, sizes and run speed (ARGS go to benchmarks)
	@$(BIN)/python -m benchmarks $(ARGS)

docs: $(TESTS_READY) ## install, then build the documentation as a site in out/docs
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "out/docs/index.html"

clean: ## remove .venv, caches and build outputs; out/ and runs/ stay
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find compiler programs zoo tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# A stamp is written when its step is complete, so an interrupted one starts again.
$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "$$($(PYTHON) --version 2>&1) is too old: run make PYTHON=python3.11 (or later)" >&2; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear $(VENV) || { \
	  echo "'$(PYTHON) -m venv' failed: install it (on Debian: apt-get install python3-venv)" >&2; exit 1; }
	@touch $@

$(VENV)/.ready-run: $(VENV)/.made $(INPUTS)
	@if [ -e $(VENV)/.ready-tests ] && [ ! $(VENV)/.ready-tests -ot pyproject.toml ] \
	  && [ ! $(VENV)/.ready-tests -ot requirements.lock ]; then :; else \
	  echo "installing circuitzoo and its dependencies (1.1 GB on disk, about a minute)"; \
	  $(PIP_INSTALL) $(CONSTRAINTS) -e .; fi
	@touch $@

$(VENV)/.ready-tests: $(VENV)/.made $(INPUTS)
	@echo "installing circuitzoo, its dependencies and the test tools (1.3 GB on disk, about a minute)"
	@$(PIP_INSTALL) $(CONSTRAINTS) -e '.[tests]'
	@touch $@

# One exact torch, so that what is compared with it is compared with a known version.
# TransformerLens 3, which many tools still need, goes into a folder of its own.
$(VENV)/.ready-torch: $(VENV)/.made $(INPUTS)
	@echo "installing PyTorch and TransformerLens (1 GB more on disk, minutes where torch comes with CUDA)"
	@$(PIP_INSTALL) $(CONSTRAINTS) -e '.[torch]' 'torch==2.13.0'
	@rm -rf $(VENV)/lens3
	@$(PIP_INSTALL) --no-deps --target $(VENV)/lens3 'transformer_lens>=3,<4' better-abc fancy-einsum
	@touch $@

# SAELens needs TransformerLens 3, so this replaces version 4 where TORCH=1 installed it.
$(VENV)/.ready-clients: $(VENV)/.made $(INPUTS)
	@echo "installing nnsight, pyvene, SAELens and Captum (2 GB more on disk)"
	@$(PIP_INSTALL) $(CONSTRAINTS) -e '.[clients]' 'torch==2.13.0'
	@touch $@
