"""Trained two-layer networks on rules and facts: both errors against load, width and decay, and along training."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import validation
from ..losses import Logistic, Loss, Square
from ..overlaps import Array
from ..task import RulesAndFacts, Sample
from .checks import ascending
from .errors import SimulationError
from .estimate import Estimate, estimate
from .networks import ACTIVATIONS, Network, known_loss, train_network, training_path
from .seeds import seed_list
from .trials import run_trials

_KINDS = ("generalization_error", "memorization_error", "training_error", "training_loss")


@dataclass(frozen=True)
class NetworkStudy:
    """Networks at the end of training; everything has the shape that alpha, eps, width and lam broadcast to.

    Attributes
    ----------
    generalization_error : Estimate, in [0, 1]
        Share of new inputs whose label differs from the rule.
    memorization_error : Estimate, in [0, 1]
        Share of the facts that are wrong; nan where a sample holds no fact.
    training_error : Estimate, in [0, 1]
        Share of all samples that are wrong.
    training_loss : Estimate, in [0, inf)
        Mean loss per sample, without the weight decay.
    gradient : array, shape (seeds, ...)
        Largest derivative of the objective per sample where the training ended; nan where it did not converge.
    steps : array of int, shape (seeds, ...)
        Steps of the optimiser; 0 where it did not converge.
    converged : array of bool, shape (seeds, ...)
        False where all the others are nan; only with ``on_failure="nan"``.
    seconds : array, shape (seeds, ...)
        Wall time of each training.
    alpha, eps, lam : float or array
        As given.
    width : int or array of int
        As given.
    d : int
        Input dimension.
    loss : Loss
        What was minimised.
    activation : str
        Of the hidden units.
    seeds : tuple of int
        One for each sample and its initial weights.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=3.0, eps=0.3)
    >>> study = rf.finite.network_study(task, width=[2, 30], lam=0.1, d=20, seeds=3, progress=False)
    >>> study.memorization_error.mean.shape, study.gradient.shape, bool(study.converged.all())
    ((2,), (3, 2), True)
    """

    generalization_error: Estimate
    memorization_error: Estimate
    training_error: Estimate
    training_loss: Estimate
    gradient: Array
    steps: NDArray[np.int64]
    converged: NDArray[np.bool_]
    seconds: Array
    alpha: float | Array
    eps: float | Array
    lam: float | Array
    width: int | NDArray[np.int64]
    d: int
    loss: Loss
    activation: str
    seeds: tuple[int, ...]


@dataclass(frozen=True)
class NetworkCurve:
    """A network along its training; every estimate has the shape (epochs,).

    Attributes
    ----------
    generalization_error, memorization_error, training_error, training_loss : Estimate
        As in `raflib.finite.NetworkStudy`.
    gradient : Estimate, in [0, inf)
        Largest derivative of the objective per sample: how far from done the training is.
    epochs : array of int, shape (epochs,)
        Passes over all samples.
    task : RulesAndFacts
        What was sampled.
    width : int
        Hidden units.
    lam : float
        Weight decay.
    d : int
        Input dimension.
    loss : Loss
        What was minimised.
    activation : str
        Of the hidden units.
    seeds : tuple of int
        One for each sample, its initial weights and the order of its batches.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=3.0, eps=0.3)
    >>> curve = rf.finite.network_curve(
    ...     task, width=30, lam=0.1, epochs=[1, 10, 100], d=20, seeds=3, progress=False
    ... )
    >>> curve.memorization_error.mean.shape
    (3,)
    """

    generalization_error: Estimate
    memorization_error: Estimate
    training_error: Estimate
    training_loss: Estimate
    gradient: Estimate
    epochs: NDArray[np.int64]
    task: RulesAndFacts
    width: int
    lam: float
    d: int
    loss: Loss
    activation: str
    seeds: tuple[int, ...]


def network_study(
    task: RulesAndFacts,
    width: ArrayLike,
    lam: ArrayLike,
    *,
    d: int = 50,
    seeds: int | Sequence[int] = 8,
    loss: Loss | None = None,
    activation: str = "tanh",
    tol: float = 1e-4,
    max_steps: int = 20_000,
    n_new: int = 10_000,
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
    on_failure: str = "raise",
) -> NetworkStudy:
    r"""Train both layers of networks to a stationary point, and measure what they learned and what they stored.

    .. math::

        \omega(x) &= v\cdot\sigma(W^\top x + b) + c, \\
        &\min\ \sum_\mu\ell\big(y_\mu\,\omega(x_\mu)\big) + \frac\lambda2\big(\lVert W\rVert^2+\lVert v\rVert^2\big)

    No theory of this book covers them: whether such a network can store the facts and still learn the rule at the rate
    1 / alpha is open.

    Parameters
    ----------
    task : RulesAndFacts
        Its alpha and eps may be arrays.
    width : int or array of int, at least 1
        Hidden units.
    lam : float or array, in [0, inf)
        Weight decay, of a sum over samples as everywhere in raflib.
    d : int, at least 2
        Input dimension; round(alpha d) samples.
    seeds : int, in [1, 1000000], or sequence of distinct non-negative int
        A number stands for the seeds 0 to that number less 1. A seed draws the teacher, the inputs, the new inputs and
        the initial weights, each from a stream of its own: learners of one seed, alpha and eps see the same data.
    loss : Logistic or Square, optional
        Logistic by default.
    activation : {"tanh", "relu"}
        Of the hidden units. With relu, raise tol to about 5e-2: see `raflib.finite.train_network`.
    tol : float, in (0, 1]
        Largest derivative of the objective per sample at which a training counts as done.
    max_steps : int, at least 1
        Steps of the optimiser at most, for each training.
    n_new : int, at least 100
        New inputs on which the generalization error is measured: its standard error includes theirs, at most
        1 / (2 sqrt(n_new)) for each seed.
    n_jobs : int, not 0, optional
        Workers, -1 for one a core. By default what joblib.parallel_config says, or one. The numbers do not depend
        on it.
    cache : str or path, optional
        Folder that keeps each finished training, by its parameters, the code and the versions of the packages under it.
        The same call takes from there what it finds. Deleting the folder is safe.
    progress : bool
        Show a progress bar while it runs.
    on_failure : "raise" or "nan"
        What a training that does not converge does: stop the study, or be marked nan and ``converged=False``.

    Returns
    -------
    NetworkStudy
        Mean, standard error and single values of the errors, and how each training ended.

    Raises
    ------
    ValueError
        If an argument is outside its range, if shapes do not broadcast, or if a sample holds labels of one kind only.
    SimulationError
        If a training did not converge and ``on_failure`` is "raise".

    References
    ----------
    arXiv:2603.25579, the closing question of its section on rates.

    Examples
    --------
    >>> import raflib as rf
    >>> study = rf.finite.network_study(
    ...     rf.RulesAndFacts(alpha=4.0, eps=0.3), width=[1, 20], lam=1e-2, d=30, seeds=4, progress=False
    ... )
    >>> one, twenty = study.memorization_error.mean                # one unit cannot store what twenty can
    >>> bool(one > 0.1), float(twenty)
    (True, 0.0)
    """
    validation.instance("task", task, RulesAndFacts, "an rf.RulesAndFacts(alpha, eps)")
    loss, d, n_new, tol = _settings(loss, activation, d, n_new, tol)
    max_steps = validation.integer("max_steps", max_steps, 1)
    validation.choice("on_failure", on_failure, ("raise", "nan"))
    decay = validation.number("lam", lam, 0)
    units = _widths(width)
    grid = validation.broadcast(alpha=task.alpha, eps=task.eps, width=np.asarray(units, dtype=np.float64), lam=decay)
    shape = grid[0].shape
    chosen = seed_list(seeds)
    calls = [
        (
            RulesAndFacts(float(a), float(e)),
            int(w),
            float(x),
            d,
            seed,
            loss,
            activation,
            tol,
            max_steps,
            n_new,
            on_failure,
        )
        for seed in chosen
        for a, e, w, x in zip(*(part.ravel() for part in grid), strict=True)
    ]
    results = run_trials(
        _train_and_measure,
        calls,
        n_jobs,
        progress,
        f"training networks at d = {d}",
        names=[f"seed {c[4]} at {_where(c[0])}, width = {c[1]}, lam = {c[2]:g}" for c in calls],
        cache=cache,
    )
    table = np.array(results).reshape(len(chosen), *shape, -1)
    return NetworkStudy(
        **{kind: estimate(table[..., i]) for i, kind in enumerate(_KINDS)},
        gradient=table[..., 4],
        steps=table[..., 5].astype(np.int64),
        converged=np.isfinite(table[..., 4]),
        seconds=table[..., 6],
        alpha=task.alpha,
        eps=task.eps,
        lam=decay,
        width=units,
        d=d,
        loss=loss,
        activation=activation,
        seeds=chosen,
    )


def network_curve(
    task: RulesAndFacts,
    width: int,
    lam: float,
    epochs: Sequence[int] | NDArray[np.int64],
    *,
    d: int = 50,
    seeds: int | Sequence[int] = 8,
    loss: Loss | None = None,
    activation: str = "tanh",
    learning_rate: float = 1e-3,
    batch: int | None = 32,
    n_new: int = 10_000,
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> NetworkCurve:
    """Measure both errors of a two-layer network along its training by Adam: the rule comes early, the facts late.

    Parameters
    ----------
    task : RulesAndFacts
        With scalar alpha and eps.
    width : int, at least 1
        Hidden units.
    lam : float, in [0, inf)
        Weight decay, of a sum over samples as everywhere in raflib.
    epochs : sequence of int, at least 1, ascending
        After how many passes over all samples to measure.
    d : int, at least 2
        Input dimension; round(alpha d) samples.
    seeds : int, in [1, 1000000], or sequence of distinct non-negative int
        As for `raflib.finite.network_study`; a seed also orders the batches.
    loss : Logistic or Square, optional
        Logistic by default.
    activation : {"tanh", "relu"}
        Of the hidden units.
    learning_rate : float, in (0, 1]
        Size of the first steps.
    batch : int, at least 1, or None
        Samples per step; None is all, one step an epoch.
    n_new : int, at least 100
        New inputs on which the generalization error is measured.
    n_jobs : int, not 0, optional
        Workers, -1 for one a core. By default what joblib.parallel_config says, or one. The numbers do not depend
        on it.
    cache : str or path, optional
        Folder that keeps each finished training, by its parameters, the code and the versions of the packages under it.
        The same call takes from there what it finds. Deleting the folder is safe.
    progress : bool
        Show a progress bar while it runs.

    Returns
    -------
    NetworkCurve
        Errors, loss and gradient after each of the epochs.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if a sample holds labels of one kind only.
    SimulationError
        If a worker died, or if memory was short.

    References
    ----------
    Arpit et al., ICML 2017, arXiv:1706.05394, on what networks learn first.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=4.0, eps=0.4)
    >>> curve = rf.finite.network_curve(
    ...     task, width=40, lam=0.0, epochs=[10, 120], d=20, seeds=4, learning_rate=5e-3, progress=False
    ... )
    >>> early, late = curve.memorization_error.mean
    >>> bool(early > 0.1), bool(late < 0.01)
    (True, True)
    """
    validation.instance("task", task, RulesAndFacts, "an rf.RulesAndFacts(alpha, eps)")
    loss, d, n_new, _ = _settings(loss, activation, d, n_new, 1.0)
    for name, value in {"alpha": task.alpha, "eps": task.eps, "lam": lam}.items():
        if np.ndim(value):
            raise ValueError(f"{name} has shape {np.shape(value)}; a training curve takes a scalar {name}")
    units, decay = validation.integer("width", width, 1), float(validation.number("lam", lam, 0))
    wanted = ascending("epochs", epochs)
    rate = float(validation.number("learning_rate", learning_rate, 0, 1, open_low=True))
    size = None if batch is None else validation.integer("batch", batch, 1)
    chosen = seed_list(seeds)
    calls = [(task, units, decay, wanted, d, seed, loss, activation, rate, size, n_new) for seed in chosen]
    names = [f"seed {seed} at {_where(task)}, width = {units}, lam = {decay:g}" for seed in chosen]
    label = f"training networks at d = {d}"
    table = np.array(run_trials(_follow, calls, n_jobs, progress, label, names=names, cache=cache))
    return NetworkCurve(
        **{kind: estimate(table[..., i]) for i, kind in enumerate(_KINDS)},
        gradient=estimate(table[..., 4]),
        epochs=np.array(wanted),
        task=task,
        width=units,
        lam=decay,
        d=d,
        loss=loss,
        activation=activation,
        seeds=chosen,
    )


def _train_and_measure(
    task: RulesAndFacts,
    width: int,
    lam: float,
    d: int,
    seed: int,
    loss: Logistic | Square,
    activation: str,
    tol: float,
    max_steps: int,
    n_new: int,
    on_failure: str,
) -> list[float]:
    """Return the errors, gradient, steps and seconds of one training."""
    began = time.perf_counter()
    data, start, inputs = _draw(task, d, seed, n_new)
    try:
        trained = train_network(
            data.X, data.y, width, lam, start, loss=loss, activation=activation, tol=tol, max_steps=max_steps
        )
    except SimulationError:
        if on_failure == "raise":
            raise
        return [np.nan] * 5 + [0.0, time.perf_counter() - began]
    errors = _measure(trained.network, data, loss, inputs)
    return [*errors, trained.gradient, trained.steps, time.perf_counter() - began]


def _follow(
    task: RulesAndFacts,
    width: int,
    lam: float,
    epochs: list[int],
    d: int,
    seed: int,
    loss: Logistic | Square,
    activation: str,
    learning_rate: float,
    batch: int | None,
    n_new: int,
) -> list[list[float]]:
    """Return the errors and the gradient after each of the epochs of one training."""
    data, start, inputs = _draw(task, d, seed, n_new)
    path = training_path(
        data.X,
        data.y,
        width,
        lam,
        start,
        epochs,
        loss=loss,
        activation=activation,
        learning_rate=learning_rate,
        batch=batch,
    )
    return [
        [*_measure(net, data, loss, inputs), float(np.abs(net.gradient(data.X, data.y, loss, lam)).max())]
        for net in path
    ]


def _where(task: RulesAndFacts) -> str:
    """Return a scalar task in words."""
    return f"alpha = {task.alpha:g}, eps = {task.eps:g}"


def _draw(task: RulesAndFacts, d: int, seed: int, n_new: int) -> tuple[Sample, np.random.SeedSequence, Array]:
    """Return the training set, the seed of the initial weights, and new inputs."""
    sample, start, new = np.random.SeedSequence(seed).spawn(3)
    data = task.sample(d, np.random.default_rng(sample))
    return data, start, np.random.default_rng(new).standard_normal((n_new, d))


def _measure(network: Network, data: Sample, loss: Loss, inputs: Array) -> list[float]:
    """Return the errors and the loss of a network."""
    margins = data.y * network.fields(data.X)
    wrong = margins <= 0.0
    rule = np.where(inputs @ data.teacher >= 0.0, 1.0, -1.0)
    return [
        float((rule * network.fields(inputs) <= 0.0).mean()),
        float(wrong[data.is_fact].mean()) if data.is_fact.any() else np.nan,
        float(wrong.mean()),
        float(loss.value(margins).mean()),
    ]


def _settings(
    loss: Loss | None, activation: str, d: int, n_new: int, tol: float
) -> tuple[Logistic | Square, int, int, float]:
    """Return the settings that both experiments share, checked."""
    validation.choice("activation", activation, tuple(ACTIVATIONS))
    return (
        known_loss(loss),
        validation.integer("d", d, 2),
        validation.integer("n_new", n_new, 100),
        float(validation.number("tol", tol, 0, 1, open_low=True)),
    )


def _widths(width: Any) -> int | NDArray[np.int64]:
    """Return the width or widths, checked."""
    if np.ndim(width) == 0:
        return validation.integer("width", width, 1)
    units = np.array(width)
    if units.dtype.kind not in "iu" or (units < 1).any():
        raise ValueError(f"width = {width!r} must be whole numbers in the allowed range [1, inf)")
    units.flags.writeable = False
    return units
