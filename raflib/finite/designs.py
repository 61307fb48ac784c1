"""What a learner sees of its training sample: explicit features, or a kernel matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from ..overlaps import Array

#: Eigenvalues of a kernel matrix down to minus this, in units of the largest, count as rounded zeros.
_ROUNDING = 1e-9
#: Eigenvalues, or squared pivots, below this in the same units count as zeros.
_NOTHING = 1e-12


class Design(Protocol):
    """What a training needs to know of the features of n samples.

    A learner's weights are one vector. Of a design of explicit features they are the weights of these; of a kernel
    matrix, those of the samples in the expansion of the field.
    """

    @property
    def n(self) -> int:
        """Number of samples."""

    @property
    def mean_square(self) -> float:
        """Mean diagonal entry of the kernel matrix."""

    @property
    def matrix(self) -> Any:
        """Features whose dot products are the kernel matrix, shape (n, k): an array, or a sparse matrix."""

    def from_matrix(self, a: Array) -> Array:
        """Weights of the learner that has the weights a on the features `matrix`."""

    def from_dual(self, c: Array) -> Array:
        """Weights of the learner that is the sum of the samples' features with weights c, shape (n,)."""

    def fields(self, weights: Array) -> Array:
        """Fields on the training samples, shape (n,); of several columns of weights, shape (n, columns)."""

    def squared_norm(self, weights: Array) -> Array:
        """Squared norm that the ridge weighs, of each column of weights."""

    def gram(self, rows: NDArray[np.intp]) -> Array:
        """Kernel matrix between the samples of these indices."""


@dataclass(frozen=True, eq=False)
class FeatureDesign:
    """Explicit features, and one private direction for each sample, which it shares with no other and no new input.

    Parameters
    ----------
    shared : array, shape (n, k)
        Features of the samples.
    private : float, in [0, inf)
        Strength of the private directions: mu_star of a kernel's Gaussian equivalent.

    Examples
    --------
    >>> import numpy as np
    >>> design = FeatureDesign(np.array([[1.0, 2.0], [0.0, 1.0]]), private=0.5)
    >>> design.gram(np.arange(2)).tolist()
    [[5.25, 2.0], [2.0, 1.25]]
    >>> weights = design.from_dual(np.array([1.0, 0.0]))
    >>> design.fields(weights).tolist(), float(design.squared_norm(weights))
    ([5.25, 2.0], 5.25)
    """

    shared: Array
    private: float = 0.0

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.shared.shape[0])

    @property
    def mean_square(self) -> float:
        """Mean diagonal entry of the kernel matrix."""
        return float(np.vdot(self.shared, self.shared)) / self.n + self.private**2

    @cached_property
    def matrix(self) -> Any:
        """The features themselves; fewer if there are more than samples, where others have the same dot products."""
        if self.private:
            return sparse.csr_matrix(
                sparse.hstack([sparse.csr_matrix(self.shared), self.private * sparse.eye_array(self.n)])
            )
        return self.shared if self._turn is None else self._turn[1]

    @cached_property
    def _turn(self) -> tuple[Array, Array] | None:
        """Q and L of shared = L Q^T for more features than samples."""
        if self.private or self.shared.shape[1] <= self.n:
            return None
        Q, R = linalg.qr(self.shared.T, mode="economic")
        return np.asarray(Q), np.ascontiguousarray(R.T)

    def from_matrix(self, a: Array) -> Array:
        """Weights of the features."""
        return a if self.private or self._turn is None else np.asarray(self._turn[0] @ a)

    def from_dual(self, c: Array) -> Array:
        """Weights of the features, then of the private directions if there are any."""
        weights = self.shared.T @ c
        return np.concatenate([weights, self.private * c]) if self.private else np.asarray(weights)

    def fields(self, weights: Array) -> Array:
        """Fields on the training samples."""
        k = self.shared.shape[1]
        fields = self.shared @ weights[:k]
        return np.asarray(fields + self.private * weights[k:] if self.private else fields)

    def squared_norm(self, weights: Array) -> Array:
        """Sum of squares of each column."""
        return np.asarray(np.einsum("i...,i...->...", weights, weights))

    @cached_property
    def kernel(self) -> Array:
        """Kernel matrix between all samples; once it is there, parts of it are taken from it."""
        return self._kernel_of(self.shared)

    def gram(self, rows: NDArray[np.intp]) -> Array:
        """Kernel matrix between the samples of these indices."""
        if "kernel" in self.__dict__:
            return np.asarray(self.kernel[np.ix_(rows, rows)])
        return self._kernel_of(self.shared[rows])

    def _kernel_of(self, some: Array) -> Array:
        K = some @ some.T
        K.flat[:: len(K) + 1] += self.private**2
        return np.asarray(K)


