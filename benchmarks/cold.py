"""From a cold start of Python to a solved 60-point curve: `python benchmarks/cold.py raflib|baseline`."""

import sys

import numpy as np

lam = np.geomspace(1e-3, 10, 60)
if sys.argv[1] == "raflib":
    import raflib as rf

    rf.solve(rf.RulesAndFacts(alpha=2.0, eps=0.3), rf.Learner(rf.Hinge(), rf.Linear(), lam))
else:
    from baseline import solve_grid

    solve_grid(2.0, 0.3, lam, 1.0, 0.0, True)
