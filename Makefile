# make demo          segment the bundled clip and a photograph with the bundled models -> mgca-demo.mp4, mgca-demo-cat.png
#                    (installs the lean runtime only)
# make test          what lint runs and the fast tests, then the slow ones (installs everything, PyTorch included)
# make test-fast     the fast tests only
# make test-commands the long ones of the documented commands, in small (half an hour)
# make test-compat   the demo and the runtime's fast tests in clean environments: every Python found here, newest and oldest libraries
# make lint          ruff, mypy, and the tests that compare committed files with each other
# make format        let ruff write the layout
# make docs          build the documentation -> site/
# make demo-assets   train, narrow, pool, slim, export and draw a demo checkpoint, bundle and clip, in runs/demo-assets/ (an hour or more)
# make results       measure the shipped bundle again -> benchmarks/results/*.json
# make lock          pin the development set -> requirements-dev.lock (UPGRADE=--upgrade: anew)
# make licenses      list the licenses of all packages -> docs/supply.md
# make sbom          bill of materials of what is installed (CycloneDX) -> sbom.json
# make audit         known vulnerabilities of what is pinned; asks a service on the network
# make clean         remove the environment and what builds leave behind
#
# Only Python (3.10 to 3.14) and make are needed; the rest goes into $(VENV).
# Another interpreter: make PYTHON=python3.12 test

VENV ?= .venv
BIN := $(VENV)/bin
# The first interpreter on the path that is supported.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1 && { echo $$p; break; }; done)

.PHONY: demo test test-fast test-commands test-compat lint static format docs demo-assets results lock licenses sbom audit clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed-lean
	$(BIN)/mgca-rt
	$(BIN)/mgca-rt --bundle photo --images runtime/assets/cat.jpg --classes cat --out mgca-demo-cat.png

# A file a worker, and a worker more than cores, since tests wait for processes that they start; to four. Threads of their
# own would only fight for the cores.
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1); echo $$(( n < 3 ? n + 1 : 4 )))
# A test that hangs ends its worker after so many seconds; the stacks of all threads were shown before
# (faulthandler_timeout in pyproject.toml). The longest takes half a minute on two idle cores.
TIMEOUT ?= 420
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q --timeout $(TIMEOUT) --timeout-method thread \
	--numprocesses $(WORKERS) --dist loadfile

test: static
	$(PYTEST) -m "not slow and not long"
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.slow --processes $(WORKERS) --timeout $(TIMEOUT)

test-fast: $(VENV)/.installed-dev
	$(PYTEST) -m "not slow and not lint and not long"

test-commands: TIMEOUT = 3600
test-commands: $(VENV)/.installed-dev
	$(PYTEST) -m long --durations=15

test-compat: $(BIN)/python
	$(BIN)/python -m tests.compat

lint: static
	$(PYTEST) -m lint

static: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The recipe demo, then the files that a package ships, made of it: all below runs/demo-assets/, nothing that is shipped
# is overwritten. An interrupted training goes on where it stopped. docs/provenance.md has how today's weights were made.
ASSETS := runs/demo-assets
CHECKPOINTS := $(BIN)/python -m training.checkpoints
demo-assets: $(VENV)/.installed-dev
	@mkdir -p $(ASSETS)
	$(BIN)/python -m training.run --runs $(ASSETS) $$(test -f $(ASSETS)/demo/last.pt && echo --resume latest || echo --config demo)
	$(CHECKPOINTS) narrow --from $(ASSETS)/demo/last.pt --clip mgca-narrow --out $(ASSETS)/narrow.pt
	$(CHECKPOINTS) distill --teacher $(ASSETS)/narrow.pt --size 288x216 --set model.pooled_blocks=6 --steps 240 --batch 8 --out $(ASSETS)/pooled.pt
	$(CHECKPOINTS) slim --checkpoint $(ASSETS)/pooled.pt --out $(ASSETS)/demo.pt
	$(BIN)/python -m export --checkpoint $(ASSETS)/demo.pt --out $(ASSETS)/demo_bundle
	$(BIN)/python -m training.data.streetworld clip --seed 1 --seconds 7 --out $(ASSETS)/demo.mp4

