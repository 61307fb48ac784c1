"""Feature maps: overlaps from their definition, slopes by a complex step, and what the solver starts from."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import raflib as rf
from raflib.features import FeatureMap, ridge_response
from raflib.overlaps import Array, Conjugates, Overlaps

N = 40
_RNG = np.random.default_rng(21)
LAM = 10 ** _RNG.uniform(-2, 1, N)
HATS = Conjugates(*(10 ** _RNG.uniform(-1, 1, (3, N))))
KAPPA = np.concatenate([10 ** _RNG.uniform(-2, 3, N - 4), [1.0, 1.0, 0.999, 1.001]])
MU1, MU_STAR = _RNG.uniform(0.1, 2.0, (2, N))
MAPS = {
    "linear": rf.Linear(),
    "kernel": rf.Kernel(MU1, MU_STAR),
    "kernel without nonlinear part": rf.Kernel(MU1, 0.0),
    "random features": rf.RandomFeatures(MU1, MU_STAR, KAPPA),
}
each_map = pytest.mark.parametrize("features", MAPS.values(), ids=list(MAPS))


def spectrum(kappa: float, nodes: int = 200_000) -> tuple[Array, Array]:
    """Return eigenvalues and weights of F F^T / d, p x p, from the Marchenko-Pastur density and its mass at zero."""
    theta = (np.arange(nodes) + 0.5) * np.pi / nodes
    x = 1 + kappa + 2 * np.sqrt(kappa) * np.cos(theta)
    # The density sqrt(4 kappa - (x - 1 - kappa)^2) / (2 pi kappa x) on its support, with dx = 2 sqrt(kappa) sin(theta).
    weight = 2 * np.sin(theta) ** 2 / x / nodes
    return np.append(x, 0.0), np.append(weight, max(0.0, 1 - 1 / kappa))


@pytest.mark.parametrize("kappa", [0.05, 0.6, 1.7, 40.0])
def test_random_features_by_their_spectrum(kappa: float) -> None:
    x, weight = spectrum(kappa)
    assert weight.sum() == pytest.approx(1, rel=1e-9)
    for mu1, mu_star, lam, (m_hat, q_hat, V_hat) in (
        (0.8, 0.6, 0.3, (0.7, 1.9, 2.3)),
        (1.4, 0.2, 2.0, (2.0, 0.1, 9.0)),
    ):
        Omega = mu1**2 * x + mu_star**2
        R = 1 / (lam + V_hat * Omega)
        V = weight @ (Omega * R)
        m = kappa * m_hat * (weight @ (mu1**2 * x * R))
        q = q_hat * (weight @ (Omega**2 * R**2))
        q += kappa * m_hat**2 * (weight @ (mu1**2 * x * Omega * R**2))
        hats = Conjugates(*(np.array(v) for v in (m_hat, q_hat, V_hat)))
        found = rf.RandomFeatures(mu1, mu_star, kappa).overlaps(hats, np.array(lam))
        assert float(found.V) == pytest.approx(V, rel=1e-9)
        assert float(found.m) == pytest.approx(m, rel=1e-9)
        assert float(found.q) == pytest.approx(q, rel=1e-9)


def test_kernel_by_its_definition() -> None:
    D = LAM + MU1**2 * HATS.V_hat
    found = MAPS["kernel"].overlaps(HATS, LAM)
    np.testing.assert_allclose(found.m, MU1**2 * HATS.m_hat / D, rtol=1e-14)
    np.testing.assert_allclose(found.s, MU1**4 * HATS.q_hat / D**2, rtol=1e-13)
    np.testing.assert_allclose(found.V, MU1**2 / D + MU_STAR**2 / LAM, rtol=1e-14)


@each_map
def test_slopes_by_a_complex_step(features: FeatureMap) -> None:
    step = 1e-30

    def logarithmic(name: str, unit: Array | float) -> Overlaps:
        """Derivatives of the logarithms of the overlaps by one conjugate, in this unit: the imaginary part."""
        moved = HATS._replace(**{name: getattr(HATS, name) + 1j * step * unit})
        return Overlaps(*(x.imag / x.real / step for x in features.overlaps(moved, LAM)))

    at = features.slopes(HATS, LAM)
    by_m, by_q, by_V = (logarithmic(*x) for x in (("m_hat", HATS.m_hat), ("q_hat", HATS.q_hat), ("V_hat", 1.0)))
    for slope, expected in (
        (1.0, by_m.m), (at.s_m_hat, by_m.s), (0.0, by_m.V),
        (0.0, by_q.m), (at.s_q_hat, by_q.s), (0.0, by_q.V),
        (at.m_V_hat, by_V.m), (at.s_V_hat, by_V.s), (at.V_V_hat, by_V.V),
    ):  # fmt: skip
        np.testing.assert_allclose(slope + np.zeros(N), expected, rtol=1e-10, atol=1e-13)


@each_map
def test_the_potential_has_the_overlaps_as_slopes(features: FeatureMap) -> None:
    # m = dPsi/dm_hat, V = 2 dPsi/dq_hat, q = -2 dPsi/dV_hat, by the complex step again.
    found = features.overlaps(HATS, LAM)
    for name, expected in (("m_hat", found.m), ("q_hat", 0.5 * found.V), ("V_hat", -0.5 * found.q)):
        moved = HATS._replace(**{name: getattr(HATS, name) + 1e-30j})
        np.testing.assert_allclose(features.potential(moved, LAM).imag / 1e-30, expected, rtol=1e-10)


@each_map
@pytest.mark.parametrize("hard", [False, True], ids=["square", "equal margins"])
def test_response_of_ridge(features: FeatureMap, hard: bool) -> None:
    """The prox of the square loss gives V_hat = load / (1 + V), that of equal margins load / V, for every map."""
    load = np.linspace(0.1, 0.9, N) if hard else 10 ** np.linspace(-2, 2, N)
    V = features.ridge_response(load, LAM, hard)
    hats = Conjugates(np.zeros(N), np.zeros(N), load / (V + (0.0 if hard else 1.0)))
    if isinstance(features, rf.RandomFeatures):  # exact if all features had their mean strength
        strength = MU1**2 + MU_STAR**2
        again = strength / (LAM + hats.V_hat * strength)
    else:
        again = features.overlaps(hats, LAM).V
    np.testing.assert_allclose(again, V, rtol=1e-9)
    assert (V > 0).all()


def test_response_without_a_ridge() -> None:
    load, none = np.array([0.3, 0.99, 1.01, 5.0]), np.zeros(4)
    with np.errstate(divide="ignore"):
        V = rf.Linear().ridge_response(load, none, False)
    np.testing.assert_allclose(V, [np.inf, np.inf, 100.0, 0.25], rtol=1e-12)
    # mu_star / mu1 of the kernel is a ridge of its own.
    kernel = rf.Kernel(0.8, np.array([0.6, 0.6, 0.0, 0.0]))
    one = np.ones(4)
    W = ridge_response(load[:2], (0.6 / 0.8) ** 2 * one[:2])
    hard = kernel.ridge_response(load, one, True)
    np.testing.assert_allclose(hard[:2], 0.36 * (1 + W), rtol=1e-13)
    np.testing.assert_allclose(hard[2:], 0.64 * (1 - load[2:]), rtol=1e-13)


@pytest.mark.parametrize("alpha", [1e-3, 0.5, 1.0, 1.5, 1e6])
@pytest.mark.parametrize("lam", [1e-10, 1e-2, 1.0, 1e4])
def test_ridge_response_is_the_positive_root(alpha: float, lam: float) -> None:
    with mp.workdps(50):
        b = mp.mpf(lam) + mp.mpf(alpha) - 1
        root = (-b + mp.sqrt(b * b + 4 * mp.mpf(lam))) / (2 * mp.mpf(lam))
    assert float(ridge_response(np.array(alpha), np.array(lam))) == pytest.approx(float(root), rel=1e-13)


def test_loads_at_which_constraints_can_be_met() -> None:
    eps = np.array([1.0, 0.5, 0.3])
    inputs = rf.Linear()
    np.testing.assert_array_equal(inputs.constraint_capacity(rf.MinNorm(), eps), [1, 1, 1])
    np.testing.assert_allclose(inputs.constraint_capacity(rf.MaxMargin(), eps), [2, 2.2453, 2.6147], atol=6e-5)
    part = rf.Kernel(1.3, np.array([0.0, 1e-9, 2.0]))
    np.testing.assert_array_equal(part.constraint_capacity(rf.MinNorm(), eps), [1, np.inf, np.inf])
    np.testing.assert_allclose(part.constraint_capacity(rf.MaxMargin(), eps), [2, np.inf, np.inf], rtol=1e-9)
    features = rf.RandomFeatures(0.8, 0.6, np.array([0.2, 1.0, 7.0]))
    np.testing.assert_array_equal(features.constraint_capacity(rf.MinNorm(), eps), [0.2, 1.0, 7.0])
    # Cover's two per weight for coin flips; a rule that the features see a part of makes more possible.
    bounded = features.constraint_capacity(rf.MaxMargin(), np.ones(3))
    np.testing.assert_allclose(bounded, [0.4, 2.0, 14.0], rtol=1e-12)
    assert (features.constraint_capacity(rf.MaxMargin(), eps)[1:] > bounded[1:]).all()


def test_features_that_see_the_whole_rule_separate_as_much_per_weight_as_inputs() -> None:
    whole = rf.RandomFeatures(1.0, 1e-9, 3.0)
    for eps in (0.1, 0.5):
        assert whole.constraint_capacity(rf.MaxMargin(), np.array(eps)) / 3.0 == pytest.approx(
            rf.capacity(eps), rel=1e-6
        )


def test_strengths_and_weights() -> None:
    assert rf.Kernel(3.0, 4.0).strengths == (3.0, 4.0)
    assert rf.Kernel(3.0, 4.0).angle == pytest.approx(np.arctan(4 / 3), rel=1e-15)
    np.testing.assert_allclose(rf.Kernel(np.ones(2), np.array([0.0, 1.0])).angle, [0.0, np.pi / 4])
    assert rf.RandomFeatures(0.8, 0.6, 2.0).strengths == (0.8, 0.6)
    assert (rf.Linear().per_input, rf.Kernel(1, 1).per_input, rf.RandomFeatures(1, 1, 2.5).per_input) == (1, 1, 2.5)
    kernel = rf.Kernel.from_angle(0.3)
    assert (kernel.mu1, kernel.mu_star) == pytest.approx((np.cos(0.3), np.sin(0.3)), rel=1e-15)


def test_how_small_a_linear_part_may_be() -> None:
    # Even functions have none; what quadrature leaves of it, up to 1e-9, counts as none.
    small = rf.Kernel.from_activation(lambda z: np.cos(z) - 1e-7 * z)
    assert small.mu1 == pytest.approx(1e-7, rel=1e-4)
    with pytest.raises(ValueError, match="no linear part"):
        rf.Kernel.from_activation(lambda z: np.cos(z) + 1e-10 * z)
