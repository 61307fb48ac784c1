"""Where simulations run and what is kept: the same numbers on any backend, the cache, failures that lose nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import joblib
import numpy as np
import pytest

import raflib as rf
from raflib.finite import jobs, machines, trials
from raflib.finite.jobs import Job

TASK = rf.RulesAndFacts(np.array([1.0, 2.0])[:, None], 0.3)
LEARNER = rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), np.array([0.1, 1.0]))
OBSERVABLES = ("generalization_error", "memorization_error", "training_error", "training_loss", "m", "q")


def quiet(*args, **settings) -> rf.Simulation:
    return rf.simulate(*args, **{"d": 50, "seeds": [3, 5, 9], "n_jobs": 1, "progress": False} | settings)


@contextmanager
def workers(backend: str) -> Iterator[None]:
    """Two workers; those of Dask are processes of their own."""
    with ExitStack() as stack:
        if backend == "dask":
            import dask
            import distributed

            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 1}))
            local = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
            cluster = stack.enter_context(distributed.LocalCluster(**local))
            stack.enter_context(distributed.Client(cluster))
        stack.enter_context(joblib.parallel_config(backend=backend, **{} if backend == "dask" else {"n_jobs": 2}))
        yield


def assert_same(one: rf.Simulation, two: rf.Simulation) -> None:
    for name in OBSERVABLES:
        np.testing.assert_array_equal(getattr(one, name).values, getattr(two, name).values, err_msg=name)
        np.testing.assert_array_equal(getattr(one, name).mean, getattr(two, name).mean, err_msg=name)


# ---------------------------------------------------------------- anywhere the same


def test_the_numbers_do_not_depend_on_the_workers() -> None:
    one = quiet(TASK, LEARNER)
    assert_same(one, quiet(TASK, LEARNER, n_jobs=2))
    with joblib.parallel_config(backend="threading", n_jobs=2):
        assert_same(one, quiet(TASK, LEARNER, n_jobs=None))
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        assert_same(one, quiet(TASK, LEARNER, n_jobs=None))
    alone = quiet(TASK, LEARNER, seeds=[5])
    for name in OBSERVABLES:
        np.testing.assert_array_equal(getattr(one, name).values[1], getattr(alone, name).values[0])
        assert np.isnan(getattr(alone, name).stderr).all()
    assert one.generalization_error.values.shape == (3, 2, 2)
    assert one.seeds == (3, 5, 9)
    assert np.all(one.seconds > 0)


def test_a_run_keeps_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    seen = []
    original = jobs.train_path

    def spy(*args):
        seen.extend(pool["num_threads"] for pool in threadpool_info())
        return original(*args)

    monkeypatch.setattr(jobs, "train_path", spy)
    with threadpool_limits(limits=2):
        quiet(TASK, LEARNER, seeds=1)
        assert {pool["num_threads"] for pool in threadpool_info()} - {1}
    assert seen
    assert set(seen) == {1}


def test_the_session_has_no_say_in_the_numbers_and_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    task, learner = rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), np.array([0.01, 1.0]))
    settings = {"d": 250, "seeds": 4, "n_jobs": None}  # large enough for a sum over two threads
    with threadpool_limits(limits=1):
        one = quiet(task, learner, **settings | {"n_jobs": 1})
    with threadpool_limits(limits=2):
        before = threadpool_info()
        assert 2 in {pool["num_threads"] for pool in before}
        for backend in ("sequential", "threading", "loky"):
            with joblib.parallel_config(backend=backend, n_jobs=1 if backend == "sequential" else 2):
                assert_same(quiet(task, learner, **settings), one)
            assert threadpool_info() == before
        monkeypatch.setattr(jobs, "train_path", lambda *_: 1 / 0)
        for backend in ("sequential", "threading"):
            workers = 1 if backend == "sequential" else 2
            with joblib.parallel_config(backend=backend, n_jobs=workers), pytest.raises(ZeroDivisionError):
                quiet(task, learner, **settings)
            give_up = time.monotonic() + 30
            while threadpool_info() != before and time.monotonic() < give_up:  # another thread may still train
                time.sleep(0.05)
            assert threadpool_info() == before


def test_who_decides_on_the_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    original = joblib.Parallel

    def spy(**settings):
        asked.append(settings["n_jobs"])
        return original(**settings | {"n_jobs": 1})

    monkeypatch.setattr(joblib, "Parallel", spy)
    monkeypatch.setattr(joblib, "cpu_count", lambda: 4)
    quiet(TASK, LEARNER, n_jobs=None, seeds=1)
    quiet(TASK, LEARNER, n_jobs=None, seeds=5)
    quiet(TASK, LEARNER, n_jobs=3, seeds=1)
    with joblib.parallel_config(n_jobs=2):
        quiet(TASK, LEARNER, n_jobs=None, seeds=1)
    # A core each, no more than there are runs; a number; what joblib's own settings say.
    assert asked == [2, 4, 3, None]


def test_a_dask_cluster_gives_the_same_numbers(tmp_path: Path) -> None:
    from distributed import Client, LocalCluster

    relu = rf.finite.ActivationFeatures(lambda z: np.maximum(z, 0.0), kinks=[0.0])  # a function goes by its code
    learner = rf.Learner(rf.Square(), relu.equivalent(2.0), np.array([0.1, 1.0]))
    settings = {"actual": relu, "test_size": 500}
    one = quiet(TASK, learner, **settings)
    local = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**local) as cluster, Client(cluster) as client:
        assert len(client.scheduler_info()["workers"]) == 2
        with joblib.parallel_config(backend="dask"):
            run = quiet(TASK, learner, n_jobs=None, **settings)
            quiet(TASK, learner, n_jobs=None, cache=tmp_path, **settings)
        workers = client.run(os.getpid)
        assert os.getpid() not in workers.values()
    assert_same(run, one)
    # The workers filled the cache: nothing is left to train.
    assert_same(cached_only(tmp_path, TASK, learner, **settings), one)


# ---------------------------------------------------------------- the cache


def cached_only(folder: Path, *args, **settings) -> rf.Simulation:
    """Simulate where training is impossible."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Job, "run", lambda self: pytest.fail(f"trained {self.where}"))
        return quiet(*args, cache=folder, **settings)


