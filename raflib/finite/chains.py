"""How much a Markov chain has seen: autocorrelation, effective sample size, agreement of chains."""

from __future__ import annotations

import numpy as np

from ..overlaps import Array


def autocorrelation_time(series: Array) -> float:
    r"""Integrated autocorrelation time of a stationary series, in its steps.

    .. math::

        \tau = 1 + 2 \sum_{t \ge 1} \rho_t,

    summed over pairs of neighbouring lags as long as they stay positive, made monotone (Geyer's initial sequence): so
    many steps tell as much about the mean as one independent value.

    Parameters
    ----------
    series : array, shape (n,)
        Values at successive steps, n >= 4.

    Returns
    -------
    float, in (0, n]
        1 for independent values, less for ones that alternate; n for a constant.

    Raises
    ------
    ValueError
        If the series is no vector of four finite numbers or more.

    References
    ----------
    Geyer, Statist. Sci. 7 (1992) 473, section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> steps = np.random.default_rng(0).standard_normal(50_000)
    >>> series = np.zeros(50_000)
    >>> for t in range(1, 50_000):
    ...     series[t] = 0.8 * series[t - 1] + steps[t]
    >>> bool(abs(autocorrelation_time(series) - (1 + 0.8) / (1 - 0.8)) < 1)
    True
    """
    series = np.asarray(series, dtype=np.float64)
    if series.ndim != 1 or series.size < 4 or not np.isfinite(series).all():
        raise ValueError(f"series of shape {series.shape} is not a vector of at least 4 finite numbers")
    n = series.size
    centred = series - series.mean()
    variance = float(centred @ centred) / n
    if variance <= 1e-28 * float(series @ series) / n or variance == 0.0:
        return float(n)
    spectrum = np.abs(np.fft.rfft(centred, 2 * n)) ** 2
    rho = np.fft.irfft(spectrum)[:n] / (n * variance)
    pairs = rho[: n - n % 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0.0)
    first = int(negative[0]) if negative.size else pairs.size
    total = 2.0 * float(np.minimum.accumulate(pairs[:first]).sum()) - 1.0
    # A sum near zero is an alternating chain that the estimate cannot resolve.
    return float(min(max(total, 1.0 / np.log10(n + 10.0)), n))


def effective_sample_size(chains: Array) -> float:
    """Return the number of independent values that tell as much about the mean: each chain's length over its time.

    Parameters
    ----------
    chains : array, shape (chains, n)
        Values at successive steps.

    Returns
    -------
    float
        Summed over chains.

    Examples
    --------
    >>> import numpy as np
    >>> chains = np.random.default_rng(0).standard_normal((2, 1000))
    >>> bool(1500 < effective_sample_size(chains) < 2500)
    True
    """
    return float(sum(chain.size / autocorrelation_time(chain) for chain in np.atleast_2d(chains)))


def split_r_hat(chains: Array) -> float:
    r"""Return how much wider the pooled halves of all chains are than one of them: 1 where they agree.

    .. math::

        \hat R = \sqrt{\frac{n-1}n + \frac BW}

    with n the length of a half, B the variance of the halves' means and W the mean of their variances.

    Parameters
    ----------
    chains : array, shape (chains, n)
        Values at successive steps, n >= 4.

    Returns
    -------
    float, at least about 1
        Above 1.01 the chains have not forgotten where they started.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter and Bürkner, Bayesian Analysis 16 (2021) 667.

    Examples
    --------
    >>> import numpy as np
    >>> chains = np.random.default_rng(0).standard_normal((4, 500))
    >>> bool(split_r_hat(chains) < 1.01), bool(split_r_hat(chains + np.arange(4)[:, None]) > 1.5)
    (True, True)
    """
    half = chains.shape[1] // 2
    halves = np.concatenate([chains[:, :half], chains[:, -half:]])
    within = float(halves.var(axis=1, ddof=1).mean())
    between = float(halves.mean(axis=1).var(ddof=1))
    if within == 0.0:
        return 1.0 if between == 0.0 else np.inf
    return float(np.sqrt((half - 1) / half + between / within))
