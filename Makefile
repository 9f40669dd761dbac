# make demo: a talking face in curve files.  make studio: one in a browser.  make test: the tests.
# All build .venv first.
PYTHON ?= python3
BIN := .venv/bin
VOXRIG := $(BIN)/voxrig
PAGE := service/voxrig/studio/page/index.html

.PHONY: demo studio test lint proto bench bench-service bench-bridges bench-batch bench-render bench-studio studio-build clean

demo: .venv/demo.stamp
	@mkdir -p out
	@$(VOXRIG) animate samples/hello.wav --rig arkit --out out/hello.arkit.csv
	@$(VOXRIG) animate samples/hello.wav --rig metahuman --out out/hello.metahuman.csv
	@$(VOXRIG) animate samples/hello.wav --format livelink-csv --out out/hello.livelink.csv
	@$(VOXRIG) animate samples/hello.wav --rig arkit --out out/hello.json
	@$(VOXRIG) plot samples/hello.wav --out out/hello.png

test: .venv/dev.stamp
	$(BIN)/python -m pytest

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A page on which a face speaks while you tune it.
studio: .venv/studio.stamp $(PAGE)
	@$(VOXRIG) studio

# The page itself; wants node and npm.
studio-build:
	npm ci --silent --ignore-scripts --no-audit --no-fund --prefix engine_bridges/web/studio
	npm run --silent build --prefix engine_bridges/web/studio

# Stubs of the .proto files, by the oldest toolchain that is supported.
proto: .venv-proto/stamp
	.venv-proto/bin/python proto/generate.py
	.venv-proto/bin/buf lint proto

.venv-proto/stamp:
	@$(PYTHON) -m venv .venv-proto
	@.venv-proto/bin/python -m pip install --quiet --disable-pip-version-check grpcio-tools==1.74.0 buf-bin
	@touch $@

bench: .venv/dev.stamp
	$(BIN)/python tests/bench/bench_animate.py
	$(BIN)/python tests/bench/bench_formats.py

bench-service: .venv/dev.stamp
	$(BIN)/python tests/bench/bench_service.py

bench-bridges: .venv/dev.stamp
	$(BIN)/python tests/bench/bench_bridges.py

bench-batch: .venv/dev.stamp
	$(BIN)/python tests/bench/bench_batch.py

bench-render: .venv/dev.stamp
	$(BIN)/python tests/bench/bench_mesh.py
	$(BIN)/python tests/bench/bench_splat.py
	$(BIN)/python tests/bench/bench_portrait.py
	$(BIN)/python tests/bench/bench_render.py

bench-studio: .venv/dev.stamp
	$(BIN)/python tests/bench/bench_studio.py
	$(BIN)/python tests/bench/bench_studio_page.py

clean:
	rm -rf .venv .venv-* out build dist *.egg-info

# The GPU build of ONNX Runtime instead: make demo EXTRA=gpu
EXTRA ?= cpu

.venv/demo.stamp: pyproject.toml
	@echo "building .venv"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRA),plot]'
	@touch $@

.venv/studio.stamp: .venv/demo.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRA),plot,text,studio,tts,render]'
	@touch $@

$(PAGE): $(shell find engine_bridges/web/studio/src engine_bridges/web/src -type f) engine_bridges/web/studio/package-lock.json
	@echo "building the page"
	@$(MAKE) --no-print-directory studio-build

.venv/dev.stamp: .venv/demo.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[$(EXTRA),text,plot,dev]'
	@touch $@
