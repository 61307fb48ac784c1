"""The mutation test itself: what it changes, what it leaves alone, and whom it believes."""

from __future__ import annotations

import textwrap
import tomllib
from pathlib import Path

import mutants
import pytest
from mutations import KINDS, mutants_of


def found(source: str) -> dict[str, set[str]]:
    """Return the changed lines of a module, by kind."""
    kinds: dict[str, set[str]] = {}
    for mutant in mutants_of(textwrap.dedent(source), "sample"):
        kinds.setdefault(mutant.kind, set()).add(mutant.after)
    return kinds


@pytest.mark.parametrize(
    ("line", "kind", "expected"),
    [
        ("y = a + b", "sign", {"y = a - b"}),
        ("y = (a) - (b)  # a + b", "sign", {"y = (a) + (b)"}),
        ("y -= a", "sign", {"y += a"}),
        ("y = -a", "sign", {"y = a"}),
        ("y = np.abs(a)", "sign", {"y = a"}),
        ("y = np.add(a, b)", "sign", {"y = np.subtract(a, b)"}),
        ("y = a * (b + c)", "factor", {"y = a", "y = (b + c)"}),
        ("y = (a * b) / c", "factor", {"y = (a * b)", "y = (a) / c", "y = (b) / c", "y = (1.0 / c)"}),
        ("y = a ** 2", "factor", {"y = a"}),
        ("y = np.sqrt(a)", "factor", {"y = a"}),
        ("y *= a", "factor", {"y /= a", "y *= 1.0"}),
        ("y = a < b", "order", {"y = a > b"}),
        ("y = a >= b > c", "order", {"y = a <= b > c", "y = a >= b < c"}),
        ("y = np.minimum(a, b)", "order", {"y = np.maximum(a, b)"}),
        ("y = a.argmax()", "order", {"y = a.argmin()"}),
        ("y = np.where(a, b, c)", "branch", {"y = np.where(a, c, b)"}),
        ("y = np.where(a < b, a, b)", "branch", set()),  # the comparison has that mutant already
        ("y = b if a else c", "branch", {"y = (c if a else b)"}),
        ("y = a & ~b", "branch", {"y = a | ~b", "y = a & b"}),
        ("y = a and b or c", "branch", {"y = a or b or c", "y = a and b and c"}),
        ("y = a == b", "branch", {"y = a != b"}),
        ("y = a is not b", "branch", {"y = a is b"}),
        ("y = a.all()", "branch", {"y = a.any()"}),
        ("if a: y()", "branch", {"if not a: y()"}),
        ("y = f(0.5)", "limit", {"y = f(0.625)"}),
        ("y = f(0.0, 0)", "limit", {"y = f(1.0, 0)", "y = f(0.0, 1)"}),
        ("y = f(3, 100)", "limit", {"y = f(4, 100)", "y = f(3, 25)"}),
        ("y = f(1e-9)", "limit", {"y = f(1e-06)", "y = f(1e-12)"}),
        ("y = f(np.inf, np.pi)", "limit", {"y = f(1.0, np.pi)", "y = f(np.inf, 3.0)"}),
        ("y = f(REACH)", "limit", {"y = f((0.1 * REACH))"}),
        ("y = np.clip(a, b, c)", "limit", {"y = np.clip(a, -np.inf, c)", "y = np.clip(a, b, np.inf)"}),
        ("for i in range(3): y[i - 1, -1] = x[2 * i, : n + 1]", "limit", set()),
        ("for i in range(3): y[i - 1, -1] = x[2 * i, : n + 1]", "sign", set()),
        ("y = x[a & (b < 1)]", "order", {"y = x[a & (b > 1)]"}),
        ("y = a + 0.0 * b", "sign", set()),  # the term only gives a shape
        ("y = a - zero", "sign", set()),
        ("y = [a] + [b]", "sign", set()),
        ("y = x.sum(axis=-1)", "sign", set()),
    ],
)
def test_every_rule_has_its_mutants(line: str, kind: str, expected: set[str]) -> None:
    assert kind in KINDS
    assert found(line + "\n").get(kind, set()) == expected


def test_words_stay_as_they_are() -> None:
    source = '''
    """A module: 1 + 1, 2 * 3."""
    LIMIT: Final[Annotated[float, 3.0]]

    @cache(maxsize=8)
    class Law(Base[2]):
        """Is -x.

        >>> 1 + 1
        2
        """

        def at(self, x: Array | float, y: Literal[3] = None) -> tuple[int, 4]:
            """``x ** 2``"""
            if isinstance(x, int | float):
                raise ValueError(f"x = {x + 1} is beyond {-2 * x}")
            return cast("a - b", f"{x * 2}")
    '''
    assert found(source) == {"branch": {"if not isinstance(x, int | float):"}}


def test_a_change_is_one_and_can_be_undone() -> None:
    source = (
        "def f(µ, a):\n    return (  # ½ of a - b\n        µ * a\n        - (a)\n    )\n\ndef g(a):\n    return 2 * a\n"
    )
    found = mutants_of(source, "sample")
    assert len({mutant.id for mutant in found}) == len(found)
    for mutant in found:
        compile(mutant.apply(source), "sample", "exec")
        assert mutant.apply(source) != source
    assert {mutant.function for mutant in found} == {"f", "g"}
    (sign,) = (mutant for mutant in found if mutant.kind == "sign")
    assert sign.apply(source) == source.replace("- (a)", "+ (a)")


