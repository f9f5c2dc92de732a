# make demo         segment the bundled clip with the bundled model -> mgca-demo.mp4 (installs the lean runtime only)
# make test         lint, then the fast tests, then the slow ones (installs everything, PyTorch included)
# make test-fast    the fast tests only
# make test-compat  the demo and the runtime's fast tests in clean environments: every Python found here, newest and oldest libraries
# make lint         ruff, mypy, and the tests that compare committed files with each other
# make format       let ruff write the layout
# make docs         build the documentation -> site/
# make demo-assets  train, export and draw the shipped demo checkpoint, bundle and clip again (hours)
# make results      measure the shipped bundle again -> benchmarks/results/*.json
# make clean        remove the environment and what builds leave behind
#
# Only Python (3.10 to 3.14) and make are needed; the rest goes into $(VENV).
# Another interpreter: make PYTHON=python3.12 test

VENV ?= .venv
BIN := $(VENV)/bin
# The first interpreter on the path that is supported.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python3.10 python; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' >/dev/null 2>&1 && { echo $$p; break; }; done)

.PHONY: demo test test-fast test-compat lint format docs demo-assets results clean
.DEFAULT_GOAL := demo

demo: $(VENV)/.installed-lean
	$(BIN)/mgca-rt

test: lint
	$(MAKE) test-fast
	$(BIN)/python -m pytest -q -m "slow and not lint" --durations=15

test-fast: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -q -m "not slow and not lint"

test-compat: $(BIN)/python
	$(BIN)/python -m tests.compat

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m lint

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet
	@echo "open site/index.html"

