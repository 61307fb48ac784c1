"""The rules-and-facts task: which labels a sample carries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from . import validation
from .overlaps import Array


class Sample(NamedTuple):
    """A training set drawn from a task, with what the learner does not get to see.

    Attributes
    ----------
    X : array, shape (n, d)
        Inputs, as `raflib.task.draw_inputs` draws them: independent standard normal entries unless asked otherwise.
    y : array, shape (n,)
        Labels, -1 or +1.
    is_fact : array of bool, shape (n,)
        Which samples carry a coin flip.
    teacher : array, shape (d,)
        The rule's direction, independent standard normal entries.

    Examples
    --------
    >>> import raflib as rf
    >>> X, y, is_fact, teacher = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=100, rng=0)
    >>> bool((y[~is_fact] == (X @ teacher > 0)[~is_fact] * 2 - 1).all())          # rules follow the teacher
    True
    """

    X: Array
    y: Array
    is_fact: NDArray[np.bool_]
    teacher: Array


@dataclass(frozen=True)
class RulesAndFacts:
    r"""Labels that follow a rule with probability 1 - eps and are coin flips with probability eps.

    Inputs :math:`x \sim \mathcal N(0, I_d)`, :math:`n = \alpha d` of them; teacher
    :math:`w^\star \sim \mathcal N(0, I_d)` with field :math:`z = w^\star\!\cdot x/\sqrt d`; labels

    .. math::

        P(y \mid z) = (1-\varepsilon)\,\mathbf 1[y = \operatorname{sign} z] + \frac\varepsilon2 .

    Parameters
    ----------
    alpha : float or array, in (0, inf)
        Samples per input dimension, n / d.
    eps : float or array, in [0, 1]
        Share of facts. 0 is the teacher-student problem, 1 is Gardner's storage problem.

    Raises
    ------
    ValueError
        If a value is outside its range, or if the shapes do not broadcast.

    References
    ----------
    Farné, Boncoraglio and Zdeborová, arXiv:2603.25579, the model section.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> round(task.label_probability(+1, z=0.5), 6)
    0.85
    """

    alpha: float | Array
    eps: float | Array

    def __post_init__(self) -> None:
        object.__setattr__(self, "alpha", validation.number("alpha", self.alpha, 0, open_low=True))
        object.__setattr__(self, "eps", validation.number("eps", self.eps, 0, 1))
        validation.broadcast(alpha=self.alpha, eps=self.eps)

    def label_probability(self, y: float | Array, z: float | Array) -> float | Array:
        """Return P(y | z), the probability of a label given the teacher field.

        Parameters
        ----------
        y : float or array, in {-1, +1}
            Label.
        z : float or array, in (-inf, inf)
            Teacher field; only its sign matters.

        Returns
        -------
        float or array, in [eps / 2, 1 - eps / 2]
            Of the shape that y, z and eps broadcast to.

        Raises
        ------
        ValueError
            If a label is neither -1 nor +1.

        Examples
        --------
        >>> import raflib as rf
        >>> rf.RulesAndFacts(alpha=1.0, eps=1.0).label_probability(-1, z=2.0)
        0.5
        """
        if not np.isin(y, (-1, 1)).all():
            raise ValueError(f"y = {y!r} is outside the allowed values -1, +1")
        agrees = np.asarray(np.multiply(y, z) > 0, dtype=np.float64)
        probability = (1.0 - self.eps) * agrees + 0.5 * np.asarray(self.eps)
        return float(probability) if np.ndim(probability) == 0 else np.asarray(probability)

    def smoothed_label_probability(self, t: float | Array) -> Array:
        r"""Return the probability of the label +1 where a field explains the teacher's in part.

        .. math::

            \mathbb E\big[P(+1 \mid t + \text{noise})\big] = \frac\varepsilon2 + (1-\varepsilon)\,\Phi(t),

        for noise of unit variance on the teacher field: the channel of every learner of this task.

        Parameters
        ----------
        t : float or array, in (-inf, inf)
            Explained part of the teacher field, in units of the width of what is left.

        Returns
        -------
        array, in [eps / 2, 1 - eps / 2]
            Of the shape that t and eps broadcast to.

        References
        ----------
        Chapter "The model, its two errors, and its limits", the weight of a margin.

        Examples
        --------
        >>> import raflib as rf
        >>> float(rf.RulesAndFacts(alpha=1.0, eps=0.3).smoothed_label_probability(0.0))
        0.5
        """
        eps = np.asarray(self.eps)
        return np.asarray(0.5 * eps + (1.0 - eps) * ndtr(t))

    def sample(self, d: int, rng: np.random.Generator | int, inputs: str = "gaussian") -> Sample:
        """Draw a training set of round(alpha d) samples in dimension d, and the teacher.

        Parameters
        ----------
        d : int, at least 1
            Input dimension.
        rng : numpy.random.Generator or int, at least 0
            Generator, or the seed of one.
        inputs : {"gaussian", "sphere", "binary"}
            Law of the inputs. The theory is that of the first, and by universality that of all three.

        Returns
        -------
        Sample
            X (n, d), y (n,), is_fact (n,), teacher (d,). A fact's label may agree with the rule by chance.

        Raises
        ------
        ValueError
            If d is no positive integer, if alpha or eps is an array, if alpha d rounds to no sample, or if inputs is
            none of the names.

        Examples
        --------
        >>> import raflib as rf
        >>> data = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=100, rng=0)
        >>> data.X.shape, sorted(set(data.y.tolist()))
        ((200, 100), [-1.0, 1.0])
        """
        d = validation.integer("d", d, 1)
        if np.ndim(self.alpha) or np.ndim(self.eps):
            raise ValueError(
                f"sample needs one task: alpha has shape {np.shape(self.alpha)}, eps has shape "
                f"{np.shape(self.eps)}; both must be scalars"
            )
        n = round(float(self.alpha) * d)
        if n < 1:
            raise ValueError(f"alpha = {self.alpha} with d = {d} gives no sample; alpha * d must be at least 0.5")
        generator = validation.generator("rng", rng)
        teacher = generator.standard_normal(d)
        X = draw_inputs(n, d, generator, inputs)
        is_fact = generator.random(n) < self.eps
        coins = generator.choice(np.array([-1.0, 1.0]), size=n)
        # sign(0) = 0 would be no label; a field of exactly zero has probability zero, but say so in code.
        rule = np.where(X @ teacher >= 0, 1.0, -1.0)
        return Sample(X, np.where(is_fact, coins, rule), is_fact, teacher)


#: Laws of the inputs that a sample can have, all of mean 0 and covariance 1.
INPUTS = ("gaussian", "sphere", "binary")


def draw_inputs(n: int, d: int, rng: np.random.Generator, inputs: str = "gaussian") -> Array:
    r"""Draw independent inputs of mean 0 and covariance 1.

    Parameters
    ----------
    n : int, at least 1
        Number of inputs.
    d : int, at least 1
        Their dimension.
    rng : numpy.random.Generator
        Generator. It draws n d normal numbers, whatever the law.
    inputs : {"gaussian", "sphere", "binary"}
        Standard normal entries; the same, scaled to the sphere :math:`\lVert x\rVert^2 = d`; or their signs.

    Returns
    -------
    array, shape (n, d)
        One input a row.

    Raises
    ------
    ValueError
        If inputs is none of the names.

    Examples
    --------
    >>> import numpy as np
    >>> from raflib.task import draw_inputs
    >>> X = draw_inputs(3, 50, np.random.default_rng(0), "sphere")
    >>> (X**2).sum(axis=1).round(9).tolist()
    [50.0, 50.0, 50.0]
    """
    validation.choice("inputs", inputs, INPUTS)
    X = rng.standard_normal((n, d))
    if inputs == "sphere":
        X *= np.sqrt(d / np.einsum("ij,ij->i", X, X))[:, None]
    elif inputs == "binary":
        X = np.where(X >= 0.0, 1.0, -1.0)
    return X
