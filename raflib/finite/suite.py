"""The parameter points at which the book holds its theory against trained learners."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np

from .. import validation
from ..features import FeatureMap, Kernel, Linear, RandomFeatures
from ..learner import BayesOptimal, Learner
from ..losses import Hinge, Logistic, MaxMargin, MinNorm, Square, SquaredHinge
from ..overlaps import Array
from ..task import RulesAndFacts
from .actual import ActivationFeatures, Actual, DotProductKernel, RBFKernel
from .agreement import Agreement, agreement
from .seeds import MOST

#: New inputs per seed, where the generalization error is measured on some: about the scatter between samples.
_TEST_SIZE = 1000


@dataclass(frozen=True)
class Case:
    """A learner on a task, along a path of lam, with the dimension and the seeds to train it with.

    Attributes
    ----------
    name : str
        In words.
    task : RulesAndFacts
        What is sampled.
    learner : Learner or BayesOptimal
        What is trained.
    d : int
        Input dimension.
    seeds : tuple of int
        Seeds that no other case of the suite has: cases are independent of each other.
    inputs : {"gaussian", "sphere", "binary"}
        Law of the inputs.
    actual : ActivationFeatures, DotProductKernel, RBFKernel or None
        What is trained on, if not the Gaussian equivalent.

    Examples
    --------
    >>> import raflib as rf
    >>> case = rf.finite.suite()[0]
    >>> case.name, case.d, len(case.seeds)
    ('ridge, linear', 1000, 20)
    """

    name: str
    task: RulesAndFacts
    learner: Learner | BayesOptimal
    d: int
    seeds: tuple[int, ...]
    inputs: str = "gaussian"
    actual: Actual | None = None

    def run(
        self, n_jobs: int | None = None, cache: str | os.PathLike[str] | None = None, progress: bool = True
    ) -> Agreement:
        """Return `raflib.finite.agreement` of this case.

        Parameters
        ----------
        n_jobs : int, not 0, optional
            Parallel processes.
        cache : str or path, optional
            Folder that keeps each finished seed.
        progress : bool
            Show a progress bar while it runs.

        Returns
        -------
        Agreement
            Theory, measured values and z.

        Raises
        ------
        ValueError
            If an argument is outside its range.
        SimulationError
            If a learner could not be trained, or if message passing did not converge.
        ConvergenceError
            If the theory has no solution, as for a constraint that cannot be met.

        Examples
        --------
        >>> import raflib as rf
        >>> case = rf.finite.suite(seeds=2)[10]
        >>> case.run(n_jobs=1, progress=False).name == case.name
        True
        """
        return agreement(
            self.task,
            self.learner,
            self.d,
            self.seeds,
            inputs=self.inputs,
            actual=self.actual,
            test_size=_TEST_SIZE,
            name=self.name,
            n_jobs=n_jobs,
            cache=cache,
            progress=progress,
        )


def suite(seeds: int = 20) -> tuple[Case, ...]:
    """Return the cases: every loss on every kind of features, actual ones too, other inputs, and the Bayes-optimal one.

    The seeds 0, 1, 2, ... are dealt out in the order of the cases, each to one case. No two cases share a sample, and
    no seed is chosen by its result.

    Parameters
    ----------
    seeds : int, in [2, 1000000]
        Seeds of each case.

    Returns
    -------
    tuple of Case
        In the order of the table of the appendix.

    Raises
    ------
    ValueError
        If there are fewer than two seeds.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> cases = rf.finite.suite()
    >>> points = sum(np.size(getattr(case.learner, "lam", 0.0)) for case in cases)
    >>> points >= 30, cases[1].seeds[:3]
    (True, (20, 21, 22))
    """
    seeds = validation.integer("seeds", seeds, 2, MOST)
    cases = []
    for i, (name, (alpha, eps), learner, d, inputs, actual) in enumerate(_rows()):
        dealt = tuple(range(i * seeds, (i + 1) * seeds))
        cases.append(Case(name, RulesAndFacts(alpha, eps), learner, d, dealt, inputs, actual))
    return tuple(cases)


def _rows() -> list[tuple[str, tuple[float, float], Learner | BayesOptimal, int, str, Actual | None]]:
    """Return the table: name, alpha and eps, learner, d, law of the inputs, actual features."""
    linear, kernel, steep = Linear(), Kernel(0.8, 0.6), Kernel(0.6, 0.8)
    relu, erf, tanh = (ActivationFeatures(name) for name in ("relu", "erf", "tanh"))
    rbf, cubic = RBFKernel(0.5), DotProductKernel(_cubic)
    on_relu, on_erf, on_tanh = relu.equivalent(2.0), erf.equivalent(1.5), tanh.equivalent(0.8)
    on_rbf, on_cubic = rbf.equivalent, cubic.equivalent
    random, wide = RandomFeatures(0.8, 0.6, 1.2), RandomFeatures(0.6, 0.8, 2.5)
    normal, sphere, binary = "gaussian", "sphere", "binary"
    path = (0.02, 0.1, 0.5, 2.5)
    return [
        ("ridge, linear", (0.8, 0.3), _ridge(linear, 0.1, 2.0), 1000, normal, None),
        ("hinge, linear", (1.5, 0.3), _hinge(linear, 1.0, 4.0), 400, normal, None),
        ("squared hinge, linear", (2.0, 0.1), _squared(linear, 0.5, 2.0), 400, normal, None),
        ("logistic, linear", (2.0, 0.3), _logistic(linear, 0.1, 1.0), 500, normal, None),
        ("minimum norm, linear", (0.2, 0.3), Learner(MinNorm(), linear, 1.0), 1500, normal, None),
        ("maximum margin, linear, facts only", (1.0, 1.0), Learner(MaxMargin(), linear, 1.0), 500, normal, None),
        ("maximum margin, linear", (1.0, 0.3), Learner(MaxMargin(), linear, 1.0), 500, normal, None),
        ("ridge, kernel", (3.0, 0.2), _ridge(kernel, 0.5, 2.0), 400, normal, None),
        ("hinge, kernel", (2.0, 0.3), _hinge(kernel, 0.5, 1.5), 400, normal, None),
        ("squared hinge, kernel", (2.0, 0.1), _squared(kernel, 0.5, 2.0), 400, normal, None),
        ("logistic, kernel", (2.0, 0.3), _logistic(kernel, 0.3, 1.0), 400, normal, None),
        ("logistic, kernel, rules only", (2.0, 0.0), _logistic(kernel, 0.3, 1.0), 400, normal, None),
        ("minimum norm, kernel", (1.5, 0.3), Learner(MinNorm(), steep, 1.0), 700, normal, None),
        ("maximum margin, kernel", (1.5, 0.3), Learner(MaxMargin(), steep, 1.0), 400, normal, None),
        ("ridge, random features like relu's", (1.5, 0.3), _ridge(on_relu, *path), 400, normal, None),
        ("ridge, relu features", (1.5, 0.3), _ridge(on_relu, *path), 400, normal, relu),
        ("ridge, relu features", (1.5, 0.3), _ridge(on_relu, *path), 400, binary, relu),
        ("hinge, random features like erf's", (1.5, 0.2), _hinge(on_erf, 0.3, 1.0, 3.0), 400, normal, None),
        ("hinge, erf features", (1.5, 0.2), _hinge(on_erf, 0.3, 1.0, 3.0), 400, normal, erf),
        ("hinge, erf features", (1.5, 0.2), _hinge(on_erf, 0.3, 1.0, 3.0), 400, binary, erf),
        ("squared hinge, tanh features", (1.5, 0.3), _squared(on_tanh, 0.3, 1.0), 400, normal, tanh),
        ("squared hinge, random features", (1.5, 0.2), _squared(random, 0.3, 1.0), 400, normal, None),
        ("logistic, random features", (1.5, 0.2), _logistic(random, 0.1, 1.0), 400, normal, None),
        ("minimum norm, random features", (1.0, 0.3), Learner(MinNorm(), wide, 1.0), 400, normal, None),
        ("maximum margin, random features", (1.0, 0.3), Learner(MaxMargin(), wide, 1.0), 400, normal, None),
        ("ridge, RBF kernel", (1.5, 0.3), _ridge(on_rbf, 0.05, 1.0), 400, sphere, rbf),
        ("hinge, RBF kernel", (1.5, 0.3), _hinge(on_rbf, 0.5, 1.5), 400, sphere, rbf),
        ("maximum margin, RBF kernel", (1.0, 0.3), Learner(MaxMargin(), on_rbf, 1.0), 400, sphere, rbf),
        ("logistic, cubic kernel", (1.0, 0.3), _logistic(on_cubic, 0.5, 1.0), 400, sphere, cubic),
        ("ridge, linear", (2.0, 0.3), _ridge(linear, 0.1, 1.0), 500, binary, None),
        ("hinge, linear", (2.0, 0.3), _hinge(linear, 0.5, 2.0), 400, binary, None),
        ("Bayes-optimal", (1.5, 0.3), BayesOptimal(), 500, normal, None),
        ("Bayes-optimal", (3.0, 0.2), BayesOptimal(), 400, normal, None),
    ]


def _ridge(features: FeatureMap, *lam: float) -> Learner:
    return Learner(Square(), features, np.array(lam))


def _hinge(features: FeatureMap, *lam: float) -> Learner:
    return Learner(Hinge(), features, np.array(lam))


def _squared(features: FeatureMap, *lam: float) -> Learner:
    return Learner(SquaredHinge(), features, np.array(lam))


def _logistic(features: FeatureMap, *lam: float) -> Learner:
    return Learner(Logistic(), features, np.array(lam))


def _cubic(t: Array) -> Array:
    return np.asarray(t + t * t * t)
