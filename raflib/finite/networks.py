"""Two-layer networks whose both layers are trained, by scikit-learn; where a training ended is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from .. import validation
from ..losses import Logistic, Loss, Square
from ..overlaps import Array
from .checks import ascending, labelled, scalar
from .errors import SimulationError
from .session import silenced

#: Activations, and their derivatives in terms of their values.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "tanh": (np.tanh, lambda a: 1.0 - a * a),
    "relu": (lambda h: np.maximum(h, 0.0), lambda a: np.where(a > 0.0, 1.0, 0.0)),
}
#: The quasi-Newton method also stops where the loss hardly falls. It is then started again from there, so often.
_RESTARTS = 30


class Network(NamedTuple):
    r"""Weights of a two-layer network.

    .. math::

        \omega(x) = v\cdot\sigma(W^\top x + b) + c

    Attributes
    ----------
    W : array, shape (d, width)
        First layer.
    b : array, shape (width,)
        Its biases.
    v : array, shape (width,)
        Second layer.
    c : float
        Its bias.
    activation : {"tanh", "relu"}
        The function sigma of every hidden unit.

    References
    ----------
    Engel and Van den Broeck, Statistical Mechanics of Learning (2001), multilayer networks.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> rf.finite.Network(np.eye(2), np.zeros(2), np.array([1.0, -1.0]), 0.5, "relu").fields(np.array([[3.0, 1.0]]))
    array([2.5])
    """

    W: Array
    b: Array
    v: Array
    c: float
    activation: str

    def hidden(self, X: Array) -> Array:
        """Return the values of the hidden units.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs, one a row.

        Returns
        -------
        array, shape (n, width)
            The activation of W^T x + b.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> network = rf.finite.Network(np.eye(2), np.array([0.0, -3.0]), np.ones(2), 0.0, "relu")
        >>> network.hidden(np.array([[1.0, 2.0]])).tolist()
        [[1.0, 0.0]]
        """
        return ACTIVATIONS[self.activation][0](X @ self.W + self.b)

    def fields(self, X: Array) -> Array:
        """Return the fields, whose signs are the labels.

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs, one a row.

        Returns
        -------
        array, shape (n,)
            Fields omega.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> network = rf.finite.Network(np.eye(2), np.array([0.0, -3.0]), np.ones(2), 0.5, "relu")
        >>> network.fields(np.array([[1.0, 2.0]])).tolist()
        [1.5]
        """
        return np.asarray(self.hidden(X) @ self.v + self.c)

    def gradient(self, X: Array, y: Array, loss: Logistic | Square, lam: float) -> Array:
        r"""All derivatives of the objective per sample.

        .. math::

            \frac1n\Big[\sum_\mu\ell\big(y_\mu\omega(x_\mu)\big)
            + \frac\lambda2\big(\lVert W\rVert^2+\lVert v\rVert^2\big)\Big]

        Parameters
        ----------
        X : array, shape (n, d)
            Inputs, one a row.
        y : array, shape (n,), in {-1, +1}
            Labels.
        loss : Logistic or Square
            The loss.
        lam : float, in [0, inf)
            Weight decay.

        Returns
        -------
        array, shape ((d + 2) width + 1,)
            By W, b, v and c, in this order.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> network = rf.finite.Network(np.zeros((2, 1)), np.zeros(1), np.zeros(1), 0.0, "tanh")
        >>> network.gradient(np.ones((4, 2)), np.ones(4), rf.Square(), lam=1.0)           # only c can move at first
        array([ 0.,  0.,  0.,  0., -1.])
        """
        n = y.size
        hidden = self.hidden(X)
        fields = hidden @ self.v + self.c
        pull = (-y * expit(-y * fields) if isinstance(loss, Logistic) else fields - y) / n
        back = pull[:, None] * self.v * ACTIVATIONS[self.activation][1](hidden)
        by_W, by_v = X.T @ back + lam / n * self.W, hidden.T @ pull + lam / n * self.v
        return np.concatenate([by_W.ravel(), back.sum(axis=0), by_v, [pull.sum()]])


class TrainedNetwork(NamedTuple):
    """A network at the end of its training.

    Attributes
    ----------
    network : Network
        The weights.
    gradient : float, in [0, inf)
        Largest derivative of the objective per sample.
    steps : int
        Steps of the optimiser.

    Examples
    --------
    >>> import raflib as rf
    >>> X, y, _, _ = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=20, rng=0)
    >>> rf.finite.train_network(X, y, width=5, lam=0.1, seed=0).gradient < 1e-4
    True
    """

    network: Network
    gradient: float
    steps: int


def train_network(
    X: Array,
    y: Array,
    width: int,
    lam: float,
    seed: int | np.random.SeedSequence,
    *,
    loss: Loss | None = None,
    activation: str = "tanh",
    tol: float = 1e-4,
    max_steps: int = 20_000,
) -> TrainedNetwork:
    r"""Train both layers to a stationary point of the objective, by L-BFGS on all samples.

    .. math::

        \sum_\mu\ell\big(y_\mu\,\omega(x_\mu)\big) + \frac\lambda2\big(\lVert W\rVert^2+\lVert v\rVert^2\big)

    The start is that of Glorot and Bengio: weights and biases uniform, of variance 2 / (fan-in + fan-out). The
    objective is not convex: what is found is a stationary point, which depends on the seed.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,), in {-1, +1}
        Labels, of both kinds.
    width : int, at least 1
        Hidden units.
    lam : float, in [0, inf)
        Weight decay, of a sum over samples; biases are free. It is the ``alpha`` of scikit-learn's networks.
    seed : int, at least 0, or numpy.random.SeedSequence
        Of the initial weights.
    loss : Logistic or Square, optional
        Logistic by default: scikit-learn's ``MLPClassifier``. Square is its ``MLPRegressor`` on the labels.
    activation : {"tanh", "relu"}
        Of the hidden units. Weight decay draws samples onto the kinks of relu, where the gradient jumps and its entries
        stay near 1e-2: take a smooth one, or raise tol.
    tol : float, in (0, inf)
        Largest derivative of the objective per sample at which the training counts as done. Below about 1e-5 the
        optimiser's own rule, a loss that hardly falls, stops it first; the errors of a study no longer change there.
    max_steps : int, at least 1
        Steps of the optimiser at most.

    Returns
    -------
    TrainedNetwork
        Weights, the gradient reached, and steps.

    Raises
    ------
    ValueError
        If an argument is outside its range, if the loss or the activation is another one, or if all labels are the
        same.
    SimulationError
        If the gradient is not below tol at the end.

    References
    ----------
    Glorot and Bengio, AISTATS 2010, the start. Byrd, Lu, Nocedal and Zhu, SIAM J. Sci. Comput. 16 (1995) 1190,
    L-BFGS.

    Examples
    --------
    >>> import raflib as rf
    >>> X, y, is_fact, _ = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=20, rng=0)
    >>> trained = rf.finite.train_network(X, y, width=20, lam=1e-2, seed=0)
    >>> bool((y * trained.network.fields(X) > 0)[is_fact].all())                     # it stores every fact
    True
    """
    from sklearn.exceptions import ConvergenceWarning

    loss, (X, y) = known_loss(loss), labelled(X, y)
    tol, max_steps = scalar("tol", tol, 0, open_low=True), validation.integer("max_steps", max_steps, 1)
    machine = _machine(y, width, lam, seed, loss, activation)
    machine.set_params(solver="lbfgs", tol=0.5 * tol, max_iter=max_steps, max_fun=10 * max_steps, warm_start=True)
    steps = 0
    gradient = np.inf
    for _ in range(_RESTARTS):
        with silenced(ConvergenceWarning):  # judged below by the gradient, in every case
            machine.set_params(max_iter=max_steps - steps).fit(X, y)
        steps += int(machine.n_iter_)
        network = _weights(machine, activation)
        gradient = float(np.abs(network.gradient(X, y, loss, lam)).max())
        if gradient <= tol:
            return TrainedNetwork(network, gradient, steps)
        if machine.n_iter_ == 0 or steps >= max_steps:
            break
    raise SimulationError(
        f"the network did not converge at width = {width}, lam = {lam:g} (n = {y.size}): its largest derivative per "
        f"sample is {gradient:.1e} after {steps} steps, above tol = {tol:g}; "
        + (
            "relu has kinks at which the gradient does not vanish: use activation='tanh' or a larger tol"
            if activation == "relu"
            else "raise max_steps, lam or tol"
        )
    )


def training_path(
    X: Array,
    y: Array,
    width: int,
    lam: float,
    seed: int | np.random.SeedSequence,
    epochs: Sequence[int],
    *,
    loss: Loss | None = None,
    activation: str = "tanh",
    learning_rate: float = 1e-3,
    batch: int | None = None,
) -> Iterator[Network]:
    """Train both layers by Adam, and show the weights after some epochs.

    Parameters
    ----------
    X : array, shape (n, d)
        Inputs.
    y : array, shape (n,), in {-1, +1}
        Labels, of both kinds.
    width : int, at least 1
        Hidden units.
    lam : float, in [0, inf)
        Weight decay, of a sum over samples; biases are free.
    seed : int, at least 0, or numpy.random.SeedSequence
        Of the initial weights and of the order of the batches.
    epochs : sequence of int, at least 1, ascending
        After how many passes over all samples to show the weights.
    loss : Logistic or Square, optional
        Logistic by default.
    activation : {"tanh", "relu"}
        Of the hidden units.
    learning_rate : float, in (0, inf)
        Size of the first steps.
    batch : int, at least 1, optional
        Samples per step; by default all, one step an epoch.

    Yields
    ------
    Network
        The weights after each of the epochs.

    Raises
    ------
    ValueError
        If an argument is outside its range, if the loss or the activation is another one, or if all labels are the
        same.

    References
    ----------
    Kingma and Ba, ICLR 2015, arXiv:1412.6980, Adam.

    Examples
    --------
    >>> import raflib as rf
    >>> X, y, _, _ = rf.RulesAndFacts(alpha=2.0, eps=0.3).sample(d=20, rng=0)
    >>> early, late = rf.finite.training_path(X, y, width=20, lam=1e-2, seed=0, epochs=[1, 500])
    >>> bool((y * early.fields(X) < 0).mean() > (y * late.fields(X) < 0).mean())
    True
    """
    loss, (X, y) = known_loss(loss), labelled(X, y)
    wanted = ascending("epochs", epochs)
    rate = scalar("learning_rate", learning_rate, 0, open_low=True)
    size = y.size if batch is None else min(validation.integer("batch", batch, 1), y.size)
    machine = _machine(y, width, lam, seed, loss, activation)
    machine.set_params(solver="adam", learning_rate_init=rate, batch_size=size)
    classes = {"classes": (-1.0, 1.0)} if isinstance(loss, Logistic) else {}  # the classifier asks for them
    done = 0
    for each in wanted:
        for _ in range(each - done):
            machine.partial_fit(X, y, **classes)
        done = each
        yield _weights(machine, activation)


def _machine(y: Array, width: int, lam: float, seed: int | np.random.SeedSequence, loss: Loss, activation: str) -> Any:
    """Return scikit-learn's network for this loss."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if activation not in ACTIVATIONS:
        raise ValueError(f"activation = {activation!r} is not one of {', '.join(map(repr, ACTIVATIONS))}")
    width, lam = validation.integer("width", width, 1), scalar("lam", lam, 0)
    if not isinstance(seed, np.random.SeedSequence):
        seed = validation.integer("seed", seed, 0)
    if np.all(y == y[0]):
        raise ValueError(f"y holds {y.size} labels that are all {y[0]:g}; a network is trained on labels of both kinds")
    # An integer would start the generator anew at every call of partial_fit: every epoch the same batches. A generator
    # goes on.
    kind = MLPClassifier if isinstance(loss, Logistic) else MLPRegressor
    return kind(
        hidden_layer_sizes=(width,),
        activation=activation,
        alpha=lam,
        random_state=np.random.RandomState(np.random.MT19937(seed)),
    )


def known_loss(loss: Loss | None) -> Logistic | Square:
    """Return the loss, or the logistic one for None; another has no trainer."""
    if loss is None:
        return Logistic()
    if not isinstance(loss, Logistic | Square):
        raise ValueError(f"loss = {loss!r} has no trainer for networks; use rf.Logistic() or rf.Square()")
    return loss


def _weights(machine: Any, activation: str) -> Network:
    """Return a copy of the weights that scikit-learn's network has now."""
    (W, v), (b, c) = machine.coefs_, machine.intercepts_
    return Network(W.copy(), b.copy(), v[:, 0].copy(), float(c[0]), activation)
