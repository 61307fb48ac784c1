"""Sweeps: the numbers of solve, in bounded memory, on any workers, and nothing solved twice."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from dataclasses import FrozenInstanceError
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest

import raflib as rf
import raflib.archive
import raflib.workers

ALPHA = np.geomspace(0.2, 8.0, 6)
TASK = rf.RulesAndFacts(ALPHA[:, None, None], np.array([0.0, 0.3, 1.0]))
KERNEL = rf.Kernel(0.8, np.array([0.4, 0.6, 1.2, 2.0])[:, None])
WIDE = rf.RandomFeatures(0.8, 0.6, np.array([0.5, 3.0])[:, None])
LEARNERS = {
    "hinge, kernel": rf.Learner(rf.Hinge(), KERNEL, 0.1),
    "logistic, kernel": rf.Learner(rf.Logistic(), KERNEL, np.array([0.1, 1.0, 10.0])),
    "ridge, random features": rf.Learner(rf.Square(), WIDE, 0.2),
    "Bayes": rf.BayesOptimal(),
}
#: Equal margins can be stored up to alpha = 1: points beyond have no solution.
STORING = rf.Learner(rf.MinNorm(), rf.Linear(), 1.0)
LOADS = rf.RulesAndFacts(np.array([0.3, 0.5, 0.7, 0.9, 1.5, 0.6, 2.5, 0.8]), 0.5)


def quiet(*arguments: object, **settings: object) -> rf.Sweep:
    return rf.sweep(*arguments, progress=False, **settings)


def assert_same(one: rf.Sweep, two: rf.Sweep) -> None:
    """Bit by bit."""
    assert list(one.values) == list(two.values)
    for name, value in one.values.items():
        np.testing.assert_array_equal(value, two[name])


# ---------------------------------------------------------------- the numbers of solve


@pytest.mark.parametrize("name", LEARNERS)
def test_it_is_solve_whatever_the_chunk(name: str) -> None:
    learner = LEARNERS[name]
    sol = rf.solve(TASK, learner)
    asked = ["m", "q", "V_hat", "steps", "constrained", rf.generalization_error]
    whole = quiet(TASK, learner, asked, chunk=10**6)
    for attribute in asked[:-1]:
        np.testing.assert_array_equal(whole[attribute], getattr(sol, attribute))
        assert whole[attribute].dtype == getattr(sol, attribute).dtype
    np.testing.assert_array_equal(whole["generalization_error"], rf.generalization_error(sol))
    parts = quiet(TASK, learner, asked, chunk=7)
    assert parts["q"].shape == np.shape(sol.q)
    for attribute in ("m", "q", "V_hat", "generalization_error"):
        np.testing.assert_allclose(parts[attribute], whole[attribute], rtol=1e-8)
    assert parts.converged.all()
    assert parts.failed_share == 0.0


@pytest.mark.parametrize("chunk", [1, 5, 72, 1000])
def test_every_point_gets_its_own_parameters(chunk: int) -> None:
    task = rf.RulesAndFacts(ALPHA[:, None, None, None], np.linspace(0, 1, 3)[:, None])
    learner = rf.Learner(rf.Square(), rf.RandomFeatures(0.8, np.array([0.5, 1.0])[:, None, None], 2.0), [0.1, 1.0])
    seen = {
        "alpha": lambda sol: sol.task.alpha,
        "eps": lambda sol: sol.task.eps,
        "lam": lambda sol: sol.learner.lam,
        "mu_star": lambda sol: sol.learner.features.mu_star,
        "kappa": lambda sol: sol.learner.features.kappa,
    }
    run = quiet(task, learner, seen, chunk=chunk)
    features = learner.features
    wanted = (task.alpha, task.eps, learner.lam, features.mu_star, features.kappa)
    for name, value in zip(seen, np.broadcast_arrays(*wanted), strict=True):
        assert value.shape == (6, 2, 3, 2)
        np.testing.assert_array_equal(run[name], value)


def test_the_two_errors_are_kept_by_default() -> None:
    learner = rf.Learner(rf.Hinge(), rf.Linear(), 0.1)
    run, sol = quiet(TASK, learner), rf.solve(TASK, learner)
    assert list(run.values) == ["generalization_error", "memorization_error", "converged"]
    np.testing.assert_array_equal(run["memorization_error"], rf.memorization_error(sol))
    assert list(quiet(TASK, rf.BayesOptimal()).values) == ["generalization_error", "converged"]


def test_one_point_and_one_observable() -> None:
    point = rf.RulesAndFacts(2.0, 0.3), rf.Learner(rf.Hinge(), rf.Linear(), 0.1)
    run = quiet(*point, rf.training_loss)
    assert run["training_loss"].shape == ()
    assert float(run["training_loss"]) == rf.training_loss(rf.solve(*point))
    assert float(quiet(*point, "q")["q"]) == rf.solve(*point).q


def test_the_result_is_frozen() -> None:
    run = quiet(TASK, rf.BayesOptimal())
    assert (run.task, run.learner) == (TASK, rf.BayesOptimal())
    with pytest.raises(FrozenInstanceError):
        run.values = {}
    with pytest.raises(ValueError, match="read-only"):
        run["generalization_error"][0] = 0.0
    with pytest.raises(KeyError, match=r"'m' is not an observable of this sweep, which has generalization_error"):
        run["m"]


# ---------------------------------------------------------------- memory


def test_memory_grows_with_the_chunk_and_not_with_the_points(tmp_path: Path) -> None:
    def peak(points: int, chunk: int, out: Path | None) -> int:
        """Largest allocation in bytes, without memory maps: those are files."""
        task = rf.RulesAndFacts(np.geomspace(0.1, 10.0, points // 1000)[:, None], np.linspace(0.0, 1.0, 1000))
        tracemalloc.start()
        try:
            run = quiet(task, rf.Learner(rf.Square(), rf.Linear(), 0.1), "q", chunk=chunk, out=out)
            assert run["q"].size == points
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(1000, 1000, tmp_path / "warm")  # what a first call imports and keeps
    small = peak(100_000, 10_000, tmp_path / "small")
    many = peak(1_000_000, 10_000, tmp_path / "many")
    wide = peak(100_000, 50_000, tmp_path / "wide")
    assert many < 1.1 * small
    assert many < 8 * 1_000_000  # less than one array of the points
    assert wide > 3 * small
    # In memory the outputs are there too: a float and a bool a point.
    assert peak(1_000_000, 10_000, None) == pytest.approx(many + 9 * 1_000_000, rel=0.1)


# ---------------------------------------------------------------- progress and failures


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Show bars although the tests run with TQDM_DISABLE."""
    monkeypatch.setattr("tqdm.auto.tqdm", partial(pytest.importorskip("tqdm.auto").tqdm, disable=False))