def test_the_cache_keeps_every_seed(tmp_path: Path) -> None:
    first = quiet(TASK, LEARNER, cache=tmp_path)
    assert_same(first, quiet(TASK, LEARNER))
    again = cached_only(tmp_path, TASK, LEARNER)
    assert_same(first, again)
    np.testing.assert_array_equal(first.seconds, again.seconds)
    some = cached_only(tmp_path, rf.RulesAndFacts(2.0, 0.3), LEARNER, seeds=[9, 3])
    np.testing.assert_array_equal(some.q.values, first.q.values[[2, 0], 1])
    # Another call trains what is missing only.
    trained = []
    with pytest.MonkeyPatch.context() as patch:
        original = Job.run
        patch.setattr(Job, "run", lambda self: (trained.append(self.seed), original(self))[1])
        quiet(TASK, LEARNER, seeds=[3, 4], cache=tmp_path)
    assert trained == [4, 4]


RBF = rf.finite.RBFKernel(0.5)


@pytest.mark.parametrize(
    ("task", "learner", "settings"),
    [
        (rf.RulesAndFacts(1.01, 0.3), LEARNER, {}),
        (rf.RulesAndFacts(1.0, 0.31), LEARNER, {}),
        (rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Logistic(), LEARNER.features, LEARNER.lam), {}),
        (rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.61), LEARNER.lam), {}),
        (rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Hinge(), rf.Linear(), LEARNER.lam), {}),
        (rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Hinge(), LEARNER.features, np.array([0.1, 1.1])), {}),
        (rf.RulesAndFacts(1.0, 0.3), LEARNER, {"d": 51}),
        (rf.RulesAndFacts(1.0, 0.3), LEARNER, {"seeds": [4]}),
        (rf.RulesAndFacts(1.0, 0.3), LEARNER, {"inputs": "sphere"}),
        (rf.RulesAndFacts(1.0, 0.3), LEARNER, {"intercept": True}),
        (rf.RulesAndFacts(1.0, 0.3), LEARNER, {"test_size": 9}),
        (rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Hinge(), RBF.equivalent, LEARNER.lam), {"actual": RBF}),
    ],
)
def test_every_parameter_is_in_the_key(task, learner, settings, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    monkeypatch.setattr(Job, "run", lambda self: (keys.append(self.key), (np.zeros((6, 2)), 0.0))[1])
    quiet(rf.RulesAndFacts(1.0, 0.3), LEARNER, seeds=[3])
    quiet(task, learner, **{"seeds": [3]} | settings)
    assert keys[0] != keys[1]


def test_code_and_packages_are_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    def version_now() -> str:
        trials._code_version.cache_clear()
        return trials.code_version()

    now = version_now()
    monkeypatch.setattr(trials, "version", lambda name: "0.0")
    assert version_now() != now
    monkeypatch.undo()
    assert version_now() == now
    monkeypatch.setattr(trials, "_SOURCES", ("*.py",))
    assert version_now() != now
    monkeypatch.undo()
    assert version_now() == now


# ---------------------------------------------------------------- failures


def test_a_failed_seed_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = Job.run

    def fails(self: Job):
        if self.seed == 5 and self.task.alpha == 2.0:
            raise rf.SimulationError("Hinge at lam = 0.1 did not converge")
        return original(self)

    monkeypatch.setattr(Job, "run", fails)
    with pytest.raises(rf.SimulationError, match=r"^Hinge at lam = 0\.1 did not converge") as raised:
        quiet(TASK, LEARNER, cache=tmp_path)
    told = raised.value.__notes__[-1]
    assert told.startswith("1 of 6 runs failed: seed 5 at alpha = 2, eps = 0.3, mu1 = 0.8, mu_star = 0.6.")
    assert f"The 5 others are kept in {tmp_path}" in told
    with pytest.raises(rf.SimulationError) as raised:
        quiet(TASK, LEARNER)
    assert "are lost (cache=FOLDER keeps them)" in raised.value.__notes__[-1]

    trained = []
    monkeypatch.setattr(Job, "run", lambda self: (trained.append(self.where), original(self))[1])
    run = quiet(TASK, LEARNER, cache=tmp_path)
    assert trained == ["seed 5 at alpha = 2, eps = 0.3, mu1 = 0.8, mu_star = 0.6"]
    assert_same(run, quiet(TASK, LEARNER))


def test_an_optimiser_that_stops_early_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "_DESCENTS", (("lbfgs", 1e-8, 2),))
    with pytest.raises(rf.SimulationError, match=r"Logistic at lam = 0\.1 did not converge") as raised:
        quiet(TASK, rf.Learner(rf.Logistic(), rf.Linear(), 0.1))
    assert raised.value.__notes__[-1].startswith("6 of 6 runs failed: seed 3 at alpha = 1, eps = 0.3, seed 5")


