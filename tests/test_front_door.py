"""What a stranger meets first: pins, licences, citation, the README's promises, the contents."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


PYPROJECT = tomllib.loads(read("pyproject.toml"))
VERSION = PYPROJECT["project"]["version"]


def lines(name: str) -> list[str]:
    """Return a requirements file's lines without comments."""
    return [line for line in read(name).splitlines() if line.strip() and not line.startswith("#")]


def pins() -> dict[str, list[Requirement]]:
    found: dict[str, list[Requirement]] = {}
    for line in lines("requirements.txt")[:-1]:
        pin = Requirement(line)
        found.setdefault(pin.name.lower(), []).append(pin)
    return found


def tracked() -> list[Path]:
    """Return the files that are in the repository, or that `git add` would put there."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("this copy is not a git repository: nothing says which files belong to it")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


# ---------------------------------------------------------------- pins


def test_every_pin_is_exact() -> None:
    for alternatives in pins().values():
        for pin in alternatives:
            assert re.fullmatch(r"==[\w.!+]+", str(pin.specifier)), pin
            assert pin.url is None


def test_requirements_end_with_raflib_itself() -> None:
    assert lines("requirements.txt")[-1] == "-e ."


def test_every_direct_need_is_pinned_as_it_says() -> None:
    wanted = [Requirement(line) for line in lines("requirements.in")]
    wanted += [Requirement(line) for line in PYPROJECT["project"]["dependencies"]]
    found = pins()
    for need in wanted:
        for pin in found[need.name.lower()]:
            version = str(pin.specifier).removeprefix("==")
            assert need.specifier.contains(version, prereleases=True), (need, pin)


def test_binder_has_the_same_versions_and_all_that_raflib_imports() -> None:
    first, *rest = lines("binder/requirements.txt")
    assert first == "-e ."
    assert set(rest) <= set(lines("requirements.txt"))
    needs = {Requirement(line).name for line in PYPROJECT["project"]["dependencies"]}
    needs |= {"mpmath"}  # a chapter of the appendix takes 30 digits from it
    assert needs <= {Requirement(line).name for line in rest}
    assert re.fullmatch(r"python-3\.\d+\n", read("binder/runtime.txt"))


def test_no_file_names_a_package_index_or_a_place_on_one_machine() -> None:
    hosts = [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com"), ("debian", "org")]
    folders = ["root", "home", "work", "tmp", "opt", "Users"]
    names = [r"\.".join(host) for host in hosts] + [f"(?<![\\w.~:/])/{folder}/" for folder in folders]
    pattern = re.compile("|".join(names).encode())
    found = [
        f"{path.relative_to(ROOT)}: {match[0].decode()}"
        for path in tracked()
        if (match := pattern.search(path.read_bytes()))
    ]
    assert found == []


# ---------------------------------------------------------------- the package


def test_the_wheel_is_pure_python_and_holds_the_whole_library(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name == f"raflib-{VERSION}-py3-none-any.whl"
    modules = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "raflib").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert modules <= set(zipfile.ZipFile(wheel).namelist())


def test_bounds_of_the_package() -> None:
    project = PYPROJECT["project"]
    assert project["requires-python"] == ">=3.11"
    lower = {Requirement(line).name: str(Requirement(line).specifier) for line in project["dependencies"]}
    assert lower["numpy"] == ">=2.0"
    assert lower["scipy"] == ">=1.14"
    assert lower["matplotlib"] == ">=3.8"


# ---------------------------------------------------------------- citation, licences, changes


def test_the_versions_agree() -> None:
    assert yaml.safe_load(read("CITATION.cff"))["version"] == VERSION
    assert re.search(rf"^## \[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d$", read("CHANGELOG.md"), re.M)


def test_the_citation_has_the_book_and_the_paper() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    config = yaml.safe_load(read("_config.yml"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == config["title"]
    (paper,) = citation["references"]
    assert "2603.25579" in paper["url"]
    assert [a["family-names"] for a in paper["authors"]] == ["Farné", "Boncoraglio", "Zdeborová"]
    assert "2603.25579" in read("chapters/references.bib")


def test_the_licences_are_there_in_full() -> None:
    assert "Redistributions in binary form" in read("LICENSE")
    assert PYPROJECT["project"]["license"] == "BSD-3-Clause"
    text = read("LICENSE-TEXT")
    assert "Attribution 4.0 International Public" in text
    for number in range(1, 9):
        assert f"Section {number} –" in text


# ---------------------------------------------------------------- what the README promises


def test_the_readme_examples_run() -> None:
    first, sweep, trained = re.findall(r"^```python\n(.*?)^```$", read("README.md"), re.M | re.S)
    for code, shortest, longest in ((first, 8, 10), (sweep, 5, 5), (trained, 5, 5)):
        example = doctest.DocTestParser().get_doctest(code, {}, "README.md", "README.md", 0)
        assert shortest <= len(example.examples) <= longest
        runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
        assert runner.run(example).failed == 0


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", read("Makefile"), re.M))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_command_in_the_words_is_a_command(name: str) -> None:
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", read(name), re.M))
    assert named <= targets()
    assert {"book", "test"} <= named


def test_the_readme_and_the_server_run_the_same_commands() -> None:
    run = re.findall(r"^make (\w+)$", read(".ci/run"), re.M)
    assert run == ["check", "book", "test"]
    assert all(f"`make {name}`" in read("README.md") for name in run)


def test_make_help_lists_every_command() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"make (\w+)", done.stdout)) == targets()


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_and_pictures_of_the_words_exist(name: str) -> None:
    text = read(name)
    found = re.findall(r"\]\((?!https?:|#)([^)]+)\)", text) + re.findall(r'<img src="([^"]+)"', text)
    assert [path for path in found if not (ROOT / path).exists()] == []
    folders = re.findall(r"`([\w./_-]+/)`", text)
    assert [path for path in folders if not (ROOT / path).is_dir()] == [] or name == "CHANGELOG.md"


# ---------------------------------------------------------------- the contents


def test_every_page_is_in_the_contents_and_every_entry_is_a_page() -> None:
    entries = re.findall(r"(?:file|root): (\S+)", read("_toc.yml"))
    assert len(entries) == len(set(entries))
    pages = {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in (ROOT / "chapters").rglob("*")
        if path.suffix in {".ipynb", ".md"} and ".ipynb_checkpoints" not in path.parts
    }
    assert pages == set(entries)
