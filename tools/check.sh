#!/bin/sh
# Format, lint, spelling, types, and no outputs in the notebooks. On a developer's machine the
# format is put right; with CI set, as on a server, nothing is changed and a wrong format fails.
set -eu
cd "$(dirname "$0")/.."
py=.venv/bin/python

step() {
    what="$1"
    shift
    echo "==> $what"
    "$@" || {
        echo "error: $what failed: mend what the lines above name and run make check again" >&2
        exit 1
    }
}

notebooks=$(find chapters -name '*.ipynb' -not -path '*/.ipynb_checkpoints/*' | sort)
if [ -n "${CI:-}" ]; then
    step "format" $py -m ruff format --check .
    # shellcheck disable=SC2086  # one argument per notebook; names have no spaces
    [ -z "$notebooks" ] || step "notebooks hold no outputs" $py -m nbstripout --keep-id --verify $notebooks
else
    step "format" $py -m ruff format .
    # shellcheck disable=SC2086
    [ -z "$notebooks" ] || step "notebooks hold no outputs" $py -m nbstripout --keep-id $notebooks
fi
step "lint" $py -m ruff check .
step "spelling" $py -m codespell_lib
step "types" $py -m mypy
echo "==> all checks passed"
