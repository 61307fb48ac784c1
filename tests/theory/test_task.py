"""The label law, against its definition."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import raflib as rf
from raflib.gaussian import density, label_weight


def test_label_probabilities() -> None:
    z = np.array([-3.0, -0.1, 0.2, 5.0])
    for eps in (0.0, 0.3, 1.0):
        task = rf.RulesAndFacts(1.0, eps)
        up, down = task.label_probability(1, z), task.label_probability(-1, z)
        np.testing.assert_allclose(up + down, 1.0, rtol=1e-15)
        # Reversing the label and the field is the same sample, and a rule's label is the sign.
        np.testing.assert_array_equal(up, task.label_probability(-1, -z))
        np.testing.assert_allclose(up, (1 - eps) * (z > 0) + eps / 2, rtol=1e-15)


@pytest.mark.parametrize("inputs", ["gaussian", "sphere", "binary"])
def test_a_sample_carries_the_labels_of_the_law(inputs: str) -> None:
    data = rf.RulesAndFacts(100.0, 0.4).sample(d=200, rng=7, inputs=inputs)
    agrees = data.y == np.sign(data.X @ data.teacher)
    n = agrees.size
    assert abs(data.is_fact.mean() - 0.4) < 5 * np.sqrt(0.24 / n)
    assert agrees[~data.is_fact].all()
    assert abs(agrees[data.is_fact].mean() - 0.5) < 5 * np.sqrt(0.25 / (0.4 * n))


@pytest.mark.parametrize("eps", [0.0, 0.3, 1.0])
def test_smoothed_label_probability_is_its_average(eps: float) -> None:
    task = rf.RulesAndFacts(1.0, eps)
    for t in (-2.0, 0.0, 0.7):
        average = sum(
            quad(
                lambda noise, t=t: norm.pdf(noise) * task.label_probability(1, t + noise),
                *ends,
            )[0]
            for ends in ((-12.0, -t), (-t, 12.0))
        )
        assert float(task.smoothed_label_probability(t)) == pytest.approx(average, abs=1e-10)


def test_label_weight_is_the_law_of_sampled_margins() -> None:
    # Margins y omega / sqrt(q) of a student with overlaps m, s, drawn from the definition of the model.
    eps, m, s, n = 0.3, 0.8, 0.5, 200_000
    rng = np.random.default_rng(0)
    z, noise = rng.standard_normal((2, n))
    y = np.where(rng.random(n) < eps, rng.choice([-1.0, 1.0], n), np.sign(z))
    margin = y * (m * z + np.sqrt(s) * noise) / np.sqrt(m * m + s)
    k = np.array(m / np.sqrt(s))
    for low, high in ((-4.0, -1.0), (-1.0, 0.0), (0.0, 0.5), (0.5, 4.0)):
        share = quad(
            lambda x: float(density(np.array(x)) * label_weight(np.array(x), k, np.array(eps))),
            low,
            high,
        )[0]
        seen = np.mean((margin > low) & (margin <= high))
        assert seen == pytest.approx(share, abs=4.5 * np.sqrt(share * (1 - share) / n))
