# Two commands: `make book` and `make test`. `make help` lists the others.
# Every target makes or refreshes .venv first; choose its Python with PYTHON=/path/to/python3.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.SUFFIXES:

PY := .venv/bin/python
PORT ?= 8000
# Workers for the tests: one per core of a small machine.
WORKERS ?= 2

.PHONY: help venv book test serve live check bench mutants pins picture clean distclean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

venv: ## make .venv and install the pinned packages and raflib into it
	@sh tools/venv.sh

book: venv ## run every notebook and build the book into _build/html
	@$(PY) tools/build_book.py

test: venv ## run all tests: raflib, doctests, notebooks, built pages
	@echo "==> testing raflib, the notebooks and, where there is a build and a Chromium, the pages"
	@$(PY) tools/run_tests.py -n $(WORKERS)

serve: venv ## serve the built book on 127.0.0.1
	@$(PY) tools/serve.py --port $(PORT)

live: venv ## open the chapters in JupyterLab
	@echo "==> starting JupyterLab on chapters/ (Ctrl-C stops)"
	@$(PY) -m jupyter lab --ServerApp.root_dir=chapters $$([ "$$(id -u)" -ne 0 ] || echo --allow-root)

check: venv ## format, lint and type-check (with CI set, the format is only verified)
	@sh tools/check.sh

bench: venv ## measure speed and memory against a plain scalar baseline
	@$(PY) benchmarks/run.py

mutants: venv ## break copies of raflib in small ways and count how many the tests notice
	@$(PY) tools/mutants.py

pins: venv ## resolve requirements.in into the exact pins of requirements.txt
	@sh tools/pins.sh

picture: venv ## take the README's picture of an explorer from the built book
	@$(PY) tools/explorer_picture.py

clean: ## remove the built book and what tests and checks left
	@rm -rf _build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov
	@echo "==> removed the build and the caches (.venv stays: make distclean removes it too)"

distclean: clean ## remove .venv as well
	@rm -rf .venv
	@echo "==> removed .venv"