def test_want_of_memory_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Job):
        raise MemoryError("Unable to allocate 64.0 GiB")

    monkeypatch.setattr(Job, "run", fails)
    with pytest.raises(
        rf.SimulationError, match=r"not enough memory for training at d = 50: Unable .*use a smaller n_jobs"
    ):
        quiet(TASK, LEARNER)


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "dask"])
def test_a_worker_that_dies_is_an_error_and_loses_nothing(backend: str, tmp_path: Path) -> None:
    def deadly(z: np.ndarray) -> np.ndarray:
        """End the worker that trains the large load, as when memory is short, once the other one has finished."""
        if z.size > 50 * 100:
            give_up = time.monotonic() + 60
            while not list(tmp_path.rglob("output.pkl")) and time.monotonic() < give_up:
                time.sleep(0.05)
            os._exit(1)
        return np.tanh(z)

    features = rf.finite.ActivationFeatures(deadly)
    learner = rf.Learner(rf.Square(), features.equivalent(2.0), 0.1)
    small = rf.RulesAndFacts(1.0, 0.3)
    settings = {"actual": features, "test_size": 40, "seeds": 1}
    with workers(backend):
        with pytest.raises(
            rf.SimulationError, match=r"a worker died after .* training at d = 50.* use a smaller n_jobs"
        ) as raised:
            quiet(TASK, learner, n_jobs=None, cache=tmp_path, **settings)
        again = quiet(small, learner, n_jobs=None, **settings | {"seeds": 2})
    assert f"kept in {tmp_path}" in str(raised.value)
    assert raised.value.__cause__ is not None
    run = cached_only(tmp_path, small, learner, **settings)
    assert_same(run, quiet(small, learner, **settings))
    assert_same(again, quiet(small, learner, **settings | {"seeds": 2}))