def test_names_of_mutants_survive_edits_elsewhere() -> None:
    one = mutants_of("def f(a):\n    return 2.0 * a\n", "sample")
    two = mutants_of("X = 1\n\n\ndef f(a):\n    # more words\n    b = a\n    return 2.0 * a\n", "sample")
    assert {mutant.id for mutant in one} < {mutant.id for mutant in two}
    assert len({mutant.id for mutant in mutants_of("def f(a):\n    g(a + 1)\n    g(a + 1)\n", "sample")}) == 4


def test_the_sample_is_even_and_the_same_every_time() -> None:
    known = mutants.all_mutants(mutants.ROOT, mutants.MODULES)
    drawn = mutants.sample(reversed(known), 60)
    assert drawn == mutants.sample(known, 60)
    assert len(drawn) == 60
    for module in mutants.MODULES:
        inside = [mutant for mutant in drawn if mutant.module == module]
        assert len(inside) == 60 // len(mutants.MODULES)
        assert {mutant.kind for mutant in inside} == set(KINDS)
    assert len(mutants.sample(known, 10**6)) == len(known)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a small library with a test that looks at a part of it."""
    files = {
        "raflib/__init__.py": "",
        "raflib/limits.py": """
            def twice(x):
                '''Twice x.

                >>> twice(3) > 0
                True
                '''
                return 2 * x

            def unused(x):
                return x + 0

            def forever(n):
                while n > 0:
                    n -= 1
                return n
        """,
        "tests/theory/test_limits.py": """
            from raflib.limits import forever, twice

            def test_twice():
                assert twice(2.0) == 4.0

            def test_forever():
                assert forever(3) == 0
        """,
        "pyproject.toml": "[tool.pytest.ini_options]\naddopts = ['--doctest-modules', '--import-mode=importlib']\n",
        "tests/mutants.toml": """
            [[survivor]]
            module = "limits"
            function = "unused"
            source = "return x + 0"
            becomes = "return x - 0"
            why = "0 has no sign"
        """,
    }
    for name, text in files.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return tmp_path / "project"


def test_fates(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = {mutant.after: mutant for mutant in mutants.all_mutants(project, ["limits"])}
    untouched = mutants.source_of(project, "limits").read_text(encoding="utf-8")
    runner = mutants.Runner(project, tmp_path, workers=2)
    runner.baseline()
    runner.limit = 10.0
    asked = ["return x", "return 2", "return x - 0", "return x + 1", "n += 1"]
    results = {r.mutant.after: r for r in mutants.judge_all(runner, [known[line] for line in asked])}
    fates = {line: results[line].fate for line in asked}
    assert fates == {
        "return x": "killed",
        "return 2": "killed",
        "return x - 0": "survived",
        "return x + 1": "survived",
        "n += 1": "timeout",
    }
    assert "test_twice" in results["return x"].killer
    assert mutants.source_of(project, "limits").read_text(encoding="utf-8") == untouched
    for copy in tmp_path.glob("copy*"):
        assert mutants.source_of(copy, "limits").read_text(encoding="utf-8") == untouched

    explained = mutants.explanations(project)
    code = mutants.report(project, list(results.values()), explained, list(known.values()))
    said = capsys.readouterr()
    assert code == 1
    assert "survives: 0 has no sign" in said.out
    assert "-    return x + 0\n+    return x + 1" in said.out
    assert "counts as killed: no end after 10 s" in said.out
    (words,) = (block.split("\n\n")[0] for block in said.out.split("[[survivor]]")[1:])
    ready = tomllib.loads(words) | {"why": "0 is not 1"}
    assert mutants.Explanation(**ready).fits(known["return x + 1"])
    assert "limits              5        2        1        2      60.0" in said.out
    assert "3 of 5 mutants are killed: less than 95%" in said.err
    assert f"{known['return x + 1'].id} survives unexplained" in said.err
    assert f"{known['return x - 0'].id} survives unexplained" not in said.err


def test_explanations_must_hold(project: Path) -> None:
    known = {mutant.after: mutant for mutant in mutants.all_mutants(project, ["limits"])}
    (explained,) = mutants.explanations(project)
    alive = mutants.Result(known["return x - 0"], "survived", "", 0.0, "")
    killed = alive._replace(fate="killed", killer="tests/theory/test_limits.py::test_new")
    many = [killed._replace(mutant=known["return 2"])] * 19
    assert mutants.verdict([*many, alive], [explained], list(known.values())) == []
    (wrong,) = mutants.verdict([*many, killed], [explained], list(known.values()))
    assert "the tests do kill it (tests/theory/test_limits.py::test_new)" in wrong
    (wrong,) = mutants.verdict(many, [explained], [known["return 2"]])
    assert "fits no mutant any more" in wrong


def test_the_explanations_of_this_library_fit() -> None:
    known = mutants.all_mutants(mutants.ROOT, mutants.MODULES)
    explained = mutants.explanations(mutants.ROOT)
    assert mutants.verdict([], explained, known) == []
    assert all(len(explanation.why.split()) >= 5 for explanation in explained)


def test_tests_that_fail_anyway_judge_nobody(project: Path, tmp_path: Path) -> None:
    path = project / "tests" / "theory" / "test_limits.py"
    path.write_text(path.read_text(encoding="utf-8").replace("== 4.0", "== 5.0"), encoding="utf-8")
    with pytest.raises(mutants.ToolError, match="do not pass on the unharmed sources"):
        mutants.Runner(project, tmp_path, workers=1).baseline()
