# Written for GNU make 3.81 (macOS) and newer. Everything that is created here lies in .venv and build.

PYTHON ?= python3
VENV ?= .venv
# Processes for the tests.
WORKERS ?= 2
# How long `make run` runs; until Ctrl-C if empty.
RUN_SECONDS ?=
# Extra arguments for pytest, e.g. make test ARGS="tests/decoders -k csv"
ARGS ?=

BIN := $(VENV)/bin
LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.ready-bench
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# uv writes the locks, and only them.
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --upgrade

.PHONY: help run test soak lint format bench lock schemas docs clean

help:
	@echo 'make run      the consumer on a sample changefeed that keeps growing; Ctrl-C ends it'
	@echo 'make test     all tests, in random order'
	@echo 'make soak     the program killed a hundred times on each kind of feed, and long outages; half an hour'
	@echo 'make lint     ruff, mypy --strict, import contracts'
	@echo 'make format   let ruff put the code in order'
	@echo 'make bench    against other scanners on the same files (BENCH_MB=100 for a quick look)'
	@echo 'make bench-watch the running consumer against bare loops over the same feeds'
	@echo 'make soak     crash tests in full: a hundred kills for each kind of feed'
	@echo 'make schemas  schemas/ from the types'
	@echo 'make docs     docs/reference/ from the program'
	@echo 'make lock     requirements/ from pyproject.toml; needs uv'
	@echo 'make clean    remove .venv and build'

# The consumer on a sample changefeed that grows beside it. Ctrl-C ends both; RUN_SECONDS=20 ends them by itself.
run: $(READY)
	@sh tools/run.sh '$(CURDIR)/$(BIN)' '$(CURDIR)/build/run' $(RUN_SECONDS)

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: $(BENCH_READY)
	$(BIN)/python -m benchmarks.run

bench-watch: $(READY)
	$(BIN)/python -m benchmarks.watch.run

# Kills by the hundred, for some twenty minutes; `make test` has a short form.
soak: $(READY)
	$(BIN)/python -m tests.soak.full
	AUDITOR_SOAK=full $(BIN)/python -m pytest $(ARGS) tests/soak

schemas: $(READY)
	$(BIN)/python -m tools.schemas

docs: $(READY)
	$(BIN)/python -m tools.reference

# build.txt and watch.txt are what docker/Dockerfile installs, at the versions that are tested.
lock:
	$(COMPILE) --extra bucket --extra watch --extra test --extra lint --group build --output-file requirements/lock.txt pyproject.toml
	$(COMPILE) --group bench --output-file requirements/bench.txt
	$(COMPILE) --group build --constraint requirements/lock.txt --output-file requirements/build.txt
	$(COMPILE) --extra watch --constraint requirements/lock.txt --output-file requirements/watch.txt pyproject.toml

clean:
	rm -rf $(VENV) build

$(LOCKED): requirements/lock.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'auditor needs Python 3.11 or newer; $(PYTHON) is' "`$(PYTHON) --version 2>&1`."; \
		echo 'Name another: make PYTHON=python3.13'; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	$(PIP) install --require-hashes --requirement requirements/lock.txt
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(BENCH_READY): requirements/bench.txt $(READY)
	$(PIP) install --require-hashes --requirement requirements/bench.txt
	@touch $@
