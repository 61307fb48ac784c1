"""Images as rules and facts: what is loaded, what is drawn, and what kernel learners make of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVC

import raflib as rf
from raflib.finite import image_study, load_images

DIGITS = load_images("digits")
RULE, FACT = (3, 8), 5


def one_hot(per_class: int = 8, classes: tuple = ("a", "b", "c")) -> rf.finite.Images:
    """Return images that each have a pixel of their own, so that one can tell what became of which."""
    labels = np.repeat(classes, per_class)
    return load_images(np.eye(labels.size), labels)


# ---------------------------------------------------------------- loading


def test_the_digits_are_there() -> None:
    assert DIGITS.shape == (8, 8)
    assert DIGITS.classes == tuple(range(10))
    assert sum(DIGITS.counts) == 1797
    assert not DIGITS.pixels.flags.writeable


def test_a_file_and_an_array_of_the_same_images(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (30, 4, 4, 3), dtype=np.uint8)
    labels = np.array(["cat", "dog", "car"] * 10)
    np.savez(tmp_path / "a.npz", images=pixels, labels=labels)
    np.savez(tmp_path / "b.npz", x_train=pixels, y_train=labels)
    array = load_images(pixels, labels)
    assert array.pixels.dtype == np.uint8  # 50,000 color images as floats would be 1.2 GB
    for found in (
        load_images(tmp_path / "a.npz"),
        load_images(str(tmp_path / "b.npz"), pixels_key="x_train", labels_key="y_train"),
    ):
        np.testing.assert_array_equal(found.pixels, array.pixels)
        drawn = [images.sample(("cat", "dog"), "car", 10, 0.4, rng=3).X for images in (found, array)]
        np.testing.assert_array_equal(*drawn)


def test_the_binary_version_of_cifar(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 10, 40, dtype=np.uint8)
    classes[:3] = (3, 5, 1)
    pixels = rng.integers(0, 256, (40, 3072), dtype=np.uint8)
    records = np.concatenate([classes[:, None], pixels], axis=1)
    records[:25].tofile(tmp_path / "data_batch_1.bin")
    records[25:].tofile(tmp_path / "test_batch.bin")
    (tmp_path / "batches.meta.txt").write_text("airplane\n")
    found = load_images(tmp_path)
    assert found.shape == (3, 32, 32)
    np.testing.assert_array_equal(found.pixels.reshape(40, -1), pixels)
    assert found.labels[:3].tolist() == ["cat", "dog", "automobile"]
    np.testing.assert_array_equal(found.labels == "truck", classes == 9)


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"source = .*nowhere\.npz.*no such file"):
        load_images(tmp_path / "nowhere.npz")
    with pytest.raises(ValueError, match=r"holds no data_batch_1\.bin"):
        load_images(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(bytes(3072))
    with pytest.raises(ValueError, match=r"data_batch_1\.bin is not a batch of CIFAR-10.*it has 3072 bytes"):
        load_images(tmp_path)
    (tmp_path / "data_batch_1.bin").write_bytes(bytes([10]) + bytes(3072))
    with pytest.raises(ValueError, match="a class below 10"):
        load_images(tmp_path)
    (tmp_path / "text.npz").write_text("no images here")
    with pytest.raises(ValueError, match=r"text\.npz' is not an \.npz file"):
        load_images(tmp_path / "text.npz")
    (tmp_path / "cut.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match=r"cut\.npz' is not an \.npz file"):
        load_images(tmp_path / "cut.npz")
    (tmp_path / "empty.npz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"empty\.npz' is not an \.npz file"):
        load_images(tmp_path / "empty.npz")
    np.save(tmp_path / "single.npy", np.eye(3))
    with pytest.raises(ValueError, match="a single array without classes"):
        load_images(tmp_path / "single.npy")
    np.savez(tmp_path / "other.npz", pictures=np.eye(3), labels=np.arange(3))
    with pytest.raises(ValueError, match=r"no array 'images', only 'pictures', 'labels'; say which with pixels_key"):
        load_images(tmp_path / "other.npz")
    np.savez(tmp_path / "objects.npz", images=np.array([None, 1]), labels=np.arange(2))
    with pytest.raises(ValueError, match=r"the array 'images' is not read.*allow_pickle"):  # never unpickled
        load_images(tmp_path / "objects.npz")
    np.savez(tmp_path / "names.npz", images=np.eye(3), labels=np.array(["a", "b", "c"], dtype=object))
    with pytest.raises(ValueError, match=r"names\.npz': the array 'labels' is not read.*labels\.astype\(str\)"):
        load_images(tmp_path / "names.npz")


@pytest.mark.parametrize(
    ("pixels", "labels", "message"),
    [
        (np.eye(3), None, "labels = None: an array of images needs the class of each"),
        (np.eye(3), [0, 1], r"labels has shape \(2,\) where pixels has shape \(3, 3\)"),
        (np.ones(3), [0, 1, 2], r"pixels has shape \(3,\)"),
        (np.eye(3, dtype=complex), [0, 1, 2], "type complex128; it must be an array of real numbers"),
        (
            np.eye(3),
            [0.5, 1.0, 2.0],
            r"labels has type float64, the first is 0\.5; classes must be integers or strings",
        ),
        (
            np.eye(3),
            np.array(["a", "b", "c"], dtype=object),
            r"labels has type object, the first is 'a'; classes .* labels\.astype\(str\) makes names",
        ),
        (np.eye(3), [["a"], ["a", "b"], ["c"]], "labels is no array: .*inhomogeneous"),
        (np.ones((0, 4)), np.zeros(0, int), "there must be an image"),
        (np.ones((2, 1)), [0, 1], "images of two pixels or more"),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), [0, 1], "1 images hold nan or infinity, the first is image 1"),
        (np.array([[1.0, -np.inf], [np.nan, 1.0]]), [0, 1], "2 images hold nan or infinity, the first is image 0"),
    ],
)
def test_arrays_that_are_no_images(pixels, labels, message) -> None:
    with pytest.raises(ValueError, match=message):
        load_images(pixels, labels)


def test_labels_belong_to_arrays_only() -> None:
    with pytest.raises(ValueError, match="labels were given with source = 'digits'"):
        load_images("digits", np.zeros(1797, int))


# ---------------------------------------------------------------- drawing


def test_a_sample_is_what_it_says() -> None:
    data = DIGITS.sample(RULE, FACT, n=201, eps=0.4, rng=7)
    assert data.X.shape == (201, 64)
    assert data.is_fact.sum() == 80
    rule_labels = data.y[~data.is_fact]
    assert (rule_labels == 1).sum() == 61  # the odd one is of the first class
    assert (rule_labels == -1).sum() == 60
    np.testing.assert_allclose((data.X**2).sum(axis=1), 64.0)
    np.testing.assert_allclose((data.X_new**2).sum(axis=1), 64.0)
    assert data.y_new.sum() == 0.0
    assert data.y_new.size == 2 * min(183 - 61, 174 - 60)
    assert DIGITS.sample(RULE, FACT, n=201, eps=0.4, rng=7, n_new=11).y_new.size == 10
    again = DIGITS.sample(RULE, FACT, n=201, eps=0.4, rng=np.random.default_rng(7))
    np.testing.assert_array_equal(again.X, data.X)
    assert np.any(DIGITS.sample(RULE, FACT, n=201, eps=0.4, rng=8).X != data.X)


def test_classes_carry_their_labels_and_new_images_have_no_part_in_training() -> None:
    # The image with its own pixel i is, once centred, largest at i: so one can tell each row's image and the mean.
    images, n, eps = one_hot(), 12, 0.5
    for seed in range(20):
        data = images.sample(("b", "a"), "c", n, eps, rng=seed)
        who, who_new = data.X.argmax(axis=1), data.X_new.argmax(axis=1)
        assert np.unique(np.concatenate([who, who_new])).size == who.size + who_new.size
        np.testing.assert_array_equal(images.labels[who][data.is_fact], "c")
        np.testing.assert_array_equal(images.labels[who][~data.is_fact], np.where(data.y[~data.is_fact] > 0, "b", "a"))
        np.testing.assert_array_equal(images.labels[who_new], np.where(data.y_new > 0, "b", "a"))
        # The mean is 1 / n at the pixels of training images, and 0 at those of the others.
        mean = np.zeros(24)
        mean[who] = 1 / n
        for rows, ids in ((data.X, who), (data.X_new, who_new)):
            centred = np.eye(24)[ids] - mean
            np.testing.assert_allclose(rows, centred * np.sqrt(24) / np.linalg.norm(centred, axis=1, keepdims=True))


def test_coins_are_fair_and_know_nothing_of_the_images() -> None:
    # The same coins whatever is on the images of facts.
    noise = DIGITS.pixels.copy()
    facts = np.flatnonzero(DIGITS.labels == FACT)
    noise[facts] = np.random.default_rng(0).random((facts.size, 8, 8))
    other = load_images(noise, DIGITS.labels)
    for seed in range(5):
        one, two = (images.sample(RULE, FACT, 200, 0.5, rng=seed) for images in (DIGITS, other))
        assert np.any(one.X != two.X)
        np.testing.assert_array_equal(one.y, two.y)
    # Over many splits: no label is more likely, and no direction of the images says which it is.
    samples = [DIGITS.sample(RULE, FACT, 300, 0.5, rng=seed) for seed in range(60)]
    coins = np.concatenate([each.y[each.is_fact] for each in samples])
    images = np.concatenate([each.X[each.is_fact] for each in samples])
    assert abs(coins.mean()) < 4 / np.sqrt(coins.size)
    _, _, directions = np.linalg.svd(images - images.mean(axis=0), full_matrices=False)
    along = images @ directions[:10].T
    correlation = coins @ (along - along.mean(axis=0)) / along.std(axis=0) / coins.size
    assert np.abs(correlation).max() < 4.5 / np.sqrt(coins.size)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rule": (3, 11)}, "rule = 11 is not one of the classes 0, 1, 2"),
        ({"rule": ("3", 8)}, "rule = '3' is not one of the classes 0, 1"),
        ({"fact": "five"}, "fact = 'five' is not one of the classes"),
        ({"rule": 3}, "rule = 3 is not a pair of classes"),
        ({"rule": (3, 8, 5)}, "is not a pair of classes"),
        ({"rule": (3, 3)}, "must be three different classes"),
        ({"fact": 8}, "must be three different classes"),
        ({"n": 1}, "n = 1 is not an integer in the allowed range"),
        ({"n": 10.0}, "n = 10.0 is not an integer"),
        ({"eps": 1.5}, "eps = 1.5 is outside the allowed range"),
        ({"eps": np.array([0.1, 0.2])}, r"eps has shape \(2,\)"),
        ({"n_new": 1}, "n_new = 1 is not an integer in the allowed range"),
        ({"n": 400}, r"class 5 has 182 images, fewer than the 200 .*\(facts\)"),
        ({"n": 400, "eps": 0.1}, r"class 8 has 174 images, fewer than the 181 .*\(training images and a new one\)"),
    ],
)
def test_samples_that_cannot_be_drawn(change, message) -> None:
    settings = {"rule": RULE, "fact": FACT, "n": 100, "eps": 0.5, "rng": 0} | change
    with pytest.raises(ValueError, match=message):
        DIGITS.sample(**settings)


def test_an_image_without_direction_is_named() -> None:
    images = load_images(np.ones((9, 4)), np.repeat([0, 1, 2], 3))
    with pytest.raises(ValueError, match="equals the mean training image"):
        images.sample((0, 1), 2, 6, 0.4, rng=0)


# ---------------------------------------------------------------- learning


@pytest.fixture(scope="module")
def ridge() -> rf.finite.ImageStudy:
    lam = np.geomspace(1e-4, 1e6, 21)
    return image_study(DIGITS, RULE, FACT, n=240, eps=0.4, eta=[0.1, 2.0], lam=lam, seeds=10, progress=False)


@pytest.fixture(scope="module")
def machine() -> rf.finite.ImageStudy:
    lam = np.geomspace(1e-3, 1e2, 11)
    return image_study(
        DIGITS, RULE, FACT, n=200, eps=0.4, eta=[0.1, 2.0], lam=lam, loss=rf.Hinge(), seeds=10, progress=False
    )


@pytest.mark.parametrize("name", ["ridge", "machine"])
def test_wide_kernels_trade_and_narrow_ones_need_not(name: str, request: pytest.FixtureRequest) -> None:
    """Claims 1 to 3 on images: what a near-linear kernel must choose between, a narrow one has at once."""
    study = request.getfixturevalue(name)
    gen, mem = study.generalization_error, study.memorization_error
    wide, narrow = 0, 1
    assert study.angle[wide] < 0.4 < 1.2 < study.angle[narrow]
    # At the smallest ridge both have stored every fact of every split.
    assert np.all(mem.values[:, :, 0] == 0.0)
    # The wide kernel's best ridge forgets facts; the ridge that stores them costs generalization.
    best = int(np.argmin(gen.mean[wide]))
    assert mem.mean[wide, best] > 4 * mem.stderr[wide, best] + 0.05
    cost = gen.values[:, wide, 0] - gen.values[:, wide, best]  # split by split
    assert cost.mean() > 4 * cost.std(ddof=1) / np.sqrt(cost.size)
    # The narrow kernel stores all of them at a ridge where it is as good, or better.
    stores_all = np.flatnonzero(mem.values[:, narrow].max(axis=0) == 0.0)
    there = stores_all[np.argmin(gen.mean[narrow, stores_all])]
    gain = gen.values[:, wide, 0] - gen.values[:, narrow, there]
    assert gain.mean() > 4 * gain.std(ddof=1) / np.sqrt(gain.size)
    assert gen.mean[narrow, there] < gen.mean[wide, best] + 4 * (gen.stderr[wide, best] + gen.stderr[narrow, there])
    # More ridge forgets more.
    assert np.all(np.diff(mem.mean[wide]) > -0.05)


@pytest.mark.parametrize("constant", [False, True])
def test_a_huge_ridge_is_hebbs_rule_and_chance_for_wide_kernels(constant: bool) -> None:
    eta = 0.01
    wide = image_study(
        DIGITS, RULE, FACT, n=240, eps=0.4, eta=eta, lam=1e9, constant=constant, seeds=10, progress=False
    )
    mean, stderr, values = wide.memorization_error
    # The constant part makes it follow the majority of the labels: facts whose coin is in the minority are wrong.
    chance = 0.5 - np.sqrt(2 / (np.pi * 96)) / 2 if constant else 0.5
    assert abs(mean[0, 0] - chance) < 4 * stderr[0, 0]
    # omega is then the sum over samples of y k(x, x'), from distances here.
    data = DIGITS.sample(RULE, FACT, 240, 0.4, rng=4)
    apart = ((data.X[:, None] - data.X) ** 2).sum(axis=2) / 64
    hebb = (np.exp(-eta * apart) - (0.0 if constant else np.exp(-2 * eta))) @ data.y
    assert values[4, 0, 0] == np.mean((data.y * hebb <= 0)[data.is_fact])
    # The majority knows nothing of the rule.
    assert (wide.generalization_error.mean[0, 0] > 0.3) == constant


def test_the_errors_are_those_of_scikit_learn() -> None:
    etas, lams, n, eps = [0.2, 1.5], [1e-2, 0.5, 20.0], 120, 0.5
    settings = {"n": n, "eps": eps, "eta": etas, "lam": lams, "constant": True, "seeds": [6], "progress": False}
    found = image_study(DIGITS, (4, 9), 7, **settings)
    svm = image_study(DIGITS, (4, 9), 7, loss=rf.Hinge(), **settings)
    data = DIGITS.sample((4, 9), 7, n, eps, rng=6)
    for i, eta in enumerate(etas):
        for j, lam in enumerate(lams):
            learner = KernelRidge(kernel="rbf", gamma=eta / 64, alpha=lam).fit(data.X, data.y)
            assert found.generalization_error.values[0, i, j] == np.mean(learner.predict(data.X_new) * data.y_new <= 0)
            wrong = learner.predict(data.X) * data.y <= 0
            assert found.memorization_error.values[0, i, j] == np.mean(wrong[data.is_fact])
            assert found.training_error.values[0, i, j] == np.mean(wrong)
            # A machine whose intercept cannot be turned off has none where each sample comes with its mirror image.
            K = np.exp(-eta / 64 * ((data.X[:, None] - data.X) ** 2).sum(axis=2))
            K_new = np.exp(-eta / 64 * ((data.X_new[:, None] - data.X) ** 2).sum(axis=2))
            twice = SVC(kernel="precomputed", C=0.5 / lam, tol=1e-8)
            twice.fit(np.block([[K, -K], [-K, K]]), np.concatenate([data.y, -data.y]))
            wrong = twice.decision_function(np.hstack([K, -K])) * data.y <= 0
            wrong_new = twice.decision_function(np.hstack([K_new, -K_new])) * data.y_new <= 0
            assert svm.memorization_error.values[0, i, j] == np.mean(wrong[data.is_fact])
            assert svm.generalization_error.values[0, i, j] == np.mean(wrong_new)


def test_no_facts_all_facts_and_no_ridge() -> None:
    study = image_study(DIGITS, RULE, FACT, n=100, eps=0.0, eta=1.0, lam=[0.0, 0.1], seeds=2, progress=False)
    assert np.isnan(study.memorization_error.mean).all()
    assert np.all(study.training_error.values[..., 0] == 0)
    study = image_study(DIGITS, RULE, FACT, n=100, eps=1.0, eta=1.0, lam=[0.0, 0.1], seeds=8, progress=False)
    # A learner that saw coin flips only knows nothing of the rule.
    assert abs(study.generalization_error.mean[0, 0] - 0.5) < 4 * study.generalization_error.stderr[0, 0]
    np.testing.assert_array_equal(study.memorization_error.values, study.training_error.values)


def test_the_result_carries_what_it_is_of(ridge: rf.finite.ImageStudy) -> None:
    np.testing.assert_array_equal(ridge.angle, rf.Kernel.rbf(np.array([0.1, 2.0])).angle)
    assert (ridge.n, ridge.n_new, ridge.eps, ridge.seeds) == (240, 204, 0.4, tuple(range(10)))
    assert ridge.generalization_error.mean.shape == (ridge.eta.size, ridge.lam.size) == (2, 21)
    values = ridge.generalization_error.values
    np.testing.assert_allclose(ridge.generalization_error.stderr, values.std(axis=0, ddof=1) / np.sqrt(10))
    # Effective dimension, from eigenvalues; it would be near 64 for the theory's inputs.
    X = DIGITS.sample(RULE, FACT, 240, 0.4, rng=3).X
    eigenvalues = np.linalg.eigvalsh(X.T @ X / 240)
    expected = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    assert ridge.effective_dimension.values[3] == pytest.approx(expected)
    assert 5 < ridge.effective_dimension.mean < 20
    few = image_study(one_hot(), ("a", "b"), "c", n=6, eps=0.5, eta=1, lam=1, seeds=1, progress=False)  # n < d
    X = one_hot().sample(("a", "b"), "c", 6, 0.5, rng=0).X
    eigenvalues = np.linalg.eigvalsh(X.T @ X)
    assert few.effective_dimension.mean == pytest.approx(eigenvalues.sum() ** 2 / (eigenvalues**2).sum())


def test_the_same_numbers_whatever_the_workers() -> None:
    settings = {"n": 80, "eps": 0.5, "eta": [0.1, 1.0], "lam": [0.01, 1.0], "loss": rf.Hinge(), "progress": False}
    one = image_study(DIGITS, RULE, FACT, seeds=[2, 5, 9], n_jobs=1, **settings)
    two = image_study(DIGITS, RULE, FACT, seeds=[2, 5, 9], n_jobs=2, **settings)
    alone = image_study(DIGITS, RULE, FACT, seeds=[5], **settings)
    for name in ("generalization_error", "memorization_error", "training_error", "effective_dimension"):
        np.testing.assert_array_equal(getattr(one, name).values, getattr(two, name).values)
        np.testing.assert_array_equal(getattr(one, name).values[1], getattr(alone, name).values[0])
        assert np.isnan(getattr(alone, name).stderr).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": DIGITS.pixels}, r"images is of type ndarray; make Images of it with rf\.finite\.load_images"),
        ({"eta": 0.0}, r"eta = 0 is outside the allowed range \(0, 300\]"),
        ({"eta": np.ones((2, 2))}, r"eta has shape \(2, 2\); it must be a number or a line of numbers"),
        ({"lam": []}, r"lam has shape \(0,\)"),
        ({"lam": -1.0}, "lam = -1 is outside the allowed range"),
        ({"loss": rf.Linear()}, "loss = Linear.* has no finite-size version"),
        ({"seeds": 0}, "seeds = 0 is not an integer in the allowed range"),
        ({"seeds": [1, 1]}, "must hold at least one seed, each once"),
        ({"n_jobs": 0}, "n_jobs = 0 is not a positive integer"),
        ({"n": 1000}, "class 3 has 183 images, fewer than"),
    ],
)
def test_studies_that_cannot_be_made(change, message) -> None:
    settings = {"images": DIGITS, "rule": RULE, "fact": FACT, "n": 60, "eps": 0.5, "eta": 1.0, "lam": 0.1}
    with pytest.raises(ValueError, match=message):
        image_study(**settings | {"seeds": 1, "progress": False} | change)


def test_a_failed_training_is_no_point() -> None:
    # The same image twice with two labels: no margin at lam = 0, and no interpolation.
    pixels = np.concatenate([DIGITS.pixels[DIGITS.labels == k][:10] for k in (*RULE, FACT)])
    pixels[20:] = pixels[20]
    images = load_images(pixels, np.repeat([*RULE, FACT], 10))
    with pytest.raises(rf.SimulationError, match="MaxMargin"):
        image_study(images, RULE, FACT, n=20, eps=0.5, eta=1.0, lam=1.0, loss=rf.MaxMargin(), seeds=1, progress=False)
