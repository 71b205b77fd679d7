# Targets: demo, test, check, release-model, formats, wheels, benchmarks, device-table, clean. They run in .venv, made on first use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check lint release-model formats wheels benchmarks device-table clean

# The whole path on drawn products: draw, train, convert, evaluate, tag, bench, report.
demo: $(READY)
	$(BIN)/edge-tagger demo --out demo

# What must hold before a commit: lint, types (as one of the tests), tests, coverage.
test: lint
	$(BIN)/pytest --numprocesses auto --dist loadfile --cov --cov-report=term:skip-covered

# Lint and types alone.
check: lint
	$(BIN)/pytest -q tests/structure/test_types.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The packaged model, its float16 and its card, from DATA (a CSV) and WEIGHTS. Stopped, it goes on where it was.
# First one head learns with the network, then two beside it. Of both kinds of int8 the card tells what they lose, however much.
RUN ?= runs/release
FIRST := $(RUN)-first-head
release-model: $(READY)
	@test -n "$(DATA)" && test -n "$(WEIGHTS)" || { echo "usage: make release-model DATA=products.csv WEIGHTS=FILE" >&2; exit 2; }
	$(BIN)/edge-tagger train "$(DATA)" --recipe fashion --weights "$(WEIGHTS)" --out $(FIRST) --resume
	test -f $(FIRST)/product-tagger-float16.tflite || $(BIN)/edge-tagger convert $(FIRST) --float16 --out $(FIRST)
	$(BIN)/edge-tagger train "$(DATA)" --recipe fashion-second-head --weights $(FIRST)/product-tagger-float16.tflite \
		--out $(RUN) --resume
	mkdir -p $(RUN)/models $(RUN)/models/post-training $(RUN)/models/qat
	$(BIN)/edge-tagger convert $(RUN) --float32 --float16 --int8 --layers --out $(RUN)/models
	$(BIN)/edge-tagger convert $(RUN) --int8 --quantized post-training --max-drop 100 --out $(RUN)/models/post-training
	$(BIN)/edge-tagger convert $(RUN) --int8 --quantized qat --max-drop 100 --out $(RUN)/models/qat
	$(BIN)/python -m edge_tagger.train.model_card $(RUN) $(RUN)/models/product-tagger-float32.tflite \
		$(RUN)/models/product-tagger-float16.tflite $(RUN)/models/post-training/product-tagger-int8.tflite \
		$(RUN)/models/qat/product-tagger-int8.tflite --data "$(DATA)" --split test \
		--notes train/fashion_card.toml --out edge_tagger/models/README.md
	cp $(RUN)/models/product-tagger-int8.tflite $(RUN)/models/product-tagger-float16.tflite edge_tagger/models/

# Every format of a run's model side by side, on the test split of DATA, and what converting costs.
formats: $(READY)
	$(BIN)/python tests/convert/formats_table.py $(RUN) "$(DATA)"

# Build the wheel and import it, without the training extra, on every Python of setup.cfg that is found.
wheels:
	.ci/wheels

# The on-device library against bare LiteRT and MediaPipe Tasks, on drawn photos or on those of DATA: docs/library.md.
benchmarks:
	.ci/benchmarks $(if $(DATA),--data "$(abspath $(DATA))")

# The device table of README.md: this machine, and an emulated arm64 device over ssh and adb. Root, and the packages that
# tests/arm/conftest.py names.
device-table: $(READY)
	@test -n "$(DATA)" || { echo "usage: make device-table DATA=products.csv" >&2; exit 2; }
	EDGE_TAGGER_DEVICE_DATA="$(abspath $(DATA))" EDGE_TAGGER_DEVICE_TABLE=$(CURDIR)/devices.md \
		$(BIN)/pytest -q -m arm tests/arm/devices/test_device_table.py && cat devices.md

clean:
	rm -rf $(VENV) .venv-mediapipe build demo devices.md dist .coverage .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --disable-pip-version-check -e ".[train,dev]"
	touch $(READY)
