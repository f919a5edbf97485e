# make demo   build the sample dataset with the simulator engine and say where to look
# make test-fast  the tests that need no server and no torchrun, in under two minutes
# make check  lint, types, import floors and test-fast: before every commit
# make test   run all tests
# make docs   write docs/configuration.md anew from the code
# make gallery  draw docs/gallery/*.jpg: a frame of all that the simulator makes
# make server a standing Prefect server on PostgreSQL, its data in .server/ (docs/operations.md); PORT=N for another port
# Each makes its own environment first; PYTHON names the interpreter to make it with (3.11 or newer).
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test test-fast check format types docs gallery server lint install install-dev clean

demo: install
	$(BIN)/its build datasets/quickstart
	$(BIN)/its show datasets/quickstart

test: install-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --durations=20

test-fast: install-dev
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not system and not slow"

check: lint test-fast

format: install-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install-dev
	$(BIN)/python docs/configuration.py

gallery: install
	$(BIN)/python docs/gallery.py

server: install
	$(BIN)/python -m its_flows.server .server $(if $(PORT),--port $(PORT))

lint: install-dev types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Types and import floors. mypy does not follow an editable install of renamed folders: it is shown links.
types: install-dev
	@mkdir -p $(VENV)/types
	@ln -sfn ../../flows $(VENV)/types/its_flows
	@ln -sfn ../../tasks $(VENV)/types/its_tasks
	MYPYPATH=$(VENV)/types $(BIN)/mypy
	$(BIN)/lint-imports --no-cache

install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed: make PYTHON=python3.11 …"'
	$(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	$(BIN)/python -m its_core.engines.simulator.precompile || echo "The kernels are not compiled: the first build will do it."
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(PIP) -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build *.egg-info
