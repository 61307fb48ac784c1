#!/bin/sh
# Make .venv with the pinned packages and raflib (editable), unless it is there and up to date.
# Up to date: same pins, same package metadata, same folder, and its Python still runs.
set -eu
cd "$(dirname "$0")/.."

oldest="3.11"
stamp=".venv/.installed"

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

runs() { "$1" -c '' >/dev/null 2>&1; }
new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

wanted="$(cat requirements.txt pyproject.toml | cksum) $(pwd)"
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && runs .venv/bin/python; then
    exit 0
fi

# The newest tested Python comes last: `python3` is the one the reader most likely means.
seen=""
chosen=""
for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
    runs "$candidate" || continue
    if new_enough "$candidate"; then
        chosen="$candidate"
        break
    fi
    seen="${seen:-$("$candidate" -c 'import platform; print(platform.python_version())')}"
done
advice="install Python $oldest or newer, or name one you have: make PYTHON=/path/to/python3"
if [ -z "$chosen" ]; then
    if [ -n "$seen" ]; then
        fail "the only Python found here is $seen, which is too old: $advice"
    elif [ -n "${PYTHON:-}" ]; then
        fail "PYTHON=$PYTHON does not run: $advice"
    fi
    fail "no Python found: $advice"
fi

rm -f "$stamp"
if ! { [ -d .venv ] && runs .venv/bin/python && new_enough .venv/bin/python; }; then
    echo "==> making .venv with $("$chosen" -c 'import platform, sys; print("Python", platform.python_version(), "from", sys.executable)')"
    rm -rf .venv
    "$chosen" -m venv .venv >.venv.log 2>&1 || {
        rm -rf .venv .venv.log
        fail "this Python cannot make a virtual environment: install its venv module (Debian, Ubuntu: apt-get install python3-venv) and run make again"
    }
    rm -f .venv.log
fi

echo "==> installing the packages pinned in requirements.txt into .venv (the first time takes a few minutes)"
PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip install --quiet -r requirements.txt ||
    fail "the pinned packages could not be installed (the lines above say why): check the network connection and run make again"
printf '%s\n' "$wanted" >"$stamp"
