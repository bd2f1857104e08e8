# `make lab` opens JupyterLab on the quickstart, `make test` runs every check. Each sets up what it needs, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/done
FRONT := $(wildcard labextension/src/*.ts* labextension/src/*/*.ts* labextension/style/* labextension/style/icons/* \
           labextension/widget/* \
           labextension/schema/*.json) labextension/package.json labextension/tsconfig.json
# On a machine that is busy with something else a test may wait in vain: it is tried once more, and listed.
AGAIN := --reruns 1 -r R
export PATH := $(abspath $(BIN)):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Some containers tell Python to compile every module anew in every process.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: lab test lint unit faults front-test browser-test older-test wheel-test bench setup clean
.DELETE_ON_ERROR:

# Jupyter asks root, who is often all there is in a container, to say so.
lab: setup
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB_OPTIONS) notebooks/quickstart.ipynb

test: setup $(DONE)/chromium lint front-test unit browser-test wheel-test

# Modules are compiled as pip does it for a package that is not edited: a server imports them in half of the time.
setup: $(DONE)/package $(DONE)/front
	@$(BIN)/python -m compileall -q tether_jupyter

$(DONE)/venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tether needs Python 3.11 or newer: make lab PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	mkdir -p $(DONE)
	touch $@

# What everything is built with, and Node by a wheel where the machine has none that will do.
$(DONE)/tools: constraints.txt scripts/node.sh $(DONE)/venv
	$(BIN)/python -m pip install -q -c constraints.txt pip wheel cmake ninja jupyterlab hatchling jupyter-builder \
	  hatch-jupyter-builder editables build
	bash scripts/node.sh $(BIN)
	touch $@

# llama-cpp-python is compiled once per machine and CMAKE_ARGS, and kept in the user's cache. Without CMAKE_ARGS the
# build that is installed stays, so that a GPU build is not lost to the next plain `make lab`.
ARGS := $(if $(filter undefined,$(origin CMAKE_ARGS)),$(shell cat $(DONE)/llama-* 2>/dev/null),$(CMAKE_ARGS))
LLAMA := $(DONE)/llama-$(shell printf '%s' '$(ARGS)' | cksum | cut -d' ' -f1)
$(LLAMA): scripts/llama_wheel.py $(DONE)/tools
	wheel=$$(CMAKE_ARGS='$(ARGS)' $(BIN)/python scripts/llama_wheel.py) && $(BIN)/python -m pip install -q -c constraints.txt "$$wheel" \
	  && $(BIN)/python -m pip install -q --force-reinstall --no-deps "$$wheel"
	rm -f $(DONE)/llama-*
	printf '%s' '$(ARGS)' > $@

$(DONE)/modules: labextension/package.json labextension/yarn.lock $(DONE)/tools
	cd labextension && jlpm install --immutable
	touch $@

$(DONE)/front: $(FRONT) $(DONE)/modules $(DONE)/package
	cd labextension && jlpm build:prod
	$(BIN)/jupyter-builder develop . --overwrite
	touch $@

$(DONE)/package: pyproject.toml constraints.txt tether_jupyter/__init__.py $(LLAMA)
	mkdir -p tether_jupyter/labextension
	SKIP_JUPYTER_BUILDER=1 $(BIN)/python -m pip install -q --no-build-isolation -c constraints.txt -e ".[all,dev]"
	touch $@

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	cd labextension && jlpm lint:check

front-test: setup
	cd labextension && jlpm test

unit: setup
	bash scripts/postgres.sh
	$(BIN)/python -m pytest --ignore tests/e2e --ignore tests/faults -n 2 --dist loadfile $(AGAIN)

# Every way in which the local engine can break, 50 times each: half an hour.
faults: setup
	bash scripts/postgres.sh
	$(BIN)/python -m pytest tests/faults --faults 50

browser-test: setup $(DONE)/chromium
	$(BIN)/python -m pytest tests/e2e -n 2 --dist loadfile $(AGAIN)

# What works with JupyterLab 4.6 has to work with 4.5, and beside another chat: each in an environment of its own.
OLDER := tests/e2e/test_other_labs.py $(foreach room,first_light ghost inline_edit notebook_actions threads composer widget,\
           tests/e2e/test_$(room).py)
older-test: setup $(DONE)/chromium
	PYTHON=$(PYTHON) bash scripts/older.sh $(VENV)-4.5 'jupyterlab==4.5.*' 'notebook==7.5.*'
	SERVER_PYTHON=$(abspath $(VENV)-4.5/bin/python) $(BIN)/python -m pytest $(OLDER) -n 2 --dist loadfile
	PYTHON=$(PYTHON) bash scripts/older.sh $(VENV)-chat 'jupyterlab==4.6.*' 'notebook==7.6.*' jupyterlab-chat
	SERVER_PYTHON=$(abspath $(VENV)-chat/bin/python) $(BIN)/python -m pytest tests/e2e/test_other_labs.py \
	  tests/e2e/test_composer.py -n 2 --dist loadfile

$(DONE)/chromium: scripts/chromium.sh
	bash scripts/chromium.sh
	touch $@

# One wheel with the lab extension inside: built from the source distribution, as an installer would.
wheel-test: setup
	rm -rf dist
	SKIP_JUPYTER_BUILDER=1 $(BIN)/python -m build -q --no-isolation
	$(BIN)/python scripts/check_wheel.py dist/*.whl

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(VENV)-* dist labextension/node_modules labextension/lib tether_jupyter/labextension tether_jupyter/widget/static
