"""Imports point down the list of layers, and `import raflib` is light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import raflib

PACKAGE = Path(raflib.__file__).parent
#: From the bottom to the top; a module may import only from modules before it.
LAYERS = [
    "overlaps",
    "validation",
    "gaussian",
    "activations",
    "fixed_point",
    "task",
    "losses",
    "separability",
    "features",
    "channel",
    "bayes",
    "learner",
    "solve",
    "gardner",
    "observables",
    "margins",
    "recall",
    "limits",
    "large_load",
    "workers",
    "finite",
    "archive",
    "sweep",
    "notebook",
    "plots",
    "explore",
]
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def layer(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Return the layers of raflib that a module imports, at top level or inside functions."""
    found = set()
    depth = len(path.relative_to(PACKAGE).parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            up = depth - node.level  # 0: from the package itself
            parts = (node.module or "").split(".") if node.module else []
            if up > 0:
                continue  # a sibling inside the same layer
            found |= {parts[0]} if parts else {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("raflib."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.ImportFrom) and node.module == "raflib":
            found |= {alias.name for alias in node.names if alias.name in LAYERS}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("raflib.")}
    return found - {layer(path)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    assert layer(path) in LAYERS, f"give {layer(path)} its place in the list of layers"
    below = LAYERS[: LAYERS.index(layer(path))]
    assert imported(path) <= set(below), f"{layer(path)} imports {sorted(imported(path) - set(below))} from above"


def test_the_solver_knows_no_other_packages_than_numpy_and_scipy() -> None:
    allowed = {"numpy", "scipy", *sys.stdlib_module_names}
    for path in MODULES:
        if layer(path) in LAYERS[: LAYERS.index("workers")]:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom) and not node.level:
                    names = [node.module or ""]
                assert {name.split(".")[0] for name in names} <= allowed, path


def test_import_is_light() -> None:
    heavy = "matplotlib ipywidgets bokeh sklearn joblib tqdm IPython pandas scipy.optimize scipy.integrate scipy.stats"
    code = f"import sys, raflib; print(sorted(set({heavy.split()!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_public_names_are_documented_and_sorted() -> None:
    assert raflib.__all__ == sorted(raflib.__all__)
    for name in raflib.__all__:
        assert getattr(raflib, name).__doc__, name
