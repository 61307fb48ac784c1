"""Hermite coefficients and kernels against closed forms and quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

import raflib as rf

PI = np.pi
#: mu0, mu1, E[sigma^2] in closed form.
CLOSED = {
    "relu": (1 / np.sqrt(2 * PI), 0.5, 0.5),
    "erf": (0.0, 2 / np.sqrt(3 * PI), 2 / PI * np.arcsin(2 / 3)),
    "sign": (0.0, np.sqrt(2 / PI), 1.0),
    "sine": (0.0, np.exp(-0.5), 0.5 * (1 - np.exp(-2.0))),
    "gelu": (1 / np.sqrt(4 * PI), 0.5, 1 / 3 + 1 / (2 * PI * np.sqrt(3))),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name: str) -> None:
    parts = rf.hermite(name)
    mu0, mu1, square = CLOSED[name]
    assert parts.mu0 == pytest.approx(mu0, abs=1e-12)
    assert parts.mu1 == pytest.approx(mu1, abs=1e-12)
    assert parts.mu_star == pytest.approx(np.sqrt(square - mu0**2 - mu1**2), abs=1e-11)
    assert parts.error < 1e-10


def test_tanh_by_gauss_hermite() -> None:
    x, w = np.polynomial.hermite_e.hermegauss(200)
    w = w / np.sqrt(2 * PI)
    parts = rf.hermite("tanh")
    assert parts.mu1 == pytest.approx(w @ (x * np.tanh(x)), abs=1e-9)
    assert parts.mu_star**2 == pytest.approx(w @ np.tanh(x) ** 2 - parts.mu1**2, abs=1e-9)


def test_a_callable_with_kinks() -> None:
    # |z + b| has mu1 = 2 Phi(b) - 1 = erf(b / sqrt 2), by Stein.
    parts = rf.hermite(lambda z: np.abs(z + 0.7), kinks=[-0.7])
    assert parts.mu1 == pytest.approx(erf(0.7 / np.sqrt(2)), abs=1e-12)


@pytest.mark.parametrize(
    ("activation", "message"),
    [
        ("swish", "activation = 'swish' is not one of 'relu'"),
        (3.0, "activation = 3.0 is neither a name nor a function"),
        (lambda z: 0 * z + 2.0, "does not vary: .* use an activation that rises or bends"),
        (lambda z: 0 * z + 1e6, "does not vary"),
        (lambda z: np.sqrt(z), "is not finite"),
    ],
)
def test_bad_activations(activation, message) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        rf.hermite(activation)


def test_an_even_activation_has_no_linear_part() -> None:
    with pytest.raises(ValueError, match="no linear part"):
        rf.Kernel.from_activation(np.cos)


LINEAR = [(1.0, 0.0), (0.3, 0.1), (-0.0176, 0.338), (1e3, 5.0), (2.2e-4, 0.0)]


@pytest.mark.parametrize(("slope", "constant"), LINEAR)
def test_a_linear_activation_has_no_nonlinear_part(slope: float, constant: float) -> None:
    # Rounding would leave one of about 1e-8, which is enough to store any number of samples at lam = 0.
    def line(z):
        return slope * z + constant

    assert rf.hermite(line).mu_star == 0.0
    assert rf.Kernel.from_activation(line).mu_star == 0.0
    for features in (
        lambda: rf.RandomFeatures.from_activation(line, 1.0),
        lambda: rf.finite.ActivationFeatures(line).equivalent(1.0),
    ):
        with pytest.raises(
            ValueError, match=r"activation = .* is linear: mu_star = 0.*use rf\.Linear\(\), or an activation"
        ):
            features()


def test_a_small_nonlinear_part_is_kept() -> None:
    for bend in (1e-3, 1e-5, 1e-6):
        parts = rf.hermite(lambda z, bend=bend: z + bend * z**2)
        assert parts.mu_star == pytest.approx(bend * np.sqrt(2), rel=1e-3)


EVEN = {
    "t^2": lambda t: t**2,
    "10^6 t^2": lambda t: 1e6 * t**2,
    "5 + t^4": lambda t: 5 + t**4,
    "cosh": np.cosh,
    "e^t - t": lambda t: np.exp(t) - t,
    "arcsin^2": lambda t: np.arcsin(t) ** 2,
    "bessel": lambda t: 1 / np.sqrt(1 - 0.9 * t * t),
    "constant": lambda t: 3.0 + 0 * t,
}


@pytest.mark.parametrize("name", EVEN)
def test_a_kernel_whose_slope_is_rounding_has_no_linear_part(name: str) -> None:
    for make in (rf.Kernel.from_dot_product, rf.finite.DotProductKernel):
        with pytest.raises(ValueError, match=r"k'\(0\) = .* \(to .*e-.*\).*k'\(0\) > 0 beyond that error"):
            make(EVEN[name])


@pytest.mark.parametrize("slope", [1.0, 1e-4, 1e-8, 1e-12])
def test_a_small_slope_is_a_linear_part(slope: float) -> None:
    kernel = rf.Kernel.from_dot_product(lambda t: t**2 + slope * t)
    assert kernel.mu1**2 == pytest.approx(slope, rel=1e-2, abs=1e-14)
    assert kernel.mu_star == pytest.approx(1.0, rel=1e-12)
    assert rf.finite.DotProductKernel(lambda t: t**2 + slope * t).strengths == (kernel.mu1, kernel.mu_star)


@pytest.mark.parametrize("eta", [1e-3, 0.7, 10.0, 20.0])
def test_the_slope_of_a_steep_kernel(eta: float) -> None:
    # At eta = 20 it is 2e-16, far below what rounding leaves in others, and known to six digits.
    kernel = rf.Kernel.from_dot_product(lambda t: np.exp(-2 * eta * (1 - t)))
    assert kernel.mu1 == pytest.approx(rf.Kernel.rbf(eta).mu1, rel=1e-6)


@pytest.mark.parametrize(("slope", "constant"), [(0.966, 13.2), (2.7e-3, 103.0), (0.0687, 0.695), (3.0, 0.0)])
def test_a_linear_kernel_has_no_nonlinear_part(slope: float, constant: float) -> None:
    kernel = rf.Kernel.from_dot_product(lambda t: slope * t + constant)
    assert kernel.mu_star == 0.0
    assert kernel.mu1**2 == pytest.approx(slope, abs=1e-12 * max(constant, 1.0))


def test_kernel_of_an_activation_is_its_dot_product_kernel() -> None:
    # Infinitely many relu features have the arc-cosine kernel of order one (Cho and Saul 2009).
    def arc_cosine(t: np.ndarray) -> np.ndarray:
        t = np.clip(t, -1, 1)
        return (np.sqrt(1 - t * t) + t * (PI - np.arccos(t))) / (2 * PI)

    from_kernel, from_relu = rf.Kernel.from_dot_product(arc_cosine), rf.Kernel.from_activation("relu")
    assert from_kernel.mu1 == pytest.approx(from_relu.mu1, rel=1e-9)
    assert from_kernel.mu_star == pytest.approx(from_relu.mu_star, rel=1e-9)


def test_rbf_sweeps_all_angles() -> None:
    angle = rf.Kernel.rbf(np.geomspace(1e-6, 20, 60)).angle
    assert np.all(np.diff(angle) > 0)
    assert angle[0] < 2e-3
    assert angle[-1] > PI / 2 - 1e-3
    one = rf.Kernel.from_dot_product(lambda t: np.exp(-2 * 0.4 * (1 - t)))
    assert one.mu1 == pytest.approx(rf.Kernel.rbf(0.4).mu1, rel=1e-10)
    assert one.mu_star == pytest.approx(rf.Kernel.rbf(0.4).mu_star, rel=1e-9)


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.2, 1.55])
def test_which_width_gives_an_angle(gamma: float) -> None:
    assert rf.Kernel.rbf(rf.rbf_eta(gamma)).angle == pytest.approx(gamma, rel=1e-10)


def test_which_bias_gives_an_angle() -> None:
    bias = rf.activation_bias("erf", 0.6)
    assert rf.Kernel.from_activation(lambda z: erf(z + bias)).angle == pytest.approx(0.6, rel=1e-9)
    with pytest.raises(ValueError, match=r"gamma = 1\.5 is outside the reachable range"):
        rf.activation_bias("relu", 1.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rf.Kernel.rbf(0.0), r"eta = 0 is outside the allowed range \(0, 300\]"),
        (lambda: rf.rbf_eta(0.0), r"gamma = 0 .*\(0, 1\.5708\)"),
        (lambda: rf.Kernel.from_dot_product(lambda t: -t), r"k'\(0\) = -1"),
    ],
)
def test_bad_kernels(call, message) -> None:
    with pytest.raises(ValueError, match=message):
        call()