RESULTS := benchmarks/results
ACCURACY := $(BIN)/python -m benchmarks.accuracy --backend onnxruntime-cpu
FLICKER := $(BIN)/python -m benchmarks.flicker --backend onnxruntime-cpu
FEW_CLASSES := $(BIN)/python -m benchmarks.few_classes --backend onnxruntime-cpu
results: $(VENV)/.installed-dev
	$(ACCURACY) --json $(RESULTS)/streetworld.json
	$(ACCURACY) --seed 2026 --json $(RESULTS)/streetworld_seed_2026.json
	$(ACCURACY) --dataset streetworld-v1 --json $(RESULTS)/streetworld_v1.json
	$(ACCURACY) --scenes 600 --no-compositions --json $(RESULTS)/streetworld_600_scenes.json
	$(ACCURACY) --dataset demo-clip --json $(RESULTS)/demo_clip.json
	$(ACCURACY) --control mean-map --json $(RESULTS)/streetworld_mean_map.json
	$(ACCURACY) --control permuted-words --json $(RESULTS)/streetworld_permuted_words.json
	$(FEW_CLASSES) --dataset shipped-clip --classes person,car --json $(RESULTS)/shipped_clip_person_car.json
	if [ -d "$${CAMVID_ROOT:-../shared/data/camvid_val}" ]; then \
		$(ACCURACY) --dataset camvid --json $(RESULTS)/camvid.json; \
		$(ACCURACY) --dataset camvid --frames 51-101 --json $(RESULTS)/camvid_51_101.json; \
		$(FEW_CLASSES) --dataset camvid --classes person,car --rest sky,road --json $(RESULTS)/camvid_person_car.json; \
		$(FLICKER) --dataset camvid --json $(RESULTS)/flicker_camvid.json; \
		$(FLICKER) --dataset camvid --frames 51-101 --json $(RESULTS)/flicker_camvid_51_101.json; \
		$(BIN)/python -m benchmarks.still --dataset camvid --backend onnxruntime-cpu --json $(RESULTS)/still_camvid.json; fi
	$(BIN)/python -m benchmarks.latency --backend onnxruntime-cpu --json $(RESULTS)/latency.json
	$(BIN)/python -m benchmarks.frame_time --json $(RESULTS)/frame_time.json --figure docs/figures/frame_time.svg
	$(BIN)/python -m benchmarks.world_hardness --json $(RESULTS)/world_hardness.json
	$(BIN)/python -m benchmarks.still --backend onnxruntime-cpu --json $(RESULTS)/still_clip.json
	$(BIN)/python -m benchmarks.still --dataset still-clip-walked --backend onnxruntime-cpu --json $(RESULTS)/still_clip_walked.json
	$(FLICKER) --json $(RESULTS)/flicker_demo_clip.json --strip $(RESULTS)/figures/flicker.png
	$(FLICKER) --dataset shipped-clip --json $(RESULTS)/flicker_shipped_clip.json
	$(FLICKER) --dataset still-clip --json $(RESULTS)/flicker_still_clip.json
	$(BIN)/python -m benchmarks.overload --backend onnxruntime-cpu --json $(RESULTS)/overload.json
	$(BIN)/python -m benchmarks.word_memory --json $(RESULTS)/word_memory.json
	$(BIN)/python -m benchmarks.graph_cost --checkpoint training/assets/demo.pt --json $(RESULTS)/graph_cost_demo.json

# What is installed for this Python is what the tests ran with: it is pinned as it is.
SUPPLY := .venv-supply
lock: $(VENV)/.installed-dev $(SUPPLY)/.installed
	@at=$$($(BIN)/python -c 'import sys; print("%d.%d.*" % sys.version_info[:2])'); \
	$(BIN)/python -m pip --disable-pip-version-check list --format freeze | grep -v '^mgca==' \
		| sed "s/\$$/ ; python_full_version == \"$$at\"/" > $(SUPPLY)/installed.txt
	$(SUPPLY)/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.10 --generate-hashes \
		--no-annotate --constraint $(SUPPLY)/installed.txt --custom-compile-command "make lock" --quiet $(UPGRADE) --output-file requirements-dev.lock

licenses: $(VENV)/.installed-dev
	$(BIN)/python -m tests.supply

sbom: $(BIN)/python $(SUPPLY)/.installed
	$(SUPPLY)/bin/cyclonedx-py environment $(BIN)/python --pyproject pyproject.toml --output-reproducible --output-file sbom.json

audit: $(SUPPLY)/.installed
	$(SUPPLY)/bin/pip-audit --requirement requirements-dev.lock --require-hashes --disable-pip --strict

clean:
	rm -rf $(VENV) .venv-lean $(SUPPLY) sbom.json build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache

# An environment is made once; a stamp remembers what was installed from which pyproject.toml.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.10 or newer on the path; install one (up to 3.14) or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) .ci/make_environment.py $(VENV)

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# ONNX Runtime's two builds share one module, so only one may stay: that for CUDA where a GPU is seen.
define install
	$(PIP) install --editable '.$(1)'
	@if [ "$$(uname -sm)" = "Linux x86_64" ] && nvidia-smi -L 2>/dev/null | grep -q GPU; \
		then keep=onnxruntime-gpu other=onnxruntime; else keep=onnxruntime other=onnxruntime-gpu; fi; \
	if $(PIP) show $$other >/dev/null 2>&1; then echo "make: $$keep in place of $$other"; \
		$(PIP) uninstall --yes onnxruntime onnxruntime-gpu && $(PIP) install "$$keep>=1.20"; fi
endef

$(VENV)/.installed-lean: pyproject.toml | $(BIN)/python
	$(call install,)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@df -Pk . | awk 'NR == 2 && $$4 < 9500000 { printf "make: only %.1f GB are free here; PyTorch takes 7 GB, the tests 2 more\n", $$4 / 1e6 }' >&2
	$(call install,[dev])
	@touch $@ $(VENV)/.installed-lean

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(call install,[docs])
	@touch $@ $(VENV)/.installed-lean

$(SUPPLY)/.installed: | $(BIN)/python
	@$(BIN)/python .ci/make_environment.py $(SUPPLY)
	$(SUPPLY)/bin/python -m pip --quiet --disable-pip-version-check install 'uv>=0.9' 'cyclonedx-bom>=7' 'pip-audit>=2.9'
	@touch $@