format: $(VENV)/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The lessons of the shipped model, one after the other: what a tower needs changes as it learns. The preset holds the first.
# What was shipped was made by these commands but for two things: at step 19,500 the optimiser's state was lost and began anew, and the
# last MGCA began at the last average as it had been shipped before, in half precision.
# The 5,530 steps of 256 took six minutes on an H200; on two cores, at 40 images a second, they would take ten hours.
TRAIN := $(BIN)/python -m training.run
RESUME := $(TRAIN) --resume runs/demo/last.pt
FINE := $(BIN)/torchrun --nproc_per_node 2 --standalone -m training.run
AVERAGE := $(BIN)/python -m training.checkpoints.interpolate
demo-assets: $(VENV)/.installed-dev
	$(TRAIN) --config demo --until 8500
	$(RESUME) --until 9500 --set pretrain.steps=19000 --set pretrain.noun_balance=0.3 --set pretrain.noun_smallest=0.03
	$(RESUME) --until 11022 --set pretrain.noun_smallest=0.02 --set pretrain.noun_omission=0.15 --set pretrain.color_sharpness=100
	$(RESUME) --until 13010 --set pretrain.steps=17000 --set pretrain.unmasked_share=0.06
	$(RESUME) --until 13512 --set pretrain.noun_balance=0.2
	$(RESUME) --until 19500 --set pretrain.steps=19500 --set pretrain.unmasked_share=0.05
	cp runs/demo/last.pt runs/demo/coarse.pt
	$(FINE) --resume runs/demo/coarse.pt --until 22070 --set pretrain.steps=28000 --set pretrain.batch=16 --set threads=1 --set data.workers=0 \
		--set "data.size_wh=[192,144]" --set "evaluation.size_wh=[192,144]" --set pretrain.learning_rate=0.0015 --set pretrain.noun_smallest=0.007
	$(FINE) --resume runs/demo/last.pt --until 23541 --set pretrain.steps=30500
	$(FINE) --resume runs/demo/last.pt --until 29000 --set pretrain.steps=29000 --set pretrain.unmasked_share=0.011
	$(AVERAGE) --from runs/demo/coarse.pt --to runs/demo/last.pt --share 0.65 --out runs/demo/between.pt
	$(FINE) --resume runs/demo/between.pt --until 1300 --set data.first_seed=928000 --set pretrain.steps=1300 --set pretrain.warmup=100 \
		--set pretrain.learning_rate=0.0002 --set pretrain.noun_smallest=0.012 --set pretrain.unmasked_share=0
	cp runs/demo/last.pt runs/demo/late.pt
	$(AVERAGE) --from runs/demo/coarse.pt --to runs/demo/late.pt --share 0.75 --out runs/demo/settled.pt
	$(FINE) --resume runs/demo/late.pt --until 9800 --set pretrain.steps=9800 --set pretrain.learning_rate=0.0007 --set pretrain.noun_smallest=0.01
	$(AVERAGE) --from runs/demo/settled.pt --to runs/demo/last.pt --share 0.5 --out runs/demo/between.pt
	$(BIN)/python -m training.checkpoints.deepen --from runs/demo/between.pt --clip mgca-small --out runs/demo/grown.pt
	$(TRAIN) --resume runs/demo/grown.pt --until 5530 --set data.first_seed=1250000 --set data.passes=6 --set data.window=400 --set data.workers=14 \
		--set threads=2 --set pretrain.steps=5530 --set pretrain.batch=256 --set pretrain.learning_rate=0.0015 --set pretrain.warmup=200 \
		--set pretrain.noun_balance=0.4 --set pretrain.unmasked_share=0.25
	cp runs/demo/last.pt runs/demo/big.pt
	$(AVERAGE) --from runs/demo/grown.pt --to runs/demo/big.pt --share 1 --out runs/demo/again.pt
	$(FINE) --resume runs/demo/again.pt --until 1896 --set data.first_seed=1490000 --set data.passes=1 --set data.workers=0 --set threads=1 \
		--set pretrain.steps=3600 --set pretrain.batch=16 --set pretrain.learning_rate=0.0004 --set pretrain.warmup=150 --set pretrain.unmasked_share=0 \
		--set model.prompts=both
	$(AVERAGE) --from runs/demo/big.pt --to runs/demo/last.pt --share 0.5 --out runs/demo/late.pt
	$(AVERAGE) --from runs/demo/grown.pt --to runs/demo/late.pt --share 0.6 --out runs/demo/between.pt
	$(TRAIN) --resume runs/demo/between.pt --set data.first_seed=1620000 --set pretrain.steps=0 --set threads=0 --set data.workers=1 \
		--set model.prompts=captions
	$(RESUME) --set model.prompts=seen --set "export_size_wh=[240,184]" --set units.space_width=32 --set units.embedding_weight=0.65 --set units.rounds=3
	$(BIN)/python -m training.checkpoints.slim --checkpoint runs/demo/last.pt --out runs/demo/before.pt
	$(AVERAGE) --from runs/demo/before.pt --to runs/demo/before.pt --share 1 --out runs/demo/again.pt
	$(FINE) --resume runs/demo/again.pt --until 600 --set data.first_seed=1950000 --set data.passes=2 --set data.window=300 --set data.workers=0 --set threads=1 \
		--set "data.size_wh=[128,96]" --set pretrain.steps=3300 --set pretrain.batch=32 --set pretrain.learning_rate=0.0003 --set pretrain.warmup=150 \
		--set pretrain.unmasked_share=0 --set "pretrain.tilings=[[2,2],[1,1]]" --set pretrain.noun_balance=0 --set pretrain.noun_smallest=0.004 \
		--set pretrain.noun_omission=0 --set model.prompts=both
	$(FINE) --resume runs/demo/last.pt --until 900 --set data.first_seed=2000000
	cp runs/demo/last.pt runs/demo/pieces900.pt
	$(FINE) --resume runs/demo/last.pt --until 1500
	$(AVERAGE) --from runs/demo/pieces900.pt --to runs/demo/last.pt --share 0.5 --out runs/demo/pieces.pt
	$(AVERAGE) --from runs/demo/before.pt --to runs/demo/pieces.pt --share 0.2 --out runs/demo/between.pt
	$(TRAIN) --resume runs/demo/between.pt --set data.first_seed=2140000 --set data.passes=1 --set pretrain.steps=0 --set model.prompts=captions \
		--set losses.noun_omission=0 --set mgca.learning_rate=0.00005
	$(RESUME) --set model.prompts=seen
	$(BIN)/python -m training.checkpoints.slim --checkpoint runs/demo/last.pt --out runs/demo/larger.pt
	$(AVERAGE) --from runs/demo/larger.pt --to runs/demo/larger.pt --share 1 --out runs/demo/again.pt
	$(FINE) --resume runs/demo/again.pt --until 1500 --set data.first_seed=2030000 --set data.passes=2 --set "data.size_wh=[112,80]" \
		--set pretrain.steps=1500 --set pretrain.batch=48 --set pretrain.learning_rate=0.0004 --set pretrain.warmup=100 \
		--set pretrain.noun_balance=0.2 --set model.prompts=both
	$(AVERAGE) --from runs/demo/last.pt --to runs/demo/larger.pt --share 0.7 --out runs/demo/between.pt
	$(FINE) --resume runs/demo/between.pt --until 900 --set data.first_seed=2150000 --set "data.size_wh=[80,64]" --set pretrain.steps=900 \
		--set pretrain.batch=64 --set pretrain.learning_rate=0.0003
	$(AVERAGE) --from runs/demo/last.pt --to runs/demo/between.pt --share 0.4 --out runs/demo/between.pt
	$(FINE) --resume runs/demo/between.pt --until 600 --set data.first_seed=2260000 --set pretrain.steps=2400 --set pretrain.learning_rate=0.0005
	cp runs/demo/last.pt runs/demo/small600.pt
	$(FINE) --resume runs/demo/last.pt --until 2400
	$(AVERAGE) --from runs/demo/small600.pt --to runs/demo/last.pt --share 0.5 --out runs/demo/between.pt
	$(AVERAGE) --from runs/demo/larger.pt --to runs/demo/between.pt --share 0.5 --out runs/demo/between.pt
	$(FINE) --resume runs/demo/between.pt --until 800 --set data.first_seed=2420000 --set pretrain.steps=800 --set pretrain.learning_rate=0.0004
	$(AVERAGE) --from runs/demo/small600.pt --to runs/demo/last.pt --share 0.4 --out runs/demo/small.pt
	$(AVERAGE) --from runs/demo/larger.pt --to runs/demo/small.pt --share 0.25 --close-decoder --out runs/demo/between.pt
	$(TRAIN) --resume runs/demo/between.pt --set data.first_seed=2600000 --set data.passes=1 --set "data.size_wh=[128,96]" --set pretrain.steps=0 \
		--set threads=2 --set model.prompts=captions --set losses.noun_balance=0.2
	$(RESUME) --set data.first_seed=1700000 --set "data.size_wh=[240,184]" --set "evaluation.size_wh=[240,184]" --set model.prompts=seen
	$(BIN)/python -m training.checkpoints.slim --checkpoint runs/demo/last.pt --out runs/demo/smaller.pt
	$(AVERAGE) --from runs/demo/smaller.pt --to runs/demo/smaller.pt --share 1 --out runs/demo/again.pt
	$(FINE) --resume runs/demo/again.pt --until 300 --set data.first_seed=2610000 --set data.passes=2 --set threads=1 --set model.prompts=both \
		--set "data.size_wh=[80,64]" --set "evaluation.size_wh=[80,64]" --set pretrain.steps=6000 --set pretrain.learning_rate=0.0004 \
		--set pretrain.noun_balance=0.1 --set pretrain.noun_discount=0.6 --set pretrain.contrast_weight=2 --set pretrain.average_steps=300 \
		--set pretrain.teacher=average
	cp runs/demo/last.pt runs/demo/taught300.pt
	$(FINE) --resume runs/demo/last.pt --until 1200
	$(FINE) --resume runs/demo/last.pt --until 1800 --set pretrain.learning_rate=0.0006
	$(FINE) --resume runs/demo/last.pt --until 2100 --set data.first_seed=2650000 --set pretrain.steps=4200 --set pretrain.learning_rate=0.0005
	$(FINE) --resume runs/demo/last.pt --until 3300 --set pretrain.steps=3300
	$(AVERAGE) --from runs/demo/taught300.pt --to runs/demo/last.pt --share 0.667 --out runs/demo/taught.pt
	$(AVERAGE) --from runs/demo/smaller.pt --to runs/demo/taught.pt --share 0.6 --close-decoder --out runs/demo/taught.pt
	$(FINE) --resume runs/demo/taught.pt --until 1500 --set data.first_seed=3600000 --set data.passes=1 --set threads=1 --set model.prompts=both \
		--set pretrain.batch=63 --set pretrain.steps=4000 --set pretrain.learning_rate=0.0004 --set "pretrain.frame_tiles=[3,3]" \
		--set pretrain.teacher_mirrors=true
	$(FINE) --resume runs/demo/last.pt --until 2400 --set pretrain.steps=2400 --set pretrain.learning_rate=0.0006 --set pretrain.relight=0.8
	cp runs/demo/last.pt runs/demo/frames.pt
	$(AVERAGE) --from runs/demo/frames.pt --to runs/demo/frames.pt --share 1 --out runs/demo/again.pt
	$(FINE) --resume runs/demo/again.pt --until 2400 --set data.first_seed=4000000 --set pretrain.steps=2700 --set pretrain.learning_rate=0.0005 \
		--set pretrain.relight=1.0
	$(AVERAGE) --from runs/demo/taught.pt --to runs/demo/frames.pt --share 0.6 --out runs/demo/between.pt
	$(AVERAGE) --from runs/demo/between.pt --to runs/demo/last.pt --share 0.5 --out runs/demo/between.pt
	$(FINE) --resume runs/demo/between.pt --until 600 --set data.first_seed=4600000 --set "data.size_wh=[96,72]" --set "evaluation.size_wh=[96,72]" \
		--set "pretrain.tilings=[[3,2],[1,1]]" --set pretrain.batch=54 --set pretrain.steps=1000 --set pretrain.learning_rate=0.0004 \
		--set pretrain.warmup=50 --set pretrain.relight=0.6
	cp runs/demo/last.pt runs/demo/polished600.pt
	$(FINE) --resume runs/demo/last.pt --until 1000
	$(AVERAGE) --from runs/demo/last.pt --to runs/demo/polished600.pt --share 0.5 --close-decoder --out runs/demo/between.pt
	$(TRAIN) --resume runs/demo/between.pt --set data.first_seed=3020000 --set "data.size_wh=[128,96]" --set pretrain.steps=0 \
		--set threads=2 --set model.prompts=captions --set losses.noun_balance=0 --set losses.noun_discount=0.6 --set losses.contrast_weight=2 \
		--set mgca.learning_rate=0.00003
	$(RESUME) --set data.first_seed=1700000 --set "data.size_wh=[288,216]" --set "evaluation.size_wh=[288,216]" --set "export_size_wh=[288,216]" \
		--set units.seeds=216 --set model.prompts=seen
	$(BIN)/python -m training.checkpoints.slim --checkpoint runs/demo/last.pt --out training/assets/demo.pt
	$(BIN)/python -m export --checkpoint training/assets/demo.pt --out runtime/assets/demo_bundle
	$(BIN)/python -m training.data.streetworld clip --seed 1 --seconds 7 --out runtime/assets/demo.mp4

