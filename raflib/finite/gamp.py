"""Generalized approximate message passing: a learner of finite size, trained and followed step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import ArrayLike

from .. import validation
from ..features import Kernel, Linear
from ..learner import BayesOptimal, Learner
from ..overlaps import Array
from ..task import RulesAndFacts, Sample
from .checks import labelled, scalar
from .errors import SimulationError
from .posterior import PosteriorForce
from .state_evolution import Evolution
from .trajectory import Trajectory, angle

#: A mean square field this many times that of state evolution's largest is no fluctuation.
_DIVERGED = 1e6


@dataclass(frozen=True)
class Gamp:
    """What message passing found on one sample, and how.

    Attributes
    ----------
    student : array, shape (d,)
        The w of the test field omega = w.x / sqrt(d): the minimiser of the training objective, or the posterior mean.
    fields : array, shape (n,)
        Training fields: y prox_V(u) at the margins u of the last step.
    trajectory : Trajectory
        Overlaps and errors on this sample at every step, the start included.
    theory : Trajectory
        State evolution from the same start, as many steps.
    change : array, shape (steps,)
        Relative undamped change of each step: the largest of those of student, forces and response. Infinite where one
        of them vanishes that did not before.
    steps : int, at least 1
        Iterations made.
    damping : float, in [0, 1)
        Share of the old iterate that each step kept.
    eps : float, in [0, 1]
        Share of facts that state evolution, and the Bayes-optimal learner, were told.
    learner : Learner or BayesOptimal
        What was trained.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=200, rng=0)
    >>> run = rf.finite.gamp(data, rf.BayesOptimal(), eps=0.3)
    >>> len(run.trajectory) == len(run.theory) == run.steps + 1
    True
    """

    student: Array
    fields: Array
    trajectory: Trajectory
    theory: Trajectory
    change: Array
    steps: int
    damping: float
    eps: float
    learner: Learner | BayesOptimal


def gamp(
    data: Sample,
    learner: Learner | BayesOptimal,
    eps: float | None = None,
    *,
    start: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
    rng: np.random.Generator | int | None = None,
    damping: float = 0.0,
    tol: float = 1e-9,
    max_iter: int = 1000,
    progress: bool = True,
) -> Gamp:
    r"""Run message passing on one sample, with state evolution beside it.

    With margins u = y omega, the force g of the loss, f = y g(u) and G the response of the inputs' weights,

    .. math::

        \omega_t &= \frac{X w_t}{\sqrt d} - G_t\,f_{t-1}, \qquad V_t = G_t + \frac{\mu_\star^2}\lambda, \\
        \hat V_t &= -\frac1d \sum_\mu g'(u_t^\mu), \qquad G_{t+1} = \frac{\mu_1^2}{\lambda + \mu_1^2 \hat V_t}, \\
        w_{t+1} &= G_{t+1}\Big(\frac{X^\top f_t}{\sqrt d} + \hat V_t\,w_t\Big).

    Where it stands still, :math:`w` minimises the training objective whatever the sample, since then
    :math:`\lambda w = \mu_1^2 X^\top f/\sqrt d` and f is minus the slope of the loss at the training field. For
    Gaussian inputs every step follows state evolution up to terms of order :math:`1/\sqrt d`.

    Parameters
    ----------
    data : Sample
        From `raflib.RulesAndFacts.sample`, or your own arrays in a `raflib.Sample`: inputs of mean 0 and variance 1.
    learner : Learner or BayesOptimal
        Any convex margin loss, on Linear features or a Kernel through its Gaussian equivalent: the inputs times mu1
        and a private direction of strength mu_star for each sample, which folds into the response V. Scalar
        parameters. BayesOptimal gives the posterior mean under the label law.
    eps : float, in [0, 1], optional
        Share of facts that state evolution, and the Bayes-optimal learner, are told. By default that of the sample.
    start : tuple of m in (-inf, inf), s in [0, inf) and V in (0, inf), optional
        Overlaps of the first student, which has them exactly. By default a student of zero and the V of a learner
        without samples.
    rng : numpy.random.Generator or int, at least 0, optional
        Generator, or the seed of one, of the first student's part across the teacher; needed where start has s > 0.
    damping : float, in [0, 1)
        Share of the old iterate that each step keeps. 0 follows state evolution; more may help where the inputs are
        not Gaussian. The end is the same, the way is not.
    tol : float, in [1e-14, 1)
        Largest relative change of the last step, measured before damping.
    max_iter : int, at least 1
        Largest number of steps.
    progress : bool
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    Gamp
        Student, training fields, and the trajectory beside state evolution.

    Raises
    ------
    ValueError
        If an argument is outside its range, or if the features have no message passing here.
    SimulationError
        If the iteration diverges or does not reach tol. The message says what grew, when, and what to do.
    ConvergenceError
        If the learner's hard constraint cannot be met at this load.

    Notes
    -----
    Two products with X a step, of cost n d each. Random features would need the spectrum of their weights.

    References
    ----------
    Rangan, arXiv:1010.5141; Rangan, Schniter, Riegler, Fletcher and Cevher, arXiv:1301.6295, for the fixed points;
    Javanmard and Montanari, Information and Inference 2 (2013) 115, for state evolution.

    Examples
    --------
    >>> import raflib as rf
    >>> task = rf.RulesAndFacts(alpha=2.0, eps=0.3)
    >>> run = rf.finite.gamp(task.sample(d=400, rng=0), rf.Learner(rf.Hinge(), rf.Linear(), lam=0.5), eps=0.3)
    >>> bool(abs(run.trajectory.m - run.theory.m).max() < 4 / 400**0.5)
    True
    """
    validation.instance("data", data, Sample, "an rf.Sample, such as rf.RulesAndFacts(alpha, eps).sample(d, rng)")
    X, y = labelled(data.X, data.y)
    data = data._replace(X=X, y=y)
    n, d = X.shape
    share = float(data.is_fact.mean()) if eps is None else scalar("eps", eps, 0, 1)
    damping = scalar("damping", damping, 0, 1, open_high=True)
    tol = scalar("tol", tol, 1e-14, 1, open_high=True)
    max_iter = validation.integer("max_iter", max_iter, 1)
    evolution = _evolution(RulesAndFacts(n / d, share), learner)
    walk = _Walk(data, learner, evolution, start, rng, damping)
    switch = {} if progress else {"disable": True}  # named only when off: the environment's TQDM_DISABLE keeps its say
    from tqdm.auto import tqdm

    with tqdm(total=max_iter, desc=f"message passing at d = {d}", delay=2.0, leave=False, **switch) as bar:
        while walk.step() > tol:
            if len(walk.change) == max_iter:
                raise SimulationError(
                    f"message passing did not stand still in {max_iter} iterations (n = {n}, d = {d}): relative change "
                    f"{walk.change[-1]:.3g} > tol {tol:.3g}, the least was {min(walk.change):.3g}; raise max_iter or "
                    f"tol, use a larger lam, or, where it goes back and forth, damping (now {damping:g})"
                )
            bar.set_postfix(change=f"{walk.change[-1]:.1e}", refresh=False)
            bar.update()
    walk.record()
    return Gamp(
        student=walk.student,
        fields=walk.fields,
        trajectory=walk.trajectory(),
        theory=evolution.trajectory(walk.theory),
        change=np.array(walk.change),
        steps=len(walk.change),
        damping=damping,
        eps=share,
        learner=learner,
    )


def _evolution(task: RulesAndFacts, learner: Learner | BayesOptimal) -> Evolution:
    """Return the state evolution of a learner that can be iterated here, or raise ValueError."""
    evolution = Evolution(task, learner)
    if evolution.shape:
        raise ValueError(
            f"the learner's parameters have the shape {evolution.shape}; gamp takes one learner: call it for each"
        )
    if isinstance(learner, Learner) and not isinstance(learner.features, Linear | Kernel):
        raise ValueError(f"features = {learner.features!r} have no message passing here; use Linear or Kernel")
    return evolution


class _Walk:
    """The state of the iteration: student, forces of the last step, responses; and what it has passed through."""

    def __init__(
        self,
        data: Sample,
        learner: Learner | BayesOptimal,
        evolution: Evolution,
        start: tuple[ArrayLike, ArrayLike, ArrayLike] | None,
        rng: np.random.Generator | int | None,
        damping: float,
    ) -> None:
        (branch,) = evolution.branches
        bayes = isinstance(branch.loss, PosteriorForce)
        self.loss = PosteriorForce(float(evolution.flat["eps"][0])) if bayes else branch.loss
        self.lam = float(branch.lam[0])
        mu1, mu_star = learner.features.strengths if isinstance(learner, Learner) else (1.0, 0.0)
        self.linear = float(mu1) ** 2
        #: Response of a sample's private direction, which the other samples do not see.
        self.private = float(mu_star) ** 2 / self.lam if mu_star else 0.0
        self.data, self.evolution, self.damping = data, evolution, damping
        self.root_d = np.sqrt(data.X.shape[1])
        self.direction = data.teacher * (self.root_d / np.linalg.norm(data.teacher))
        self.theory = [evolution.first(start)]
        m, s, V = (float(x[0]) for x in self.theory[0])
        if self.private >= V:
            raise ValueError(
                f"start V = {V:g} is not above mu_star^2 / lam = {self.private:g}, a sample's own response"
            )
        self.gain = V - self.private
        self.student = _first_student(self.direction, m, s, rng)
        self.force = np.zeros(data.y.size)
        self.rows: list[tuple[float, ...]] = []
        self.change: list[float] = []
        self.fields = np.zeros(data.y.size)

    def step(self) -> float:
        """Make one step and return its relative change before damping."""
        margins = self.record()
        V = np.array([self.gain + self.private])
        force = self.data.y * self.loss.force(margins, V)
        stiffness = float(np.sum(self.loss.stiffness(margins, V))) / self.student.size
        if not self.lam + self.linear * stiffness > 0.0:
            self._diverged(f"the stiffness V_hat fell to {stiffness:.3g}")
        gain = self.linear / (self.lam + self.linear * stiffness)
        student = gain * (self.data.X.T @ force / self.root_d + stiffness * self.student)
        self.theory.append(self.evolution.after(self.theory[-1]))
        q, largest = float(student @ student) / student.size, max(float(at.q[0]) for at in self.theory)
        if not q <= _DIVERGED * largest:
            self._diverged(f"q grew to {q:.3g}, where state evolution has {float(self.theory[-1].q[0]):.3g}")
        self.change.append(
            max(_relative(student, self.student), _relative(force, self.force), abs(gain - self.gain) / gain)
        )
        keep = self.damping
        self.student = (1.0 - keep) * student + keep * self.student
        self.force = (1.0 - keep) * force + keep * self.force
        self.gain = (1.0 - keep) * gain + keep * self.gain
        return self.change[-1]

    def record(self) -> Array:
        """Note where the iteration is, and return the margins there."""
        data, V = self.data, np.array([self.gain + self.private])
        margins = np.asarray(data.y * (data.X @ self.student / self.root_d - self.gain * self.force))
        trained = np.asarray(self.loss.prox(margins, V))
        self.fields = data.y * trained
        wrong = np.where(trained == 0.0, 0.5, np.where(trained < 0.0, 1.0, 0.0))
        m = float(self.student @ self.direction) / self.student.size
        across = self.student - m * self.direction
        s = float(across @ across) / self.student.size
        on_facts = float(wrong[data.is_fact].mean()) if data.is_fact.any() else np.nan
        self.rows.append((m, m * m + s, s, float(V[0]), float(angle(np.array(m), np.array(s))), on_facts, wrong.mean()))
        return margins

    def trajectory(self) -> Trajectory:
        """Return where the iteration has been."""
        return Trajectory(*np.array(self.rows).T)

    def _diverged(self, what: str) -> NoReturn:
        n, d = self.data.X.shape
        raise SimulationError(
            f"message passing diverged: {what} at iteration {len(self.change) + 1} (n = {n}, d = {d}); it needs inputs "
            f"of mean 0 and variance 1 without correlations; otherwise use damping (now {self.damping:g}), a larger "
            "lam, or rf.simulate's optimisers"
        )


def _first_student(direction: Array, m: float, s: float, rng: np.random.Generator | int | None) -> Array:
    """Return a student with exactly these overlaps."""
    if s == 0.0:
        return m * direction
    if rng is None:
        raise ValueError(f"start s = {s:g} needs rng, a Generator or a seed, for the student's part across the teacher")
    d = direction.size
    if d < 2:
        raise ValueError(f"start s = {s:g} needs d >= 2: in dimension {d} nothing is across the teacher")
    across = validation.generator("rng", rng).standard_normal(d)
    across -= (across @ direction / d) * direction
    return np.asarray(m * direction + np.sqrt(s * d) / np.linalg.norm(across) * across)


def _relative(new: Array, old: Array) -> float:
    """Return the size of the change over that of the new value; 0 where both are zero, inf where only the new one is.

    The latter is no end: where no sample pulls, the ridge alone takes the student to zero in one step. The iteration
    goes on from there as from its usual start, which is a student of zero too.
    """
    change, size = float(np.linalg.norm(new - old)), float(np.linalg.norm(new))
    return 0.0 if change == 0.0 else change / size if size else np.inf