@pytest.mark.usefixtures("bars")
def test_progress_is_shown_over_points_with_failures_counted(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.warns(rf.ConvergenceWarning):
        rf.sweep(LOADS, STORING, "q", chunk=3, on_failure="nan")
    shown = capfd.readouterr().err
    assert "sweep: 100%" in shown
    assert "8.00/8.00" in shown
    assert "point/s, failed=2]" in shown
    quiet(TASK, rf.BayesOptimal())
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("backend", ["sequential", "threading"])
def test_points_without_a_solution_are_marked_with_one_warning(backend: str) -> None:
    with joblib.parallel_config(backend=backend, n_jobs=1 if backend == "sequential" else 3), warnings.catch_warnings():
        warnings.simplefilter("always")
        with pytest.warns() as caught:
            run = quiet(LOADS, STORING, ["q", rf.memorization_error], chunk=1, on_failure="nan")
    (warning,) = caught
    assert warning.category is rf.ConvergenceWarning
    assert Path(warning.filename) == Path(__file__)
    assert str(warning.message) == (
        "2 of 8 points have no solution, the first at alpha = 1.5, eps = 0.5, lam = 1.0; "
        "marked nan with converged=False"
    )
    np.testing.assert_array_equal(run.converged, LOADS.alpha < 1.0)
    np.testing.assert_array_equal(np.isnan(run["q"]), LOADS.alpha > 1.0)
    np.testing.assert_array_equal(np.isnan(run["memorization_error"]), LOADS.alpha > 1.0)
    assert run.failed_share == 0.25


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_point_without_a_solution_stops_it_and_loses_no_other_chunk(n_jobs: int, tmp_path: Path) -> None:
    with pytest.raises(rf.ConvergenceError, match=r"alpha = 1\.5, eps = 0\.5, lam = 1\.0") as caught:
        quiet(LOADS, STORING, "q", chunk=2, n_jobs=n_jobs, out=tmp_path / "run")
    chunk, stopped = caught.value.__notes__
    assert chunk == "In the chunk of points 4 to 5, counted in C order."
    assert stopped.startswith("The sweep stopped after ")
    assert stopped.endswith(f" of 8 points; they are kept in {tmp_path / 'run'}, where the same call goes on.")
    done = np.load(tmp_path / "run" / "parts-done.npy")
    assert done[:2].all()
    assert not done[2]
    kept = np.load(tmp_path / "run" / "q.npy")
    np.testing.assert_array_equal(kept[:4], rf.solve(rf.RulesAndFacts(LOADS.alpha[:4], 0.5), STORING).q)
    assert np.isnan(kept[4:6]).all()

    # Marking them, the same call goes on; asked to raise again, it does.
    with pytest.warns(rf.ConvergenceWarning, match="2 of 8 points"):
        run = quiet(LOADS, STORING, "q", chunk=2, out=tmp_path / "run", on_failure="nan")
    np.testing.assert_array_equal(run.converged, LOADS.alpha < 1.0)
    with pytest.raises(rf.ConvergenceError, match=r"alpha = 1\.5"):
        quiet(LOADS, STORING, "q", chunk=2, out=tmp_path / "run")


def test_an_error_of_an_observable_says_where_it_was() -> None:
    def broken(sol: rf.Solution) -> np.ndarray:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine") as caught:
        quiet(TASK, rf.BayesOptimal(), broken, chunk=10)
    chunk, stopped = caught.value.__notes__
    assert chunk.startswith("In the chunk of points 0 to 9, counted in C order.\nTraceback")
    assert 'raise ZeroDivisionError("mine")' in chunk
    assert stopped == "The sweep stopped after 0 of 18 points; they are lost (out=FOLDER keeps them)."


# ---------------------------------------------------------------- a folder from which it goes on


SOLVED: list[float] = []
TROUBLE: list[float] = []


def watched(sol: rf.Solution) -> np.ndarray:
    if TROUBLE and TROUBLE[0] in sol.task.alpha:
        raise OSError("a node went down")
    SOLVED.extend(sol.task.alpha)
    return sol.q


@pytest.mark.usefixtures("bars")
def test_a_second_call_solves_only_what_is_missing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    SOLVED.clear()
    TROUBLE.append(ALPHA[3])
    learner, task = rf.Learner(rf.Hinge(), rf.Linear(), 0.1), rf.RulesAndFacts(ALPHA, 0.3)
    asked = {"q": watched, "V": "V"}
    with pytest.raises(OSError, match="a node went down"):
        quiet(task, learner, asked, chunk=1, out=tmp_path)
    TROUBLE.clear()
    assert list(ALPHA[:3]) == SOLVED
    run = rf.sweep(task, learner, asked, chunk=1, out=tmp_path)
    assert "6.00/6.00" in capfd.readouterr().err  # the bar starts where the first call stopped
    assert list(ALPHA) == SOLVED
    assert isinstance(run["q"], np.memmap)
    whole = quiet(task, learner, {"q": "q", "V": "V"}, chunk=1)
    assert_same(run, whole)
    again = quiet(task, learner, asked, chunk=1, out=str(tmp_path), n_jobs=1, on_failure="nan")
    assert list(ALPHA) == SOLVED
    assert_same(again, whole)
    np.testing.assert_array_equal(np.load(tmp_path / "q.npy"), whole["q"])


def test_an_interrupt_keeps_what_is_done(tmp_path: Path) -> None:
    def interrupted(sol: rf.Solution) -> np.ndarray:
        if sol.task.alpha[0] > 1.0:
            raise KeyboardInterrupt
        return sol.q

    task = rf.RulesAndFacts(ALPHA, 0.3)
    with pytest.raises(KeyboardInterrupt) as caught:
        quiet(task, rf.BayesOptimal(), {"q": interrupted}, chunk=1, out=tmp_path)
    assert "stopped after 3 of 6 points" in caught.value.__notes__[-1]
    assert np.load(tmp_path / "parts-done.npy").sum() == 3


KILLED = """
import os, sys, raflib as rf, raflib.archive, numpy as np
raflib.archive.WRITE_EVERY = 0.0

def q(sol):
    print(*sol.task.alpha)
    if "die" in sys.argv and 5.0 in sol.task.alpha:
        sys.stdout.flush()
        os.kill(os.getpid(), 9)
    return sol.q

task = rf.RulesAndFacts(np.arange(1.0, 9.0), 0.3)
run = rf.sweep(task, rf.BayesOptimal(), {"q": q}, chunk=2, out=sys.argv[1], progress=False)
assert np.array_equal(run["q"], np.concatenate([rf.solve(rf.RulesAndFacts(task.alpha[i:i + 2], 0.3),
                                                         rf.BayesOptimal()).q for i in range(0, 8, 2)]))
"""


def test_a_killed_process_loses_only_the_chunk_under_way(tmp_path: Path) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", KILLED, str(tmp_path / "run"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    first = run("die")
    assert first.returncode == -9
    assert first.stdout.splitlines() == ["1.0 2.0", "3.0 4.0", "5.0 6.0"]
    second = run()
    assert second.returncode == 0, second.stderr
    assert second.stdout.splitlines() == ["5.0 6.0", "7.0 8.0"]
    assert run().stdout == ""


def test_a_folder_of_another_sweep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, learner = rf.RulesAndFacts(ALPHA, 0.3), rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.6), 0.1)
    same = {"observables": {"cosine": lambda sol: sol.m / sol.q**0.5}, "chunk": 4, "out": tmp_path / "run"}
    before = quiet(task, learner, **same)
    others = [
        ("alpha was array", (rf.RulesAndFacts(ALPHA + 1e-15, 0.3), learner), {}),
        ("alpha was array .*, now array", (rf.RulesAndFacts(ALPHA[:, None], 0.3), learner), {}),
        (r"eps was 0\.3, now 0\.4", (rf.RulesAndFacts(ALPHA, 0.4), learner), {}),
        (r"mu_star was 0\.6, now 0\.7", (task, rf.Learner(rf.Hinge(), rf.Kernel(0.8, 0.7), 0.1)), {}),
        ("task and learner was", (task, rf.Learner(rf.Square(), rf.Kernel(0.8, 0.6), 0.1)), {}),
        ("kappa was None, now", (task, rf.Learner(rf.Hinge(), rf.RandomFeatures(0.8, 0.6, 1.0), 0.1)), {}),
        ("chunk was 4, now 5", (task, learner), {"chunk": 5}),
        ("tol was 1e-10, now 1e-08", (task, learner), {"tol": 1e-8}),
        ("max_steps was 2000, now 3000", (task, learner), {"max_steps": 3000}),
        ("observable cosine was", (task, learner), {"observables": {"cosine": lambda sol: sol.m / sol.q**0.25}}),
        ("observable cosine was .*, now q", (task, learner), {"observables": {"cosine": "q"}}),
        ("observable q was None, now q", (task, learner), {"observables": {**same["observables"], "q": "q"}}),
    ]
    for told, points, changed in others:
        with pytest.raises(ValueError, match=rf"^out = '.*run' holds other results: .*{told}.*; name another folder$"):
            quiet(*points, **{**same, **changed})
    monkeypatch.setattr(sys.modules["raflib.sweep"], "version", lambda name: "99.0")
    with pytest.raises(ValueError, match=r"raflib was .*, now 99\.0"):
        quiet(task, learner, **same)
    monkeypatch.undo()
    # The same code elsewhere is the same observable.
    assert_same(quiet(task, learner, **{**same, "observables": {"cosine": lambda sol: sol.m / sol.q**0.5}}), before)


