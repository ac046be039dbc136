# make run · make test · make bench · make prove · make screenshots · make lint · make clean; each sets up what it needs first.
#   PYTHON=/path/to/python3  the Python to build the environment on    VENV=/path/to/env  an environment of yours to use
#   TORCH_INDEX=URL          where to look for torch first             ARGS='…'           for the program: a script, a .chain file

VENV ?= .venv
SETUP = @PYTHON='$(PYTHON)' TORCH_INDEX='$(TORCH_INDEX)' sh tools/python -m tools.setup --venv '$(VENV)'
IN_VENV = '$(VENV)'/bin/python
SPREAD = -n auto --maxprocesses 4 --dist worksteal
LINT = { $(IN_VENV) -m ruff check . && $(IN_VENV) -m ruff format --check . && $(IN_VENV) -m mypy; }

.PHONY: run test fuzz bench prove screenshots lint format clean
.DEFAULT_GOAL := run

run:
	$(SETUP) run
	@$(IN_VENV) -m tools.run $(ARGS)

# On each processor, but for a debugger: `make test ARGS='-n 0 --pdb'`. Each process holds a torch of its own.
test:
	$(SETUP) run test
	@status=0; $(LINT) || status=1; $(IN_VENV) -m pytest $(SPREAD) $(ARGS) || status=1; exit $$status

# Properties, on examples that nobody has seen yet.
fuzz:
	$(SETUP) run test
	@CHAINRULE_EXAMPLES=new $(IN_VENV) -m pytest -m hypothesis $(ARGS)

lint:
	$(SETUP) run test
	@$(LINT)

format:
	$(SETUP) run test
	@$(IN_VENV) -m ruff check --quiet --fix-only . && $(IN_VENV) -m ruff format .

bench:
	$(SETUP) run bench
	@$(IN_VENV) -m benchmarks $(ARGS)

# The long proofs: every operator sample of PyTorch, every model of torchvision, every optimizer. Goes on where it stopped.
prove:
	$(SETUP) run test
	@$(IN_VENV) -m tools.prove $(ARGS)

screenshots:
	$(SETUP) run test
	@$(IN_VENV) -m tools.screenshots $(ARGS)

# Removes what was made here; an environment of your own in .venv stays.
clean:
	@if grep -qs '"made_here": true' .venv/chainrule-setup.json; then rm -rf .venv; fi
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv/*' -prune -exec rm -rf {} +
