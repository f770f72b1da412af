# `make check` runs what CI runs, in the environment that is active: pip install -e ".[test,check,examples]"

.PHONY: check lint format types spelling test picture command-line

check: lint types spelling test

lint:
	ruff check .
	ruff format --check .

format:
	ruff check --fix .
	ruff format .

types:
	mypy

spelling:
	codespell

test:
	python -m pytest

# The terminal in the README, from a real run of examples/wine.py.
picture:
	python docs/images/make_terminal.py

# The page of all commands, from the commands.
command-line:
	python docs/make_command_line.py
