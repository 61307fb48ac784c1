#!/bin/sh
# Resolve requirements.in and pyproject.toml into requirements.txt: exact versions of everything,
# one file for every supported Python and system.
set -eu
cd "$(dirname "$0")/.."
out="$(mktemp)"
trap 'rm -f "$out"' EXIT
cp requirements.txt "$out" 2>/dev/null || : >"$out" # keep what is pinned unless it must move
echo "==> resolving requirements.in"
"${UV:-.venv/bin/uv}" pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links -o "$out" requirements.in pyproject.toml
{
    echo "# Exact versions of all that the build and the tests need, for Python 3.11 to 3.13."
    echo "# Made by \`make pins\` from requirements.in and pyproject.toml: edit those."
    cat "$out"
    echo "-e ."
} >requirements.txt
echo "==> wrote requirements.txt ($(grep -c == requirements.txt) pins)"
