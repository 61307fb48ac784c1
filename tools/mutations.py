"""Small wrong changes of a source text, found in its syntax tree by general rules.

Five kinds, each what a slip of the pen does to a formula:

sign     + and - swapped, a minus or np.abs left out
factor   a factor, a divisor, a numerator or a power left out, * and / swapped in an update
order    < and > swapped, min and max swapped
branch   the two sides of a choice swapped: if, where, and / or, any / all, ==, is
limit    a number, a named constant or the end of a range moved

Left alone is what is not the calculation: docstrings, annotations, decorators, error messages and the rest of a
raise, isinstance, shapes, axes and the arithmetic of indices, and terms that are 0 times something, or called zero,
which only give a shape.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

KINDS = ("sign", "factor", "order", "branch", "limit")

_SWAPPED = {
    ast.Add: ("sign", "+", "-"),
    ast.Sub: ("sign", "-", "+"),
    ast.BitAnd: ("branch", "&", "|"),
    ast.BitOr: ("branch", "|", "&"),
    ast.And: ("branch", "and", "or"),
    ast.Or: ("branch", "or", "and"),
    ast.Lt: ("order", "<", ">"),
    ast.Gt: ("order", ">", "<"),
    ast.LtE: ("order", "<=", ">="),
    ast.GtE: ("order", ">=", "<="),
    ast.Eq: ("branch", "==", "!="),
    ast.NotEq: ("branch", "!=", "=="),
    ast.Is: ("branch", "is", "is not"),
    ast.IsNot: ("branch", "is not", "is"),
    ast.Mult: ("factor", "*", "/"),
    ast.Div: ("factor", "/", "*"),
}
_PAIRS = {"minimum": "maximum", "min": "max", "fmin": "fmax", "argmin": "argmax", "nanmin": "nanmax"}
_SWAPPED_CALLS = (
    {a: ("order", b) for a, b in (_PAIRS | {b: a for a, b in _PAIRS.items()}).items()}
    | {"all": ("branch", "any"), "any": ("branch", "all")}
    | {"add": ("sign", "subtract"), "subtract": ("sign", "add")}
    | {"multiply": ("factor", "divide"), "divide": ("factor", "multiply")}
)
_DROPPED_CALLS = {"abs": "sign", "fabs": "sign", "negative": "sign", "sqrt": "factor", "square": "factor"}
_UNTOUCHED_CALLS = {"isinstance", "issubclass", "cast", "TypeVar", "errstate", "range", "reshape", "moveaxis"}
_SHAPED_CALLS = {"zeros", "ones", "empty", "full", "eye"}  # their first argument is a shape
_UNTOUCHED_KEYWORDS = {"axis", "axes", "dtype", "strict", "keepdims"}


@dataclass(frozen=True)
class Mutant:
    """One change: bytes start to end of a module's source become other text."""

    module: str
    function: str
    kind: str
    before: str  # the lines that change, as they are ...
    after: str  # ... and as they become; both with single spaces
    nth: int  # which one, where one function has several that read the same
    start: int
    end: int
    text: str

    @property
    def id(self) -> str:
        """Eight letters that stay the same while other lines of the file change."""
        words = "\0".join((self.module, self.function, self.before, self.after, str(self.nth)))
        return hashlib.sha256(words.encode()).hexdigest()[:8]

    def __str__(self) -> str:
        where = f"{self.module}.{self.function}".rstrip(".")
        return f"{self.id} {self.kind} in {where}: {self.before}  ->  {self.after}"

    def apply(self, source: str) -> str:
        """Return the whole source with the change."""
        data = source.encode()
        return (data[: self.start] + self.text.encode() + data[self.end :]).decode()


def mutants_of(source: str, module: str) -> list[Mutant]:
    """Return every mutant of a module's source, in the order of the text."""
    finder = _Finder(source, module)
    finder.visit(ast.parse(source))
    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for mutant in sorted(set(finder.found), key=lambda m: (m.start, m.end, m.text)):
        words = (mutant.function, mutant.before, mutant.after)
        found.append(replace(mutant, nth=seen[words]))
        seen[words] += 1
    return found


