"""Words and numbers of explorers: one way to write them in Python, in print and on the page.

The published page writes numbers in JavaScript; a test compares the two, value by value.
"""

from __future__ import annotations

import math
import re
from decimal import ROUND_HALF_UP, Decimal

FIELD = re.compile(r"\{(\w+)(?::([^{}]*))?\}")
"""A field of a template: ``{name}`` or ``{name:format}``."""

SYMBOL = re.compile(r"\b([A-Za-zα-ω])_([a-z]+)|[α-ω]")
"""What is set in italics: a Greek letter, or a letter with a subscript such as ``E_gen``."""

UNBROKEN = re.compile(" ([=→]) ")
"""Signs that a line never breaks at."""

UNSOLVED = "At this point the equations could not be solved to the accuracy the book asks for, so no number is shown."
"""What every rendering says, in place of the reading, where a needed value is missing."""

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FORMAT = re.compile(r"^\.(\d+)([fg%])$")


def format_number(value: float, spec: str) -> str:
    """Write a number the way every rendering writes it.

    The published page formats numbers in JavaScript; this function is its twin, and a test
    compares the two. Both round the exact binary value, ties away from zero.

    Parameters
    ----------
    value : float
        A finite number.
    spec : str
        ``".2f"`` (decimals), ``".3g"`` (significant digits, trailing zeros dropped) or
        ``".1%"`` (per cent).

    Returns
    -------
    str
        With a true minus sign, and powers of ten as superscripts.

    Raises
    ------
    ValueError
        If `spec` is none of these, or `value` is not finite.

    Examples
    --------
    >>> format_number(0.125, ".2f"), format_number(0.2871, ".1%"), format_number(-2.50, ".3g")
    ('0.13', '28.7%', '−2.5')
    >>> format_number(1.25e-05, ".2g"), format_number(3e6, ".2g")
    ('1.3×10⁻⁵', '3×10⁶')
    """
    match = _FORMAT.match(spec)
    if match is None:
        raise ValueError(f"format must look like '.2f', '.3g' or '.1%', got {spec!r}")
    if not math.isfinite(value):
        raise ValueError(f"cannot format {value!r}: not a finite number")
    digits, kind = int(match[1]), match[2]
    if kind == "g":
        text = _significant(float(value), digits)
    else:
        scaled = float(value) * 100.0 if kind == "%" else float(value)
        text = str(Decimal(scaled).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))
        text += "%" if kind == "%" else ""
    if text.startswith("-"):
        # "-0.00" is a rounding artefact, not a number anyone should read.
        text = text[1:] if not re.search("[1-9]", text) else "−" + text[1:]
    return text


def _significant(value: float, digits: int) -> str:
    if value == 0.0:
        return "0"
    exact = Decimal(value)
    exponent = exact.adjusted()
    rounded = exact.quantize(Decimal(1).scaleb(exponent - digits + 1), rounding=ROUND_HALF_UP)
    exponent = rounded.adjusted()  # 9.99 may have become 10.0
    if -4 <= exponent < max(digits, 5):
        return _trim(f"{rounded:f}")
    mantissa = _trim(f"{rounded.scaleb(-exponent):f}")
    return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}"


def _trim(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
