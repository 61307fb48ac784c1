"""Arrays that are filled part by part: in memory, or in a folder from which a later call of the same work goes on."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Type and shape of each array by name; the name is that of its file.
Layout = Mapping[str, tuple[type, tuple[int, ...]]]

#: Seconds between writes to the disk: what a killed process loses of its work, at most, beside the parts under way.
WRITE_EVERY = 1.0


@dataclass
class Archive:
    """Arrays by name, and which parts of them are done.

    Examples
    --------
    >>> import numpy as np
    >>> archive = Archive.in_memory({"q": (np.float64, (2, 2))}, parts=2)
    >>> archive.fill(0, slice(0, 3), {"q": np.ones(3)})
    >>> archive.close()
    >>> archive.arrays["q"], archive.done
    (array([[ 1.,  1.],
           [ 1., nan]]), array([ True, False]))
    """

    arrays: dict[str, NDArray[Any]]
    done: NDArray[np.bool_]
    _fresh: list[int] = field(default_factory=list)
    _written: float = 0.0

    @classmethod
    def in_memory(cls, layout: Layout, parts: int) -> Archive:
        """Arrays without values: nan, or 0 where the type has no nan."""
        arrays: dict[str, NDArray[Any]] = {
            name: np.full(shape, _nothing(kind), kind) for name, (kind, shape) in layout.items()
        }
        return cls(arrays, np.zeros(parts, dtype=bool))

    @classmethod
    def in_folder(cls, out: str | os.PathLike[str], layout: Layout, parts: int, about: dict[str, str]) -> Archive:
        """Such arrays as memory maps of the files of a new folder, or of one that an earlier call left.

        ``about`` is what makes it this work and no other; it is kept beside the arrays. Raises ValueError if the
        folder holds another work, which the message tells apart, or anything else.
        """
        folder = Path(out)
        record = folder / "about.json"
        layout = {**layout, "parts-done": (np.bool_, (parts,))}
        if record.is_file():
            before = json.loads(record.read_text(encoding="utf-8"))
            changed = [name for name in {**before, **about} if before.get(name) != about.get(name)]
            if changed:
                told = "; ".join(f"{name} was {before.get(name)}, now {about.get(name)}" for name in changed)
                raise ValueError(f"out = {str(out)!r} holds other results: {told}; name another folder")
        else:
            if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
                raise ValueError(f"out = {str(out)!r} exists and holds no results; name a new or an empty folder")
            folder.mkdir(parents=True, exist_ok=True)
            for name, (kind, shape) in layout.items():
                array = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", kind, shape)
                array[...] = _nothing(kind)
                array.flush()
            # Last, and in one step: where there is a record, all arrays are there.
            draft = folder / "about.draft"
            draft.write_text(json.dumps(about, indent=1), encoding="utf-8")
            draft.replace(record)
        arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r+") for name in layout}
        return cls(arrays, arrays.pop("parts-done"))

    def fill(self, index: int, part: slice, values: Mapping[str, NDArray[Any]]) -> None:
        """Take the values of one part, a range of the flat arrays."""
        for name, value in values.items():
            self.arrays[name].reshape(-1)[part] = value
        self._fresh.append(index)
        if time.monotonic() > self._written + WRITE_EVERY:
            self.write()

    def write(self) -> None:
        """Write to the disk; a part counts as done only once its numbers are there."""
        for array in self.arrays.values():
            if isinstance(array, np.memmap):
                array.flush()
        self.done[self._fresh] = True
        if isinstance(self.done, np.memmap):
            self.done.flush()
        self._fresh.clear()
        self._written = time.monotonic()

    def close(self) -> None:
        """Write, and let the arrays be read only."""
        self.write()
        for array in self.arrays.values():
            array.flags.writeable = False


def fingerprint(thing: Any) -> str:
    """Return a text that is equal for equal values, in any process.

    That of a function is its code, its defaults and what it closes over; what it reads from its module is not seen.

    Examples
    --------
    >>> fingerprint(lambda x: x + 1) == fingerprint(lambda x: x + 1)
    True
    >>> fingerprint(lambda x: x + 1) == fingerprint(lambda x: x + 2)
    False
    """
    from joblib import hash as digest

    return str(digest(_meaning(thing)))


def _meaning(thing: Any) -> Any:
    """Return a function's parts, without the place where it was written; anything else is itself."""
    if not isinstance(thing, FunctionType):
        return thing
    closed = [cell.cell_contents for cell in thing.__closure__ or ()]
    inner = [_meaning(it) for it in closed if it is not thing]
    return _instructions(thing.__code__), thing.__defaults__, thing.__kwdefaults__, inner


def _instructions(code: CodeType) -> tuple[Any, ...]:
    return code.co_code, code.co_names, code.co_varnames, [_constant(it) for it in code.co_consts]


def _constant(it: Any) -> Any:
    """Return a constant of a function's code as text; the order of a set differs between processes."""
    if isinstance(it, CodeType):
        return _instructions(it)
    return sorted(map(repr, it)) if isinstance(it, frozenset) else repr(it)


def _nothing(kind: type) -> float:
    return np.nan if issubclass(kind, np.floating) else 0
