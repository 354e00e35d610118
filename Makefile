# `make repro` and `make test` are complete on a fresh clone. PYTHON picks the interpreter of a new .venv.
PYTHON ?= python3
VENV := .venv
# DVC runs `python` from PATH: it must be the environment's.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.PHONY: help repro test experiments bench bench-gpu bench-scale bench-sharing lint
help:           ## show this
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

repro: $(VENV)/installed    ## install what the pipeline needs, then run it, from the data to the report
	dvc repro

test: $(VENV)/installed-dev ## install what the tests need, then run ruff, mypy and pytest
	ruff check .
	ruff format --check .
	mypy
	OMP_NUM_THREADS=1 pytest  # two processes of one thread each

experiments: $(VENV)/installed ## show the experiments, with what differs between them
	dvc exp show --only-changed --drop '(emotions|stages|model|plots|data/.*)'

bench: $(VENV)/installed  ## compare the speed of training and prediction with other ways and with the machine's limit
	dvc repro --quiet preprocess
	python benchmarks/speed.py --json benchmarks/results/cpu.json

bench-gpu: $(VENV)/installed-dev ## on a machine with a GPU: its tests, then the comparison in bf16 and fp16
	python -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "error: there is no GPU here")'
	dvc repro --quiet preprocess
	pytest --numprocesses 0 tests/training/test_loop.py
	python benchmarks/speed.py --comments 2400 --precision bf16 --json benchmarks/results/gpu-bf16.json
	python benchmarks/speed.py --comments 2400 --precision fp16 --json benchmarks/results/gpu-fp16.json

bench-scale: $(VENV)/installed ## measure time and memory of preprocess and split at 1, 10 and 100 times GoEmotions
	python benchmarks/scale.py --json benchmarks/results/scale.json

bench-sharing: $(VENV)/installed ## measure two trainings side by side on this machine against one alone
	dvc repro --quiet preprocess
	python benchmarks/sharing.py --json benchmarks/results/sharing.json

lint: $(VENV)/installed-dev ## format the code and report what is wrong with it
	ruff format .
	ruff check --fix .
	mypy

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else "Python 3.10 or later is needed: PYTHON=python3.12 make …")'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	python -m pip install --quiet --requirement requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt requirements-export.txt $(VENV)/installed
	python -m pip install --quiet --requirement requirements-dev.txt
	@touch $@