@dataclass(frozen=True, eq=False)
class KernelDesign:
    """A kernel matrix; weights are those of the samples.

    Parameters
    ----------
    K : array, shape (n, n)
        Kernel between the training samples, symmetric, with rows in memory one after the other. The design works in it
        for a moment, and leaves it as it was.

    Examples
    --------
    >>> import numpy as np
    >>> design = KernelDesign(np.array([[2.0, 1.0], [1.0, 2.0]]))
    >>> a = np.array([1.0, 1.0])
    >>> bool(np.allclose(design.fields(design.from_matrix(a)), design.matrix @ a))
    True
    """

    K: Array

    @property
    def n(self) -> int:
        """Number of samples."""
        return int(self.K.shape[0])

    @property
    def mean_square(self) -> float:
        """Mean diagonal entry of the kernel matrix."""
        return float(self.K.diagonal().mean())

    @cached_property
    def _factor(self) -> tuple[Array, Array | None]:
        """L and nothing, for K = L L^T; or U S^(1/2) and U S^(-1/2) of K = U S U^T where K has no full rank."""
        try:
            L = linalg.cholesky(self.K, check_finite=False).T  # rows in memory one after the other
        except linalg.LinAlgError:
            pass  # no full rank, or not positive semidefinite: the eigenvalues tell
        else:
            if np.square(L.diagonal()).min() > _NOTHING * self.K.diagonal().max():
                return L, None
        S, U = eigen(self.K)
        kept = S / S[-1] > _NOTHING
        root = np.sqrt(S[kept])
        return U[:, kept] * root, U[:, kept] / root

    @property
    def matrix(self) -> Any:
        """Factor of the kernel matrix."""
        return self._factor[0]

    def from_matrix(self, a: Array) -> Array:
        """Weights of the samples."""
        L, inverse = self._factor
        if inverse is None:
            return np.asarray(linalg.solve_triangular(L, a, lower=True, trans="T", check_finite=False))
        return np.asarray(inverse @ a)

    def from_dual(self, c: Array) -> Array:
        """The same weights."""
        return c

    def fields(self, weights: Array) -> Array:
        """Fields on the training samples."""
        return np.asarray(self.K @ weights)

    def squared_norm(self, weights: Array) -> Array:
        """c.K c of each column c."""
        return np.asarray(np.einsum("i...,i...->...", weights, self.K @ weights))

    def gram(self, rows: NDArray[np.intp]) -> Array:
        """Kernel matrix between the samples of these indices."""
        return np.asarray(self.K[np.ix_(rows, rows)])

    def check_definite(self) -> None:
        """Raise ValueError if the kernel matrix has a negative eigenvalue beyond rounding."""
        # The factorisation takes the place of one triangle, which the other then restores: no second matrix is needed.
        diagonal = self.K.diagonal().copy()
        self.K.flat[:: self.n + 1] += _ROUNDING * diagonal.max()
        _, failed = linalg.lapack.dpotrf(self.K.T, lower=True, clean=False, overwrite_a=True)
        for i in range(self.n):
            self.K[i, i + 1 :] = self.K[i + 1 :, i]
        self.K.flat[:: self.n + 1] = diagonal
        if failed:
            eigen(self.K)


def eigen(K: Array, *, overwrite: bool = False) -> tuple[Array, Array]:
    """Return eigenvalues, ascending and not negative, and eigenvectors of a positive semidefinite matrix.

    Parameters
    ----------
    K : array, shape (n, n)
        The matrix.
    overwrite : bool
        Whether its memory may be used.

    Returns
    -------
    S : array, shape (n,)
        Eigenvalues; those that rounding made negative are 0.
    U : array, shape (n, n)
        Eigenvectors, one a column.

    Raises
    ------
    ValueError
        If an eigenvalue is negative beyond rounding.

    Examples
    --------
    >>> import numpy as np
    >>> S, U = eigen(np.array([[1.0, 1.0], [1.0, 1.0]]))
    >>> S.round(12).tolist()
    [0.0, 2.0]
    >>> eigen(np.array([[1.0, 2.0], [2.0, 1.0]]))
    Traceback (most recent call last):
        ...
    ValueError: the kernel matrix is not positive semidefinite: its eigenvalues go from -1 to 3; ...
    """
    S, U = linalg.eigh(K.T, overwrite_a=overwrite, check_finite=False)
    if S[0] < -_ROUNDING * max(S[-1], 0.0):
        raise ValueError(
            f"the kernel matrix is not positive semidefinite: its eigenvalues go from {S[0]:.3g} to {S[-1]:.3g}; use a "
            "positive definite kernel, whose power series in the dot product has no negative coefficient"
        )
    return np.maximum(S, 0.0), U
