"""Trials in parallel and what is kept of them, for the studies that have no jobs of their own."""

from __future__ import annotations

import os
import re
import sys
import time
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest

import raflib as rf
from raflib.finite import trials
from raflib.finite.trials import run_trials

QUIET = {"n_jobs": 1, "progress": False, "label": "counting"}


def touch(folder: Path, number: int) -> int:
    """Leave a trace of every call."""
    (folder / f"{number}-{time.monotonic_ns()}").touch()
    if number == 13:
        raise rf.SimulationError("thirteen did not converge")
    return number**2


def die(folder: Path, number: int) -> int:
    """Die once the others have finished."""
    if number == 13:
        while len(list(folder.rglob("output.pkl"))) < 2:
            time.sleep(0.05)
        os._exit(1)
    return number**2


def traces(folder: Path) -> list[int]:
    return sorted(int(path.name.split("-")[0]) for path in folder.iterdir())


def test_finished_calls_are_kept_when_one_fails(tmp_path: Path) -> None:
    marks, kept = tmp_path / "marks", tmp_path / "kept"
    marks.mkdir()
    calls = [(marks, number) for number in (2, 13, 3)]
    with pytest.raises(rf.SimulationError, match=r"^thirteen did not converge") as raised:
        run_trials(touch, calls, names=["two", "thirteen", "three"], cache=kept, **QUIET)
    assert raised.value.__notes__ == [f"1 of 3 runs failed: thirteen. The 2 others are kept in {kept}."]
    assert traces(marks) == [2, 3, 13]
    assert run_trials(touch, calls[::2], cache=kept, **QUIET) == [4, 9]
    assert run_trials(touch, [(marks, 4)], cache=kept, **QUIET) == [16]
    assert traces(marks) == [2, 3, 4, 13]
    run_trials(touch, calls[::2], **QUIET)  # without the folder they run
    assert traces(marks) == [2, 2, 3, 3, 4, 13]


def test_the_key_holds_function_arguments_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    task = rf.RulesAndFacts(1.0, 0.3)
    keys = {trials._key(touch, (task, np.arange(3))), trials._key(touch, (rf.RulesAndFacts(1.0, 0.3), np.arange(3)))}
    assert len(keys) == 1
    keys.add(trials._key(touch, (rf.RulesAndFacts(1.0, 0.4), np.arange(3))))
    keys.add(trials._key(touch, (task, np.arange(4))))
    keys.add(trials._key(die, (task, np.arange(3))))
    monkeypatch.setattr(trials, "code_version", lambda: "another")
    keys.add(trials._key(touch, (task, np.arange(3))))
    assert len(keys) == 5


def test_a_worker_that_dies_is_an_error_and_loses_nothing(tmp_path: Path) -> None:
    with pytest.raises(rf.SimulationError, match=r"a worker died after .* runs of counting.* smaller n_jobs") as raised:
        run_trials(die, [(tmp_path, n) for n in (2, 3, 13)], **QUIET | {"n_jobs": 2}, cache=tmp_path)
    assert f"The finished runs are kept in {tmp_path}" in str(raised.value)
    assert len(list(tmp_path.rglob("output.pkl"))) == 2


def limits(number: int) -> set[int]:
    """Return the threads that the libraries may use, once other calls have come and gone."""
    from threadpoolctl import threadpool_info

    time.sleep(0.003 * (number % 5))
    return {pool["num_threads"] for pool in threadpool_info()}


@pytest.mark.parametrize("backend", ["sequential", "threading", "multiprocessing"])
def test_every_call_keeps_to_one_thread_and_the_session_does_not(backend: str) -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(limits=2), joblib.parallel_config(backend=backend, n_jobs=2):
        before = threadpool_info()
        seen = run_trials(limits, [(number,) for number in range(40)], **QUIET | {"n_jobs": None})
        assert threadpool_info() == before
    assert seen == 40 * [{1}]


