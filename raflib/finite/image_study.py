"""Kernel learners on images that carry rules and facts: both errors against kernel width and ridge."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from .. import validation
from ..features import Kernel
from ..losses import Loss, Square
from ..overlaps import Array
from .actual import RBFKernel
from .designs import KernelDesign
from .estimate import Estimate, estimate
from .images import Images, ImageSample
from .seeds import seed_list
from .training import train_path
from .trials import run_trials


@dataclass(frozen=True)
class ImageStudy:
    """Errors of kernel learners on images; every error has the shape (widths, ridges).

    Attributes
    ----------
    generalization_error : Estimate, in [0, 1]
        Share of new images of the two rule classes that are put into the wrong class.
    memorization_error : Estimate, in [0, 1]
        Share of the facts that are wrong; nan without facts.
    training_error : Estimate, in [0, 1]
        Share of all training images that are wrong.
    effective_dimension : Estimate, in [1, d]
        Participation ratio (tr C)^2 / tr C^2 of the training images' covariance C: how many directions carry the
        variance. It is d for the theory's inputs and much smaller for images.
    eta : array, shape (widths,)
        Inverse squared kernel widths.
    lam : array, shape (ridges,)
        Ridges.
    angle : array, shape (widths,)
        What the theory makes of each width: ``rf.Kernel.rbf(eta).angle``, in radians.
    n, n_new : int
        Number of training images and of new ones.
    eps : float, in [0, 1]
        Share of facts among the training images.
    loss : Loss
        What was minimised.
    constant : bool
        Whether the kernel kept its constant part.
    seeds : tuple of int
        One for each split of the images and its coins.

    Examples
    --------
    >>> import raflib as rf
    >>> digits = rf.finite.load_images("digits")
    >>> study = rf.finite.image_study(
    ...     digits, (3, 8), 5, n=100, eps=0.4, eta=[0.1, 2], lam=0.1, seeds=3, progress=False
    ... )
    >>> study.memorization_error.mean.shape, study.angle.shape, study.n_new
    ((2, 1), (2,), 288)
    """

    generalization_error: Estimate
    memorization_error: Estimate
    training_error: Estimate
    effective_dimension: Estimate
    eta: Array
    lam: Array
    angle: Array
    n: int
    n_new: int
    eps: float
    loss: Loss
    constant: bool
    seeds: tuple[int, ...]


def image_study(
    images: Images,
    rule: tuple[int | str, int | str],
    fact: int | str,
    *,
    n: int,
    eps: float,
    eta: ArrayLike,
    lam: ArrayLike,
    loss: Loss | None = None,
    constant: bool = False,
    seeds: int | Sequence[int] = 8,
    n_new: int = 2000,
    n_jobs: int | None = None,
    cache: str | os.PathLike[str] | None = None,
    progress: bool = True,
) -> ImageStudy:
    r"""Train kernel learners on images of a rule and of facts, for every kernel width and ridge, over random splits.

    Each seed splits the images anew and flips new coins (see `raflib.finite.Images.sample`). The kernel is

    .. math::

        k(x, x') = e^{-\eta\lVert x-x'\rVert^2/d} - e^{-2\eta}, \qquad \lVert x\rVert^2 = d,

    so that eta means what it means in `raflib.Kernel.rbf`. There is no intercept. The constant that is subtracted, the
    Gaussian's value between inputs without overlap, would do the work of a penalised one; the theory leaves it out.

    Parameters
    ----------
    images : Images
        From `raflib.finite.load_images`.
    rule : pair of classes
        Which carry the rule, as +1 and -1.
    fact : class
        Whose images carry coin flips.
    n : int, at least 2
        Number of training images.
    eps : float, in [0, 1]
        Share of facts among them.
    eta : float or array, shape (widths,), in (0, 300]
        Inverse squared kernel widths.
    lam : float or array, shape (ridges,), in [0, inf)
        Ridges, of a sum over samples as everywhere in raflib. 0 is the limit lam -> 0+, which interpolates.
    loss : Square, Hinge, Logistic, SquaredHinge, MinNorm or MaxMargin, optional
        Kernel ridge regression by default; Hinge is the support vector machine.
    constant : bool
        Whether to keep the constant part, as scikit-learn's kernel ``"rbf"`` at gamma = eta / d does. Through it the
        majority of the labels decides where the kernel is wide and the ridge large.
    seeds : int, in [1, 1000000], or sequence of distinct non-negative int
        A number stands for the seeds 0 to that number less 1.
    n_new : int, at least 2
        At most so many new images in each split.
    n_jobs : int, not 0, optional
        Workers, -1 for one a core. By default what joblib.parallel_config says, or one. The numbers do not depend
        on it.
    cache : str or path, optional
        Folder that keeps each finished split, by its parameters, the code and the versions of the packages under it.
        The same call takes from there what it finds. Deleting the folder is safe.
    progress : bool
        Show a progress bar while it runs.

    Returns
    -------
    ImageStudy
        Mean, standard error and single values of the errors. The standard errors are those of the split and the coins,
        on this set of images: splits of few images share many of them, so they say nothing of another set.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the loss has no finite-size version. Also what
        `raflib.finite.Images.sample` raises.
    SimulationError
        If an optimiser did not converge, or if lam is too small for the accuracy of the kernel matrix.

    Notes
    -----
    Time and memory per seed: n^3 for each width with the square loss, whatever the number of ridges; about n^2 for each
    width and ridge with the hinge loss. n^2 and n_new n numbers are kept at a time.

    To repeat the paper, give `raflib.finite.load_images` the folder with the binary version of CIFAR-10, and take the
    rule ("cat", "dog") and the fact "automobile".

    References
    ----------
    arXiv:2603.25579, real data. El Karoui, Ann. Statist. 38 (2010) 1, for the angle.

    Examples
    --------
    >>> import raflib as rf
    >>> digits = rf.finite.load_images("digits")
    >>> study = rf.finite.image_study(
    ...     digits, (3, 8), fact=5, n=200, eps=0.4, eta=[0.05, 1], lam=[1e-4, 1], seeds=4, progress=False
    ... )
    >>> wide, narrow = study.memorization_error.mean          # at the large ridge the narrow kernel stores more
    >>> bool(wide[0] == narrow[0] == 0.0), bool(narrow[1] < wide[1] - 0.1)
    (True, True)
    """
    if not isinstance(images, Images):
        raise ValueError(f"images is of type {type(images).__name__}; make Images of it with rf.finite.load_images")
    loss = Square() if loss is None else loss
    widths = _line("eta", validation.number("eta", eta, 0, 300, open_low=True))
    ridges = _line("lam", validation.number("lam", lam, 0))
    chosen = seed_list(seeds)
    calls = [(images, rule, fact, n, eps, n_new, widths, ridges, loss, bool(constant), seed) for seed in chosen]
    # One sample here, so that a bad argument is an error of this process rather than of a worker.
    first = images.sample(rule, fact, n, eps, chosen[0], n_new)
    names = [f"seed {seed}" for seed in chosen]
    results = run_trials(_one_split, calls, n_jobs, progress, f"splits of {n} images", names=names, cache=cache)
    errors = np.array([values for values, _ in results])  # (seeds, kinds of error, widths, ridges)
    return ImageStudy(
        generalization_error=estimate(errors[:, 0]),
        memorization_error=estimate(errors[:, 1]),
        training_error=estimate(errors[:, 2]),
        effective_dimension=estimate(np.array([dimension for _, dimension in results])),
        eta=widths,
        lam=ridges,
        angle=np.asarray(Kernel.rbf(widths).angle),
        n=first.y.size,
        n_new=first.y_new.size,
        eps=float(eps),
        loss=loss,
        constant=bool(constant),
        seeds=chosen,
    )


def _one_split(
    images: Images,
    rule: tuple[int | str, int | str],
    fact: int | str,
    n: int,
    eps: float,
    n_new: int,
    eta: Array,
    lam: Array,
    loss: Loss,
    constant: bool,
    seed: int,
) -> tuple[Array, float]:
    """Return the errors (kind, width, ridge) of one split, and its effective dimension."""
    data = images.sample(rule, fact, n, eps, seed, n_new)
    errors = np.empty((3, eta.size, lam.size))
    for i, each in enumerate(eta):
        kernel = RBFKernel(float(each))
        always = np.exp(-2.0 * each) if constant else 0.0
        path = train_path(KernelDesign(kernel.matrix(data.X, data.X) + always), data.y, loss, lam)
        fields_new = (kernel.matrix(data.X_new, data.X) + always) @ path.weights
        wrong = data.y[:, None] * path.fields <= 0.0
        errors[0, i] = (data.y_new[:, None] * fields_new <= 0.0).mean(axis=0)
        errors[1, i] = wrong[data.is_fact].mean(axis=0) if data.is_fact.any() else np.nan
        errors[2, i] = wrong.mean(axis=0)
    return errors, _effective_dimension(data)


def _effective_dimension(data: ImageSample) -> float:
    """Return (tr C)^2 / tr C^2 for C = X^T X / n, from the smaller of the two products."""
    X = data.X if data.X.shape[1] <= data.X.shape[0] else data.X.T
    second = X.T @ X
    return float(np.trace(second) ** 2 / np.sum(second**2))


def _line(name: str, value: float | Array) -> Array:
    """Return a number or a line of numbers as a line; nothing else."""
    line = np.atleast_1d(value)
    if line.ndim != 1 or line.size == 0:
        raise ValueError(f"{name} has shape {np.shape(value)}; it must be a number or a line of numbers")
    line.flags.writeable = False
    return line
