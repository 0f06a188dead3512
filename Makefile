# make demo    creates .venv, installs Mossy, runs the main job on an example and prints where the report lies
# make test    creates .venv if needed and runs every check that CI runs
# make bench   measures Mossy beside PyBaMM; make bench-spectra beside impedance.py and pyimpspec; bench-cycling, bench-xps
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo install test test-all check bench bench-spectra bench-cycling bench-xps clean

demo: install
	mkdir -p results/lithium_copper
	$(BIN)/mossy new lithium-copper > results/lithium_copper/case.toml
	$(BIN)/mossy run results/lithium_copper/case.toml --out results/lithium_copper

install: $(VENV)/installed
test: check
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: check
	$(BIN)/python -m pytest -n 2

check: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/installed-test
	$(BIN)/python benchmarks/run.py

bench-spectra: $(VENV)/installed-test
	$(PIP) install --quiet --constraint constraints.txt --editable ".[spectra-peers]"
	$(BIN)/python benchmarks/spectra.py

bench-cycling: $(VENV)/installed-test
	$(BIN)/python benchmarks/cycling.py

bench-xps: $(VENV)/installed-test
	$(BIN)/python benchmarks/xps.py

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable .
	touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable ".[test,peers]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) results
