.DEFAULT_GOAL := help
.PHONY: help setup run test lint format lock demo bundle

help: ## List these words
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile

setup: ## Set up .venv, once
	@sh packaging/setup.sh

run: setup ## Open the program on the demo recording (headless without a display)
	@sh packaging/run.sh

test: setup ## Run the whole test suite
	@QT_QPA_PLATFORM=offscreen .venv/bin/python -m pytest -n auto --maxprocesses 4

lint: setup ## Check format, lint and types
	@.venv/bin/ruff format --check . && .venv/bin/ruff check . && .venv/bin/mypy

format: setup ## Format and mend what can be mended
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lock: setup ## Make requirements.lock anew (needs uv)
	@sh packaging/lock.sh

bundle: setup ## Build a folder that runs without Python (PyInstaller)
	@sh packaging/bundle.sh
