# make demo   train, evaluate and export on synthetic people; writes runs/demo/report.md
# make test   run the tests
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := requirements.txt requirements-people.txt requirements-people-body.txt

.PHONY: demo test
.DELETE_ON_ERROR:

demo: $(VENV)/demo-installed
	$(BIN)/python examples/demo.py

test: $(VENV)/test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest

$(VENV)/demo-installed: $(CORE)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet -r requirements.txt -r requirements-people.txt
	$(BIN)/pip install --quiet --no-deps -r requirements-people-body.txt
	touch $@

$(VENV)/test-installed: $(VENV)/demo-installed requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@