def test_functions_are_told_apart_by_what_they_do() -> None:
    def power(k: int, more: object = None) -> object:
        return lambda sol: sol.q**k if more is None else more(sol)

    def steps(sol: rf.Solution) -> object:
        return sol.steps if sol.q.ndim in {0, 1} else steps(sol)

    same = [
        (lambda sol: sol.m, lambda sol: sol.m),
        (lambda sol, k=2: sol.q**k, lambda sol, k=2: sol.q**k),
        (power(2), power(2)),
        (power(2, power(3)), power(2, power(3))),
        (steps, steps),
        (rf.training_error, rf.training_error),
    ]
    other = [
        (lambda sol: sol.m, lambda sol: sol.q),
        (lambda sol: sol.q**2, lambda sol: sol.q**3),
        (lambda sol, k=2: sol.q**k, lambda sol, k=3: sol.q**k),
        (lambda sol, *, k=2: sol.q**k, lambda sol, *, k=3: sol.q**k),
        (lambda sol: [x in {"a"} for x in sol], lambda sol: [x in {"b"} for x in sol]),
        (power(2), power(3)),
        (power(2, power(3)), power(2, power(4))),
        (rf.training_error, rf.memorization_error),
    ]
    for one, two in same:
        assert raflib.archive.fingerprint(one) == raflib.archive.fingerprint(two)
    for one, two in other:
        assert raflib.archive.fingerprint(one) != raflib.archive.fingerprint(two)


