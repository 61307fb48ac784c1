"""A billiard in the set of students that store a sample: a Markov chain that is uniform on it."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..overlaps import Array
from .errors import SimulationError

#: A path that meets more walls than this times (samples + 20) is given up; the walk stays then, and stays uniform.
_MOST_WALLS = 50
#: Rounding of a margin over one path, in units of the longest input.
_ROUNDING = 1e-9
#: Added to a speed, so that a wall that is touched and not approached is infinitely far, not nan.
_TINY = 1e-300


class Path(NamedTuple):
    """One chain: unit students (kept, d), walls met per step, share of the steps that were given up."""

    students: Array
    walls: float
    given_up: float


class Table:
    """The billiard table: unit students w with rows @ w >= margin, margin >= 0."""

    def __init__(self, rows: Array, margin: float) -> None:
        self.rows, self.margin, self.n = rows, margin, len(rows)
        gram = rows @ rows.T
        #: What a reflection at each wall adds to all margins and to the student.
        self.kicks = np.hstack([gram, rows])
        self.squares = np.diagonal(gram).copy()
        self.rounding = _ROUNDING * float(np.sqrt(self.squares.max()))
        self.most_walls = int(_MOST_WALLS * (self.n + 20))

    def travel(self, start: Array, direction: Array, angle: float) -> tuple[Array | None, int]:
        """Follow a great circle, reflected at the walls; return where it ends and how many walls it met.

        None stands for an end that is too many walls away.
        """
        rows, n, two = self.rows, self.n, 2.0 * self.margin
        # First row: margins A and student w; second row: their speeds B and v.
        state = np.array([np.concatenate([rows @ x, x]) for x in (start, direction)])
        with np.errstate(divide="ignore", over="ignore"):
            for walls in range(self.most_walls):
                A, B = state[0, :n], state[1, :n]
                # A cos(t) + B sin(t) = margin at x = tan(t / 2) with (A + margin) x^2 - 2 B x - (A - margin) = 0: the
                # positive root, written without cancellation for either sign of B.
                slack = np.maximum(A - self.margin, 0.0)
                reach = slack + two
                speed = np.abs(B) + np.sqrt(B * B + slack * reach) + _TINY
                leaving = B < 0.0
                x = np.where(leaving, slack, speed) / np.where(leaving, speed, reach)
                wall = int(x.argmin())
                turn = 2.0 * math.atan(x[wall])
                ends = turn >= angle
                turn = angle if ends else turn
                cos, sin = math.cos(turn), math.sin(turn)
                if ends:
                    return cos * state[0, n:] + sin * state[1, n:], walls
                angle -= turn
                state = np.array([[cos, sin], [-sin, cos]]) @ state
                # The wall's normal within the sphere is its row without the part along w.
                a, b = state[0, wall], state[1, wall]
                state[1] -= 2.0 * b / (self.squares[wall] - a * a) * (self.kicks[wall] - a * state[0])
        return None, self.most_walls


def billiard(
    table: Table, start: Array, rng: np.random.Generator, kept: int, thin: int, burn_in: int, travel: float
) -> Path:
    """Walk over the table from a start on it.

    A step sets out in a random direction along a great circle for a random angle, exponential of mean ``travel``, and
    is reflected where it meets a wall. The flow keeps the uniform measure of positions and directions, and a path run
    backwards is as likely: so the walk is uniform in the end, without rejections and without a small step size. A
    wall costs O(n + d), since all margins are carried along.
    """
    here = start / np.linalg.norm(start)
    students = np.empty((kept, start.size))
    met = given_up = 0
    steps = burn_in + kept * thin
    for step in range(1, steps + 1):
        direction = rng.standard_normal(start.size)
        direction -= (direction @ here) * here
        there, walls = table.travel(here, direction / np.linalg.norm(direction), travel * rng.exponential())
        met += walls
        if there is None:
            given_up += 1
        else:
            here = there / np.linalg.norm(there)
            least = float((table.rows @ here).min())
            if least < table.margin - table.rounding:
                raise SimulationError(
                    f"the walk left the set of solutions in step {step}: a margin of {least:.6g} is below "
                    f"{table.margin:g} by more than rounding; scale the inputs to similar size"
                )
        late = step - burn_in
        if late > 0 and late % thin == 0:
            students[late // thin - 1] = here
    return Path(students, met / steps, given_up / steps)