@pytest.mark.parametrize("backend", ["sequential", "threading", "multiprocessing", "loky"])
def test_progress_is_shown_if_asked(
    backend: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    bar = pytest.importorskip("tqdm.auto").tqdm  # the tests run with TQDM_DISABLE
    monkeypatch.setattr("tqdm.auto.tqdm", partial(bar, disable=False, mininterval=0.0, miniters=1))
    calls = [(number, 2) for number in range(7)]
    with joblib.parallel_config(backend=backend, n_jobs=2):
        shown = QUIET | {"n_jobs": None, "progress": True}
        assert run_trials(divmod, calls, together=2, **shown) == [divmod(*call) for call in calls]
        out, err = capfd.readouterr()
        assert out == ""
        assert "counting: " in err
        counts = [int(count) for count in re.findall(r" (\d)/7 ", err)]
        assert counts[0] == 0
        assert counts[-1] == 7
        assert len(set(counts)) == 5, "four parcels come one by one"
        assert counts == sorted(counts)
        run_trials(divmod, calls, **shown | {"progress": False})
        assert capfd.readouterr() == ("", "")
    rf.simulate(rf.RulesAndFacts(1.0, 0.3), rf.Learner(rf.Square(), rf.Linear(), 0.1), d=20, seeds=3, n_jobs=1)
    assert "training at d = 20: 100%" in capfd.readouterr().err


@pytest.mark.parametrize("backend", ["sequential", "loky"])
def test_the_bar_moves_while_calls_run(backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finished = []
    bar = pytest.importorskip("tqdm.auto").tqdm
    monkeypatch.setattr(bar, "update", lambda self, n=1: finished.append((n, len(traces(tmp_path)))))
    with joblib.parallel_config(backend=backend, n_jobs=1):
        run_trials(touch, [(tmp_path, number) for number in range(4)], **QUIET | {"n_jobs": None})
    assert finished == [(1, 1), (1, 2), (1, 3), (1, 4)]


TASK = rf.RulesAndFacts(2.0, 0.3)
STUDIES = {
    "network_study": lambda cache: rf.finite.network_study(
        TASK, width=3, lam=0.1, d=8, seeds=2, n_new=100, n_jobs=1, progress=False, cache=cache
    ),
    "network_curve": lambda cache: rf.finite.network_curve(
        TASK, 3, 0.1, [1, 2], d=8, seeds=2, n_new=100, n_jobs=1, progress=False, cache=cache
    ),
    "image_study": lambda cache: rf.finite.image_study(
        rf.finite.load_images(), (3, 8), fact=5, n=60, eps=0.4, eta=0.5, lam=0.1, seeds=2, n_jobs=1, progress=False,
        cache=cache,
    ),
    "agreement": lambda cache: rf.finite.agreement(
        TASK, rf.BayesOptimal(), 60, 3, n_jobs=1, progress=False, cache=cache
    ),
}  # fmt: skip


TRAINERS = {
    "network_study": ("network_study", "train_network"),
    "network_curve": ("network_study", "training_path"),
    "image_study": ("image_study", "train_path"),
    "agreement": ("agreement", "gamp"),
}


@pytest.mark.parametrize("name", STUDIES)
def test_studies_keep_their_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def values(study: object) -> np.ndarray:
        return study.measured["q"].values if name == "agreement" else study.generalization_error.values

    expected = values(STUDIES[name](None))
    np.testing.assert_array_equal(values(STUDIES[name](tmp_path)), expected)
    module, trainer = TRAINERS[name]  # the package's attribute of this name is the function
    monkeypatch.setattr(sys.modules[f"raflib.finite.{module}"], trainer, lambda *_, **__: pytest.fail("trained again"))
    np.testing.assert_array_equal(values(STUDIES[name](tmp_path)), expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y": [1, 0, 1, -1]}, r"y\[1\] = 0 is neither -1 nor \+1"),
        ({"width": 0}, r"width = 0 is not an integer in the allowed range \[1, inf\)"),
        ({"lam": -1.0}, r"lam = -1 is outside the allowed range \[0, inf\)"),
        ({"seed": -1}, r"seed = -1 is not an integer in the allowed range \[0, inf\)"),
        ({"tol": 0.0}, r"tol = 0 is outside the allowed range \(0, inf\)"),
        ({"max_steps": 0}, r"max_steps = 0 is not an integer"),
    ],
)
def test_bad_input_of_a_single_network(changes: dict[str, object], message: str) -> None:
    sample = {"X": np.eye(4), "y": np.array([1, -1, 1, -1]), "width": 2, "lam": 0.1, "seed": 0}
    with pytest.raises(ValueError, match=message):
        rf.finite.train_network(**sample | changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": [3, 2]}, r"epochs = \[3, 2\] must hold"),
        ({"learning_rate": 0.0}, r"learning_rate = 0 is outside the allowed range \(0, inf\)"),
        ({"batch": 0}, r"batch = 0 is not an integer in the allowed range \[1, inf\)"),
    ],
)
def test_bad_input_of_a_training_path(changes: dict[str, object], message: str) -> None:
    sample = {"X": np.eye(4), "y": np.array([1, -1, 1, -1]), "width": 2, "lam": 0.1, "seed": 0, "epochs": [1]}
    with pytest.raises(ValueError, match=message):
        list(rf.finite.training_path(**sample | changes))