RESULTS := benchmarks/results
ACCURACY := $(BIN)/python -m benchmarks.accuracy --backend onnxruntime-cpu
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
		$(FEW_CLASSES) --dataset camvid --classes person,car --rest sky,road --json $(RESULTS)/camvid_person_car.json; fi
	$(BIN)/python -m benchmarks.latency --backend onnxruntime-cpu --json $(RESULTS)/latency.json
	$(BIN)/python -m benchmarks.world_hardness --json $(RESULTS)/world_hardness.json
	$(BIN)/python -m benchmarks.word_memory --json $(RESULTS)/word_memory.json
	$(BIN)/python -m benchmarks.graph_cost --checkpoint training/assets/demo.pt --json $(RESULTS)/graph_cost_demo.json

clean:
	rm -rf $(VENV) .venv-lean build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache

# An environment is made once; a stamp remembers what was installed from which pyproject.toml.
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.10 or newer on the path; install one (up to 3.14) or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) .ci/make_environment.py $(VENV)

$(VENV)/.installed-lean: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	@df -Pk . | awk 'NR == 2 && $$4 < 9500000 { printf "make: only %.1f GB are free here; PyTorch takes 7 GB, the tests 2 more\n", $$4 / 1e6 }' >&2
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed-lean

$(VENV)/.installed-docs: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	@touch $@ $(VENV)/.installed-lean
