# Targets: demo, test, check, wheels, clean. Everything runs in .venv, which is made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check lint wheels clean

# The whole path on drawn products: draw, train, convert, evaluate, tag, bench, report.
demo: $(READY)
	$(BIN)/edge-tagger demo --out demo

# What must hold before a commit: lint, types (as one of the tests), tests, coverage.
test: lint
	$(BIN)/pytest --cov --cov-report=term:skip-covered

# Lint and types alone.
check: lint
	$(BIN)/pytest -q tests/structure/test_types.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Build the wheel and import it, without the training extra, on every Python of setup.cfg that is found.
wheels:
	.ci/wheels

clean:
	rm -rf $(VENV) build demo dist .coverage .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e ".[train,dev]"
	touch $(READY)
