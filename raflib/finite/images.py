"""Images of three classes as rules and facts: two classes carry the rule, coin flips on a third are the facts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import validation
from ..overlaps import Array
from .checks import as_array

#: The binary version of CIFAR-10: one byte of class, then 32 x 32 bytes of red, of green, of blue; row by row.
_CIFAR_SHAPE = (3, 32, 32)
_CIFAR_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


class ImageSample(NamedTuple):
    """Training images with rules and facts as labels, and new images of the rule.

    Attributes
    ----------
    X : array, shape (n, d)
        Training images: centred, and of squared norm d.
    y : array, shape (n,), in {-1, +1}
        Labels: the class for images of the rule, a coin flip for facts.
    is_fact : array of bool, shape (n,)
        Which images carry a coin flip.
    X_new : array, shape (n_new, d)
        Images of the two rule classes that are not in X, as many of each, prepared in the same way.
    y_new : array, shape (n_new,), in {-1, +1}
        Their classes.

    Examples
    --------
    >>> import raflib as rf
    >>> data = rf.finite.load_images("digits").sample(rule=(3, 8), fact=5, n=200, eps=0.3, rng=0)
    >>> data.X.shape, int(data.is_fact.sum()), data.y_new.size
    ((200, 64), 60, 208)
    """

    X: Array
    y: Array
    is_fact: NDArray[np.bool_]
    X_new: Array
    y_new: Array


@dataclass(frozen=True, eq=False)
class Images:
    """Images and their classes, as `raflib.finite.load_images` returns them.

    Parameters
    ----------
    pixels : array, shape (images, ...)
        One image after the other, of any common shape with at least two pixels, as integers or floats of any scale.
    labels : array, shape (images,)
        Their classes: integers or names.

    Raises
    ------
    ValueError
        If the shapes do not fit, if pixels are no finite numbers, or if labels are neither integers nor strings.

    Examples
    --------
    >>> import raflib as rf
    >>> digits = rf.finite.load_images("digits")
    >>> digits.shape, digits.classes[5], digits.counts[5]
    ((8, 8), 5, 182)
    """

    pixels: NDArray[Any]
    labels: NDArray[Any]

    def __post_init__(self) -> None:
        pixels, labels = as_array("pixels", self.pixels), as_array("labels", self.labels)
        if pixels.ndim < 2 or pixels.dtype.kind not in "buif":
            raise ValueError(
                f"pixels has shape {pixels.shape} and type {pixels.dtype}; it must be an array of real numbers of "
                "shape (images, height, width), (images, height, width, channels) or (images, pixels)"
            )
        if labels.shape != pixels.shape[:1]:
            raise ValueError(
                f"labels has shape {labels.shape} where pixels has shape {pixels.shape}; it must hold one class for "
                f"each image, shape {pixels.shape[:1]}"
            )
        if labels.dtype.kind not in "iuU":
            first = f", the first is {labels.tolist()[0]!r}" if labels.size else ""
            raise ValueError(
                f"labels has type {labels.dtype}{first}; classes must be integers or strings: labels.astype(str) "
                "makes names, labels.astype(int) numbers"
            )
        if labels.size == 0 or pixels[0].size < 2:
            raise ValueError(
                f"pixels has shape {pixels.shape}; there must be an image, and images of two pixels or more"
            )
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            bad = np.flatnonzero(~np.isfinite(pixels).reshape(len(pixels), -1).all(axis=1))
            raise ValueError(
                f"pixels must be finite; {bad.size} images hold nan or infinity, the first is image {bad[0]}"
            )
        for name, array in (("pixels", pixels), ("labels", labels)):
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one image."""
        return tuple(self.pixels.shape[1:])

    @property
    def classes(self) -> tuple[int | str, ...]:
        """The classes, sorted."""
        return tuple(np.unique(self.labels).tolist())

    @property
    def counts(self) -> tuple[int, ...]:
        """Number of images in each of the classes."""
        return tuple(np.unique(self.labels, return_counts=True)[1].tolist())

    def sample(
        self,
        rule: tuple[int | str, int | str],
        fact: int | str,
        n: int,
        eps: float,
        rng: np.random.Generator | int,
        n_new: int = 2000,
    ) -> ImageSample:
        r"""Draw a training set of rules and facts, and new images of the rule.

        Images are centred on the mean training image and scaled to the sphere of radius :math:`\sqrt d`,

        .. math::

            x \leftarrow \sqrt d\;\frac{x - \bar x}{\lVert x - \bar x\rVert},
            \qquad \bar x = \frac1n\sum_{\mu\le n} x_\mu ,

        where d is the number of pixels. New images are moved by the same mean: they have no part in it.

        Parameters
        ----------
        rule : pair of classes
            The rule: images of the first class have the label +1, of the second -1, and as many of each are drawn (one
            more of the first if the number is odd).
        fact : class
            The class whose images carry coin flips.
        n : int, at least 2
            Number of training images.
        eps : float, in [0, 1]
            Share of facts; round(eps n) images.
        rng : numpy.random.Generator or int, at least 0
            Generator, or the seed of one. It draws images and coins; coins do not depend on the images.
        n_new : int, at least 2
            At most so many new images of the rule, as many of each class.

        Returns
        -------
        ImageSample
            X, y, is_fact, X_new, y_new.

        Raises
        ------
        ValueError
            If an argument is outside its range, if a class is unknown or named twice, if a class has too few images, or
            if an image equals the mean image.

        Examples
        --------
        >>> import numpy as np, raflib as rf
        >>> data = rf.finite.load_images("digits").sample(rule=(3, 8), fact=5, n=100, eps=0.4, rng=1)
        >>> bool(np.allclose((data.X**2).sum(axis=1), 64)), data.y[~data.is_fact].sum()
        (True, np.float64(0.0))
        """
        n = validation.integer("n", n, 2)
        share = validation.number("eps", eps, 0, 1)
        if np.ndim(share):
            raise ValueError(f"eps has shape {np.shape(share)}; a sample needs one eps")
        n_new = validation.integer("n_new", n_new, 2)
        if not isinstance(rule, tuple | list) or len(rule) != 2:
            raise ValueError(f"rule = {rule!r} is not a pair of classes")
        known = self.classes
        for name, value in (("rule", rule[0]), ("rule", rule[1]), ("fact", fact)):
            if value not in known:
                raise ValueError(f"{name} = {value!r} is not one of the classes {', '.join(map(repr, known))}")
        if len({rule[0], rule[1], fact}) < 3:
            raise ValueError(f"rule = {rule!r} and fact = {fact!r} must be three different classes")

        generator = validation.generator("rng", rng)
        facts = round(float(share) * n)
        sides = ((n - facts + 1) // 2, (n - facts) // 2)
        # The coins come first, so that they cannot depend on the images.
        coins = generator.choice(np.array([-1.0, 1.0]), size=facts)
        drawn = [generator.permutation(np.flatnonzero(self.labels == value)) for value in (*rule, fact)]
        for value, have, need in zip((*rule, fact), drawn, (sides[0] + 1, sides[1] + 1, facts), strict=True):
            if have.size < need:
                what = "facts" if value == fact else "training images and a new one"
                raise ValueError(
                    f"class {value!r} has {have.size} images, fewer than the {need} that n = {n}, eps = {share:g} take "
                    f"({what}); lower n or change eps"
                )
        new = min(n_new // 2, *(have.size - taken for have, taken in zip(drawn[:2], sides, strict=True)))
        training = np.concatenate([drawn[0][: sides[0]], drawn[1][: sides[1]], drawn[2][:facts]])
        held_out = np.concatenate([have[taken : taken + new] for have, taken in zip(drawn[:2], sides, strict=True)])

        X, X_new = self._flat(training), self._flat(held_out)
        mean = X.mean(axis=0)
        return ImageSample(
            X=_on_sphere(X - mean, training),
            y=np.concatenate([np.ones(sides[0]), -np.ones(sides[1]), coins]),
            is_fact=np.arange(n) >= n - facts,
            X_new=_on_sphere(X_new - mean, held_out),
            y_new=np.repeat([1.0, -1.0], new),
        )

    def _flat(self, chosen: NDArray[np.int64]) -> Array:
        """Return the chosen images as rows of floats."""
        return self.pixels[chosen].reshape(chosen.size, -1).astype(np.float64)


def load_images(
    source: str | os.PathLike[str] | ArrayLike = "digits",
    labels: ArrayLike | None = None,
    *,
    pixels_key: str = "images",
    labels_key: str = "labels",
) -> Images:
    """Load a set of images with classes: one that is always there, a file, a folder or your own array.

    Nothing is fetched from the network, and no file is unpickled.

    Parameters
    ----------
    source : "digits", path or array, shape (images, ...)
        "digits" are the 1797 handwritten digits (8 x 8 pixels, about 180 of each) that scikit-learn ships. A path that
        ends in ``.npz`` is a file that ``numpy.savez(path, images=..., labels=...)`` wrote. Any other path is a folder
        with the binary version of CIFAR-10 (60,000 color images in ten classes, www.cs.toronto.edu/~kriz/cifar.html,
        unpacked: ``cifar-10-batches-bin``); its classes have the names "airplane", "automobile", "bird", "cat", "deer",
        "dog", "frog", "horse", "ship", "truck". An array is the images themselves.
    labels : array, shape (images,), optional
        Classes of an array: integers or strings. Only for an array, and needed there.
    pixels_key, labels_key : str
        Names of the arrays in an ``.npz`` file.

    Returns
    -------
    Images
        Images and classes; an array is not copied.

    Raises
    ------
    ValueError
        If the source is none of these, if an array in it is missing or is not what `raflib.finite.Images` takes, or if
        labels come with a file or are missing with an array.
    FileNotFoundError
        If there is no such file or folder.

    References
    ----------
    Alpaydin and Kaynak, Optical recognition of handwritten digits, UCI Machine Learning Repository (1998), of which the
    digits are the test set. Krizhevsky, Learning multiple layers of features from tiny images, technical report,
    University of Toronto (2009), for CIFAR-10.

    Examples
    --------
    >>> import numpy as np, raflib as rf
    >>> rf.finite.load_images("digits").pixels.shape
    (1797, 8, 8)
    >>> mine = rf.finite.load_images(np.random.default_rng(0).random((4, 5, 5)), labels=["cat", "dog", "cat", "car"])
    >>> mine.classes
    ('car', 'cat', 'dog')
    """
    if not isinstance(source, str | os.PathLike):
        if labels is None:
            raise ValueError("labels = None: an array of images needs the class of each")
        return Images(as_array("pixels", source), as_array("labels", labels))
    if labels is not None:
        raise ValueError(
            f"labels were given with source = {str(source)!r}, which holds its own; pass labels with an array"
        )
    if source == "digits":
        from sklearn.datasets import load_digits

        digits = load_digits()
        return Images(digits.images, digits.target)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(
            f"source = {str(source)!r}: there is no such file or folder; use 'digits', an .npz file, or a folder with "
            "the binary version of CIFAR-10"
        )
    return _from_cifar(path) if path.is_dir() else _from_npz(path, pixels_key, labels_key)


def _from_npz(path: Path, pixels_key: str, labels_key: str) -> Images:
    """Return the images of a file of named arrays."""
    with path.open("rb") as handle:  # opened here, so that it is closed also where it is no .npz file
        try:
            file = np.load(handle, allow_pickle=False)
        except (ValueError, EOFError, BadZipFile) as error:
            raise ValueError(f"source = {str(path)!r} is not an .npz file: {error}") from error
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError(f"source = {str(path)!r} is not an .npz file: it holds a single array without classes")
        missing = [key for key in (pixels_key, labels_key) if key not in file.files]
        if missing:
            raise ValueError(
                f"source = {str(path)!r} holds no array {' and no '.join(map(repr, missing))}, only "
                f"{', '.join(map(repr, file.files)) or 'nothing'}; say which with pixels_key and labels_key"
            )
        arrays = []
        for key in (pixels_key, labels_key):
            try:
                arrays.append(file[key])
            except ValueError as error:  # an array of Python objects is a pickle, which could run anything
                raise ValueError(
                    f"source = {str(path)!r}: the array {key!r} is not read, it holds Python objects ({error}); save "
                    "pixels as numbers, and classes as labels.astype(str) or labels.astype(int)"
                ) from error
        return Images(*arrays)


def _from_cifar(folder: Path) -> Images:
    """Return the images of a folder with the binary version of CIFAR-10, training and test batches."""
    files = sorted(folder.glob("*_batch*.bin"))
    if not files:
        raise ValueError(
            f"source = {str(folder)!r} holds no data_batch_1.bin or test_batch.bin; a folder must be the unpacked "
            "binary version of CIFAR-10 (cifar-10-batches-bin)"
        )
    size = 1 + int(np.prod(_CIFAR_SHAPE))
    pixels, labels = [], []
    for file in files:
        content = np.fromfile(file, dtype=np.uint8)
        if content.size == 0 or content.size % size or content[::size].max() >= len(_CIFAR_NAMES):
            raise ValueError(
                f"source = {str(folder)!r}: {file.name} is not a batch of CIFAR-10, which is records of {size} bytes, "
                f"the first a class below {len(_CIFAR_NAMES)}; it has {content.size} bytes"
            )
        records = content.reshape(-1, size)
        labels.append(records[:, 0])
        pixels.append(records[:, 1:].reshape(-1, *_CIFAR_SHAPE))
    return Images(np.concatenate(pixels), np.array(_CIFAR_NAMES)[np.concatenate(labels)])


def _on_sphere(X: Array, chosen: NDArray[np.int64]) -> Array:
    """Scale each row to the squared norm d."""
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    if not (norms > 0).all():
        image = int(chosen[np.flatnonzero(norms == 0)[0]])
        raise ValueError(
            f"pixels: image {image} equals the mean training image, so that it has no direction; leave it out"
        )
    return np.asarray(X * (np.sqrt(X.shape[1]) / norms))