def test_a_function_is_the_same_in_any_process() -> None:
    code = "import raflib.archive as a; print(a.fingerprint(lambda x: [y in {'a', 'b', 'c'} for y in x]))"
    seeds = [{**os.environ, "PYTHONHASHSEED": seed} for seed in "123"]
    command = [sys.executable, "-c", code]
    told = [subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout for env in seeds]
    assert len(told[0]) > 10
    assert len(set(told)) == 1


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "q.npy").write_text("mine")
    for out in (tmp_path, tmp_path / "q.npy"):
        with pytest.raises(ValueError, match=r"^out = .* exists and holds no results; name a new or an empty folder$"):
            quiet(TASK, rf.BayesOptimal(), "q", out=out)
    assert (tmp_path / "q.npy").read_text() == "mine"


def test_a_folder_half_made_is_not_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **settings: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(raflib.archive.json, "dumps", full)
    with pytest.raises(OSError, match="no space left"):
        quiet(TASK, rf.BayesOptimal(), out=tmp_path / "run")
    monkeypatch.undo()
    with pytest.raises(ValueError, match="holds no results"):
        quiet(TASK, rf.BayesOptimal(), out=tmp_path / "run")


# ---------------------------------------------------------------- workers


def test_the_numbers_do_not_depend_on_the_workers() -> None:
    learner = LEARNERS["hinge, kernel"]
    one = quiet(TASK, learner, chunk=7)
    assert_same(quiet(TASK, learner, chunk=7, n_jobs=2), one)
    with joblib.parallel_config(backend="threading", n_jobs=3):
        assert_same(quiet(TASK, learner, chunk=7), one)


