"""Build the book into _build/html: every notebook executed, every warning an error.

Jupyter Book's execution cache looks at a notebook's cells only. A page could so show what an
older raflib computed. Here everything that a page depends on has a fingerprint: when raflib, the
pins or Python changed, all of _build goes and the notebooks run again; when only the settings or
the local extensions changed, or the last build failed, the pages are written again from the
cached results (Sphinx repeats no warning of a page that it does not read again).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import environment

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
EXECUTED = ("raflib", "requirements.txt")
PAGES = ("_config.yml", "_toc.yml", "_ext", "assets", "chapters/references.bib")
CACHES = {"__pycache__", ".ipynb_checkpoints"}
SOURCES = (*EXECUTED, *PAGES, "chapters", "CONTRIBUTING.md")


def files_of(root: Path, names: Iterable[str]) -> list[Path]:
    """Return the files under the named files and folders, without what Python caches."""
    found: list[Path] = []
    for name in names:
        path = root / name
        found += [path] if path.is_file() else path.rglob("*")
    return sorted({p for p in found if p.is_file() and not CACHES.intersection(p.parts)})


def fingerprint(root: Path, names: Iterable[str], *more: str) -> str:
    """Hash the contents and names of files, and some words beside them."""
    digest = hashlib.sha256("\0".join(more).encode())
    for path in files_of(root, names):
        digest.update(f"\0{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def why_not_current(root: Path = ROOT) -> str:
    """Say why there is no built book of these very sources; nothing if there is one."""
    if not (root / "_build" / "html" / "index.html").is_file():
        return "there is no built book: run make book first"
    if read(root / "_build" / "sources.key") != fingerprint(root, SOURCES):
        return "the built book is not of these sources: run make book again"
    return ""


def clear_stale(build: Path, executed: str, pages: str) -> str:
    """Remove what an earlier build left that no longer holds; return what was done, in words."""
    if not build.exists():
        return "first build: every notebook runs"
    if read(build / "executed.key") != executed:
        shutil.rmtree(build)
        return "raflib, the pins or Python changed: every notebook runs again"
    if read(build / "pages.key") != pages:
        for folder in ("html", ".doctrees"):
            shutil.rmtree(build / folder, ignore_errors=True)
        return "settings changed or the last build failed: every page is written again"
    return "only what changed since the last build is built"


def read(path: Path) -> str:
    """Return a small file's text, empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def main() -> int:
    """Build, and say where the book is."""
    os.chdir(ROOT)
    executed = fingerprint(ROOT, EXECUTED, sys.version)
    pages = fingerprint(ROOT, PAGES, os.environ.get("RAF_REPOSITORY", ""), remote())
    print(f"==> building the book ({clear_stale(BUILD, executed, pages)})", flush=True)
    BUILD.mkdir(exist_ok=True)
    sources = fingerprint(ROOT, SOURCES)
    for key in ("pages.key", "sources.key"):
        (BUILD / key).unlink(missing_ok=True)
    (BUILD / "executed.key").write_text(executed, encoding="utf-8")

    started = time.monotonic()
    # Through this Python, not the script jupyter-book: that one breaks when the folder moves.
    start = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", start, "build", ".", "-W", "-n", "--keep-going"]
    code = subprocess.run(command, env=environment.prepared(), check=False).returncode
    if code:
        print(
            "error: the book was not built: mend what the WARNING and ERROR lines above name and "
            "run make book again (a notebook's full traceback is in _build/html/reports)",
            file=sys.stderr,
        )
        return code
    (BUILD / "pages.key").write_text(pages, encoding="utf-8")
    (BUILD / "sources.key").write_text(sources, encoding="utf-8")
    index = (BUILD / "html" / "index.html").as_uri()
    print(f"==> the book is built ({time.monotonic() - started:.0f} s): {index}")
    print("==> `make serve` serves it on 127.0.0.1")
    return 0


def remote() -> str:
    """Return the address of the git remote, which the launch buttons depend on."""
    command = ["git", "remote", "get-url", "origin"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


if __name__ == "__main__":
    sys.exit(main())