class _Finder(ast.NodeVisitor):
    """Walks a module's tree and keeps what the rules find."""

    def __init__(self, source: str, module: str) -> None:
        self.data, self.module = source.encode(), module
        self.lines = [0, *(match.end() for match in re.finditer(rb"\n", self.data))]
        self.names: list[str] = []
        self.in_index = False
        self.found: list[Mutant] = []

    # ------------------------------------------------------------ positions and text

    def begin(self, node: ast.expr | ast.stmt) -> int:
        return self.lines[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.lines[node.end_lineno - 1] + node.end_col_offset

    def text(self, node: ast.expr) -> str:
        """Return an expression's text, in parentheses unless it binds as tightly as they do."""
        words = self.data[self.begin(node) : self.end(node)].decode()
        tight = isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript | ast.Constant | ast.Tuple)
        return words if tight and "\n" not in words else f"({words})"

    def add(self, kind: str, start: int, end: int, text: str) -> None:
        first = self.data.rfind(b"\n", 0, start) + 1
        last = self.data.find(b"\n", end)
        last = len(self.data) if last < 0 else last
        before = self.data[first:last].decode()
        after = (self.data[first:start] + text.encode() + self.data[end:last]).decode()
        words = (" ".join(re.sub(r"  #[^\n]*", "", line).split()) for line in (before, after))
        self.found.append(Mutant(self.module, ".".join(self.names), kind, *words, 0, start, end, text))

    def put(self, kind: str, node: ast.expr, text: str) -> None:
        self.add(kind, self.begin(node), self.end(node), text)

    def swap_operator(self, operator: ast.AST, after: int, before: int, suffix: str = "") -> None:
        """Swap the one operator between two operands; what else stands there is parentheses and comments."""
        if type(operator) not in _SWAPPED:
            return
        kind, old, new = _SWAPPED[type(operator)]
        gap = re.sub(rb"#[^\n]*", lambda comment: b" " * len(comment[0]), self.data[after:before])
        at = re.search(rb"\s+".join(re.escape(word) for word in (old + suffix).encode().split()), gap)
        assert at, (operator, gap)
        self.add(kind, after + at.start(), after + at.end(), new + suffix)

    # ------------------------------------------------------------ what is left alone

    def _named(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        self.names.append(node.name)
        if isinstance(node, ast.FunctionDef):
            for default in (*node.args.defaults, *(d for d in node.args.kw_defaults if d)):
                self.visit(default)
        for statement in node.body:
            self.visit(statement)
        self.names.pop()

    visit_FunctionDef = visit_ClassDef = _named

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value:
            self.visit(node.value)

    def _left_alone(self, node: ast.AST) -> None:
        pass

    visit_Raise = visit_Assert = visit_JoinedStr = visit_Import = visit_ImportFrom = _left_alone

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in _UNTOUCHED_KEYWORDS:
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if not isinstance(node.value, ast.Name):
            self.visit(node.value)
        outside, self.in_index = self.in_index, True
        self.visit(node.slice)
        self.in_index = outside

    # ------------------------------------------------------------ the rules

    def visit_BinOp(self, node: ast.BinOp) -> None:
        left, right = node.left, node.right
        factors = isinstance(node.op, ast.Mult | ast.Div | ast.Pow)
        if not self.in_index or isinstance(node.op, ast.BitAnd | ast.BitOr):
            if not factors and not any(_is_shape(side) or _is_sequence(side) for side in (left, right)):
                self.swap_operator(node.op, self.end(left), self.begin(right))
            if factors and not _is_shape(node) and not any(_is_sequence(side) for side in (left, right)):
                self.put("factor", node, self.text(left))
                if isinstance(node.op, ast.Mult):
                    self.put("factor", node, self.text(right))
                elif isinstance(node.op, ast.Div) and not isinstance(left, ast.Constant):
                    self.put("factor", node, f"(1.0 / {self.text(right)})")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.swap_operator(node.op, self.end(node.target), self.begin(node.value), suffix="=")
        if isinstance(node.op, ast.Mult | ast.Div):
            self.put("factor", node.value, "1.0")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.USub) and not self.in_index:
            self.put("sign", node, self.text(node.operand))
        elif isinstance(node.op, ast.Not | ast.Invert):
            self.put("branch", node, self.text(node.operand))
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        for operator, (left, right) in zip(node.ops, pairwise((node.left, *node.comparators)), strict=True):
            self.swap_operator(operator, self.end(left), self.begin(right))
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for left, right in pairwise(node.values):
            self.swap_operator(node.op, self.end(left), self.begin(right))
        self.generic_visit(node)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        if not _has_mutants(node.test):
            yes, no = self.text(node.orelse), self.text(node.body)
            self.put("branch", node, f"({yes} if {self.text(node.test)} else {no})")
        self.generic_visit(node)

    def _condition(self, node: ast.If | ast.While) -> None:
        if not _has_mutants(node.test):
            self.put("branch", node.test, f"not {self.text(node.test)}")
        self.generic_visit(node)

    visit_If = visit_While = _condition

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _UNTOUCHED_CALLS:
            return
        if name in _SWAPPED_CALLS:
            kind, other = _SWAPPED_CALLS[name]
            self.add(kind, self.end(node.func) - len(name), self.end(node.func), other)
        if name in _DROPPED_CALLS and len(node.args) == 1 and not node.keywords:
            self.put(_DROPPED_CALLS[name], node, self.text(node.args[0]))
        if name == "where" and len(node.args) == 3 and not _has_mutants(node.args[0]):
            _, yes, no = node.args
            self.add("branch", self.begin(yes), self.end(no), f"{self.text(no)}, {self.text(yes)}")
        if name == "clip" and len(node.args) == 3:
            self.put("limit", node.args[1], "-np.inf")
            self.put("limit", node.args[2], "np.inf")
        self.visit(node.func)
        for argument in node.args[name in _SHAPED_CALLS :]:
            self.visit(argument)
        for keyword in node.keywords:
            self.visit(keyword)

    def visit_Constant(self, node: ast.Constant) -> None:
        if self.in_index or isinstance(node.value, bool) or not isinstance(node.value, int | float):
            return
        for moved in _moved(self.text(node), node.value):
            self.put("limit", node, moved)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if isinstance(node.value, ast.Name) and node.value.id == "np" and not self.in_index:
            for name, other in (("inf", "1.0"), ("pi", "3.0")):
                if node.attr == name:
                    self.put("limit", node, other)
        if not isinstance(node.value, ast.Name):
            self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        # A name that is iterated, indexed or asked for an attribute, where this is not called, is no number.
        constant = re.fullmatch(r"_?[A-Z][A-Z0-9]*(_[A-Z0-9]+)*", node.id) and len(node.id.strip("_")) > 2
        if constant and isinstance(node.ctx, ast.Load) and not self.in_index:
            self.put("limit", node, f"(0.1 * {node.id})")

    def visit_Starred(self, node: ast.Starred) -> None:
        if not isinstance(node.value, ast.Name):
            self.generic_visit(node)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        if not isinstance(node.iter, ast.Name):
            self.visit(node.iter)
        for condition in node.ifs:
            self.visit(condition)


def _has_mutants(test: ast.expr) -> bool:
    """Say whether a condition has mutants that lead to the other branch, or is none (while True)."""
    inverted = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not | ast.Invert)
    return inverted or isinstance(test, ast.Constant | ast.Compare | ast.BoolOp)


def _is_shape(node: ast.expr) -> bool:
    """Say whether this is 0 times something, or named so: it adds nothing but its shape."""
    if isinstance(node, ast.Name):
        return node.id == "zero"
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult)):
        return False
    return any(isinstance(side, ast.Constant) and side.value == 0 for side in (node.left, node.right))


def _is_sequence(node: ast.expr) -> bool:
    """Say whether + joins and * repeats here: a text, a list, a tuple."""
    text = isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    return text or isinstance(node, ast.List | ast.Tuple | ast.ListComp)


def _moved(text: str, value: float) -> Iterator[str]:
    """Yield numbers far enough from this one to matter: a limit given by its exponent moves by three decades."""
    if "e" in text.lower():
        yield from (f"{value * 1e3:.6g}", f"{value * 1e-3:.6g}")
    elif isinstance(value, int):
        yield str(value + 1 if value < 8 else value // 4)
    else:
        yield repr(1.25 * value) if value else "1.0"
