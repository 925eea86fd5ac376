# The project's commands. `make` alone lists them.
#
#   PYTHON=...       the interpreter to build the environment with (3.11 or newer; found by itself)
#   TORCH_INDEX=...  an extra package index for torch, for instance
#                    https://download.pytorch.org/whl/cpu where plain pip would bring CUDA
#   ARGS=...         more arguments for pytest, infini or a benchmark

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --constraint constraints.txt \
	$(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))
EXAMPLE := examples/the-brass-tolm.epub
BENCHMARKS := $(wildcard benchmarks/*.py)

# The first interpreter that runs and is new enough. A name on the PATH proves nothing: version
# managers leave stubs that only print an error.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo "$$python"; break; }; done)

.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test test-large check format docs fuzz crash bench clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

install: $(VENV)/.installed  ## set up .venv with infini in it

install-dev: $(VENV)/.installed-dev  ## the same, with the tools that tests and checks need

# Each step leaves a stamp, so a second call costs nothing. pip is pinned first: the one that
# comes with Python 3.11 knows no dependency groups.
$(VENV)/.created: constraints.txt
	@test -n "$(PYTHON)" || { echo "error: no Python 3.11 or newer was found" >&2; \
		echo >&2; echo "hint: install one, or name it: make install PYTHON=/path/to/python3" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --quiet --constraint constraints.txt pip
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml constraints.txt
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(INSTALL) --group dev
	@touch $@

demo: install  ## summarise the example novella (the first run downloads the default model, 1.1 GB)
	$(BIN)/infini summarize $(EXAMPLE) $(ARGS)

test: install-dev  ## run the tests
	$(BIN)/python -m pytest -m "not large_model" $(ARGS)

test-large: install-dev  ## run the tests that need the models' weights (fetches both, 1.2 GB)
	$(BIN)/infini models pull
	$(BIN)/infini models pull smollm2-135m-infini
	INFINI_TEST_MODELS="$$(dirname "$$($(BIN)/infini models path)")" \
		$(BIN)/python -m pytest -m "large_model or small_model" $(ARGS)

check: install-dev  ## lint, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: install-dev  ## repair what ruff can repair
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: install-dev  ## write the command reference again and check every page
	$(BIN)/python docs/reference/generate.py
	$(BIN)/python -m pytest tests/project/test_docs.py $(ARGS)

fuzz: install-dev  ## read thousands of damaged books (ARGS="--mutants 5000 --kind pdf")
	$(BIN)/python -m tests.reading.fuzz $(ARGS)

crash: install-dev  ## kill infini at random moments (ARGS="--kills 50 --full 20"; --full needs root)
	$(BIN)/python -m tests.crashes $(ARGS)

bench: install  ## run every benchmark
	@test -n "$(BENCHMARKS)" || echo "there are no benchmarks yet"
	@set -e; for benchmark in $(BENCHMARKS); do \
		echo "== $$benchmark"; $(BIN)/python "$$benchmark" $(ARGS); done

clean:  ## remove the environment and what tools left behind
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
