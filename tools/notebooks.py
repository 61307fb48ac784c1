"""Put the notebooks into the form the book's tests ask for, or say which are not in it.

`python tools/notebooks.py` rewrites; with `--check` it only reports. The form: the Colab cell of
`colab_cell.txt` is the first code cell, cells have ids, no outputs, no execution counts, the kernel
is plain `python3`, and nothing else is stored about the machine the notebook was edited on.
"""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
import nbformat.validator

ROOT = Path(__file__).resolve().parent.parent
COLAB_CELL = (Path(__file__).parent / "colab_cell.txt").read_text(encoding="utf-8").rstrip("\n")
COLAB_METADATA = {"jupyter": {"source_hidden": True}, "tags": ["remove-cell"]}
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def notebooks(root: Path = ROOT) -> list[Path]:
    """Return the book's notebooks, without the checkpoints that Jupyter leaves."""
    found = (root / "chapters").rglob("*.ipynb")
    return sorted(p for p in found if ".ipynb_checkpoints" not in p.parts)


def normalise(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Return a notebook in the book's form; the order and the text of its own cells stay."""
    _, notebook = nbformat.validator.normalize(notebook)  # gives cells without an id one
    cells = [c for c in notebook.cells if c.id != "colab"]
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs = []
            cell.execution_count = None
    colab = nbformat.v4.new_code_cell(COLAB_CELL, id="colab", metadata=COLAB_METADATA)
    first_code = next((i for i, c in enumerate(cells) if c.cell_type == "code"), len(cells))
    # Right behind the title, which must stay the first thing on the page.
    cells.insert(min(first_code, 1), colab)
    kept = {key: notebook.metadata[key] for key in ("myst", "mystnb") if key in notebook.metadata}
    return nbformat.v4.new_notebook(cells=cells, metadata=METADATA | kept, nbformat=4, nbformat_minor=5)


def text(notebook: nbformat.NotebookNode) -> str:
    """Return a notebook as it is stored."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def main() -> int:
    """Rewrite or check every notebook."""
    check = "--check" in sys.argv[1:]
    wrong = []
    for path in notebooks():
        stored = path.read_text(encoding="utf-8")
        wanted = text(normalise(nbformat.reads(stored, as_version=4)))
        if stored != wanted:
            wrong.append(path.relative_to(ROOT))
            if not check:
                path.write_text(wanted, encoding="utf-8")
    for path in wrong:
        print(f"{path}: {'not in the form of' if check else 'rewritten by'} tools/notebooks.py")
    return 1 if check and wrong else 0


if __name__ == "__main__":
    sys.exit(main())