def test_a_dask_cluster_gives_the_same_numbers(tmp_path: Path) -> None:
    import psutil
    from distributed import Client, LocalCluster

    def process(sol: rf.Solution) -> np.ndarray:
        return np.full(sol.m.shape, os.getpid())

    learner = LEARNERS["hinge, kernel"]
    one = quiet(TASK, learner, chunk=7)
    local = {"n_workers": 2, "threads_per_worker": 2, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(**local) as cluster, Client(cluster) as client:
        workers = set(client.run(os.getpid).values())
        assert len(workers - {os.getpid()}) == 2
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        sockets = [socket for each in family for socket in each.net_connections("tcp")]
        assert {socket.laddr.ip for socket in sockets if socket.status == psutil.CONN_LISTEN} == {"127.0.0.1"}
        with joblib.parallel_config(backend="dask"):
            assert_same(quiet(TASK, learner, chunk=7), one)
            assert set(quiet(TASK, learner, process, chunk=7)["process"].ravel()) <= workers
            with pytest.warns() as caught:
                marked = quiet(LOADS, STORING, chunk=1, on_failure="nan", out=tmp_path / "marked")
            with pytest.raises(rf.ConvergenceError, match=r"alpha = 1\.5") as raised:
                quiet(LOADS, STORING, chunk=1, out=tmp_path / "raised")
    (warning,) = caught
    assert str(warning.message).startswith("2 of 8 points have no solution, the first at alpha = 1.5")
    np.testing.assert_array_equal(marked.converged, LOADS.alpha < 1.0)
    assert raised.value.__notes__[0] == "In the chunk of points 4 to 4, counted in C order."
    assert np.load(tmp_path / "raised" / "parts-done.npy")[:4].all()
    assert client.status == "closed"
    assert not any(psutil.pid_exists(worker) for worker in workers)


def test_processes_of_multiprocessing_give_the_same_numbers() -> None:
    learner = LEARNERS["hinge, kernel"]
    with joblib.parallel_config(backend="multiprocessing", n_jobs=2):
        assert_same(quiet(TASK, learner, chunk=7), quiet(TASK, learner, chunk=7, n_jobs=1))
        pids = quiet(TASK, learner, {"pid": lambda sol: np.full(sol.m.shape, os.getpid())}, chunk=2)
    assert os.getpid() not in pids["pid"]


@pytest.mark.parametrize("backend", ["loky", "multiprocessing", "dask"])
def test_a_worker_that_dies_is_an_error_and_loses_no_other_chunk(backend: str, tmp_path: Path) -> None:
    import dask
    from distributed import Client, LocalCluster

    def deadly(sol: rf.Solution) -> np.ndarray:
        """End the worker, as when memory is short, while there is a file, once the other chunks have come back."""
        (tmp_path / f"{sol.task.alpha[0]:g}.solved").touch()
        if 5.0 in sol.task.alpha and (tmp_path / "deadly").exists():
            give_up = time.monotonic() + 60
            while len(list(tmp_path.glob("*.solved"))) < 3 and time.monotonic() < give_up:
                time.sleep(0.05)
            time.sleep(1.0)
            os._exit(1)
        return sol.q

    (tmp_path / "deadly").touch()
    task = rf.RulesAndFacts(np.arange(1.0, 7.0), 0.3)
    with ExitStack() as stack:
        if backend == "dask":
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": 1}))
            local = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
            stack.enter_context(Client(stack.enter_context(LocalCluster(**local))))
        stack.enter_context(joblib.parallel_config(backend=backend, **{} if backend == "dask" else {"n_jobs": 2}))
        with pytest.raises(BrokenExecutor) as raised:
            quiet(task, rf.BayesOptimal(), {"q": deadly}, chunk=2, out=tmp_path / "run")
        (tmp_path / "deadly").unlink()
        assert np.load(tmp_path / "run" / "parts-done.npy").tolist() == [True, True, False]
        run = quiet(task, rf.BayesOptimal(), {"q": deadly}, chunk=2, out=tmp_path / "run")
    advice, stopped = raised.value.__notes__
    assert advice == "A worker died, most likely for want of memory: use a smaller chunk or a smaller n_jobs."
    assert stopped.startswith("The sweep stopped after 4 of 6 points; they are kept in")
    np.testing.assert_array_equal(run["q"], quiet(task, rf.BayesOptimal(), "q", chunk=2)["q"])


def test_a_dask_cluster_that_lost_all_its_workers_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import Client, LocalCluster

    monkeypatch.setattr(raflib.workers, "_PATIENCE", 2.0)
    with LocalCluster(n_workers=1, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster, Client(cluster):
        go = threading.Timer(1.0, cluster.scale, args=[0])
        go.start()
        settings = joblib.parallel_config(backend="dask", wait_for_workers_timeout=2)
        with settings, pytest.raises(BrokenExecutor, match="the Dask cluster has had no worker for 2 seconds"):
            quiet(TASK, rf.BayesOptimal(), {"q": lambda sol: time.sleep(30) or sol.q})
        go.join()


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"n_jobs": 0}, r"n_jobs = 0 is not a positive integer, a negative one \(-1 is one a core\) or None"),
        ({"n_jobs": 2.0}, r"n_jobs = 2\.0 is not"),
        ({"chunk": 0}, r"chunk = 0 is not an integer in the allowed range \[1, inf\)"),
        ({"chunk": 1e4}, r"chunk = 10000\.0 is not an integer"),
        ({"tol": 0.1}, r"tol = 0\.1 is outside the allowed range \[1e-13, 0\.01\]"),
        ({"max_steps": 0}, r"max_steps = 0 is not"),
        ({"on_failure": "ignore"}, r"on_failure = 'ignore' is not one of 'raise', 'nan'"),
        ({"observables": "E_gen"}, r"observables: 'E_gen' is neither a function of a Solution.* 'm', 'q'"),
        ({"observables": 3}, r"observables: 3 is neither"),
        ({"observables": {"q": None}}, r"observables: None is neither"),
        ({"observables": [lambda sol: sol.q]}, r"observables: '<lambda>' is not a name; choose one in a dictionary"),
        ({"observables": {"a/b": "q"}}, r"observables: 'a/b' is not a name"),
        ({"observables": {3: "q"}}, r"observables: 3 is not a name"),
        ({"observables": ["q", "q"]}, r"observables: 'q' is taken"),
        ({"observables": {"converged": "q"}}, r"observables: 'converged' is taken"),
        ({"observables": {"x": lambda sol: 1.0}}, r"'x' gave an array of shape \(\) and type float64 for 18 points"),
        ({"observables": {"x": lambda sol: sol.q[:2]}}, r"'x' gave an array of shape \(2,\) .* one real number"),
        ({"observables": {"x": lambda sol: sol.q + 1j}}, r"'x' gave an array of shape \(18,\) and type complex128"),
    ],
)
def test_bad_input_is_named(settings: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        quiet(TASK, rf.BayesOptimal(), **settings)


def test_bad_points_are_named() -> None:
    with pytest.raises(ValueError, match=r"task = 3 is not a RulesAndFacts task"):
        quiet(3, rf.BayesOptimal())
    with pytest.raises(ValueError, match=r"learner = 'ridge' is not a Learner"):
        quiet(TASK, "ridge")
    with pytest.raises(ValueError, match=r"shapes do not broadcast: alpha \(6,\), lam \(4,\)"):
        quiet(rf.RulesAndFacts(ALPHA, 0.3), rf.Learner(rf.Square(), rf.Linear(), np.ones(4)))
    with pytest.raises(ValueError, match=r"the sweep has no points: the parameters broadcast to the shape \(0,\)"):
        quiet(rf.RulesAndFacts(np.ones(0), 0.3), rf.BayesOptimal())
    with pytest.raises(ValueError, match=r"memorization_error is defined for a Learner that minimises a loss"):
        quiet(rf.RulesAndFacts(ALPHA, 0.3), rf.BayesOptimal(), rf.memorization_error)
