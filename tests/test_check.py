"""What the cells of the exercises say."""

from __future__ import annotations

import numpy as np
import pytest

import raflib as rf


@pytest.mark.parametrize(
    ("answer", "expected", "options", "verdict", "said"),
    [
        (..., 1.0, {}, None, "Not answered yet"),
        (1.004, 1.0, {}, True, "Correct, to within 1%"),
        (1.02, 1.0, {}, False, "2% too large"),
        (0.5, lambda: 1.0, {}, False, "50% too small"),
        (-1.0, 1.0, {}, False, "largest difference is 2"),
        (1e-9, 0.0, {"atol": 1e-6}, True, "Correct, to within 1e-06"),
        (0.1, 0.0, {"atol": 1e-6}, False, "largest difference is 0.1"),
        (np.array([1.0, 2.0]), np.array([1.0, 2.0]), {}, True, "Correct"),
        (np.array([1.0, 3.0]), np.array([1.0, 2.0]), {}, False, "largest difference is 1"),
        (np.array([1.0]), 1.0, {}, False, "shape"),
    ],
)
def test_verdict(answer, expected, options, verdict, said, capsys) -> None:
    assert rf.check(answer, expected, **options) is verdict
    assert said in capsys.readouterr().out


def test_stamp_names_versions_and_seed(capsys) -> None:
    rf.stamp(seed=[0, 1])
    out = capsys.readouterr().out
    for word in ("raflib", "numpy", "scipy", "seed [0, 1]", "s since import"):
        assert word in out
