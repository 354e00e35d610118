# `make repro` and `make test` are complete on a fresh clone. PYTHON picks the interpreter of a new .venv.
PYTHON ?= python3
VENV := .venv
# DVC runs `python` from PATH: it must be the environment's.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help repro test experiments bench bench-gpu bench-scale lint
help:           ## show this
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

repro: $(VENV)/installed    ## install what the pipeline needs, then run it: data, training, evaluation
	dvc repro

test: $(VENV)/installed-dev ## install what the tests need, then run ruff and pytest
	ruff check .
	ruff format --check .
	OMP_NUM_THREADS=1 pytest  # two processes of one thread each

experiments: $(VENV)/installed ## show the experiments, with what differs between them
	dvc exp show --only-changed --drop '(emotions|stages|model|data/.*)'

bench: $(VENV)/installed  ## compare the speed of training and prediction with others' and with the machine's limit
	dvc repro --quiet preprocess
	python benchmarks/speed.py --json benchmarks/results/cpu.json

bench-gpu: $(VENV)/installed-dev ## on a machine with a GPU: its tests, then the comparison in bf16 and fp16
	python -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "error: there is no GPU here")'
	dvc repro --quiet preprocess
	pytest --numprocesses 0 tests/test_batches.py tests/test_training.py tests/test_lessons.py
	python benchmarks/speed.py --comments 2400 --precision bf16 --json benchmarks/results/gpu-bf16.json
	python benchmarks/speed.py --comments 2400 --precision fp16 --json benchmarks/results/gpu-fp16.json
	python benchmarks/speed.py --comments 2400 --precision bf16 --bert-base --json benchmarks/results/gpu-bf16-bert-base.json
	python benchmarks/speed.py --comments 2400 --precision fp16 --bert-base --json benchmarks/results/gpu-fp16-bert-base.json

bench-scale: $(VENV)/installed ## measure time and memory of preprocess and split at 1, 10 and 100 times GoEmotions
	python benchmarks/scale.py --json benchmarks/results/scale.json

lint: $(VENV)/installed-dev ## put the code into its format and report what is wrong with it
	ruff format .
	ruff check --fix .

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else "Python 3.10 or later is needed: PYTHON=python3.12 make …")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	python -m pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements-export.txt $(VENV)/installed
	python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@
