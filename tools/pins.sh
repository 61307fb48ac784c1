#!/bin/sh
# Resolve requirements.in and pyproject.toml into exact versions: requirements.txt of everything,
# for every supported Python and system, and binder/requirements.txt of what a reader runs.
set -eu
cd "$(dirname "$0")/.."
resolved="$(mktemp)"
trap 'rm -f "$resolved"' EXIT
grep -v -e '^#' -e '^-e' requirements.txt >"$resolved" 2>/dev/null || : # keep pins that may stay

echo "==> resolving requirements.in"
"${UV:-.venv/bin/uv}" pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate \
    --no-emit-index-url --no-emit-find-links -o "$resolved" requirements.in pyproject.toml
{
    echo "# Exact versions of all that the build and the tests need, for Python 3.11 to 3.13."
    echo "# Made by \`make pins\` from requirements.in and pyproject.toml: edit those."
    cat "$resolved"
    echo "-e ."
} >requirements.txt
echo "==> wrote requirements.txt ($(grep -c '==' requirements.txt) pins)"

# Binder brings JupyterLab itself: only raflib, what it imports and the MyST view are added.
{
    echo "-e ."
    echo "# Versions of requirements.txt, written by \`make pins\`."
    for package in numpy scipy matplotlib scikit-learn joblib threadpoolctl tqdm mpmath ipywidgets bokeh jupyterlab-myst; do
        grep "^$package==" requirements.txt
    done
} >binder/requirements.txt
echo "==> wrote binder/requirements.txt"
