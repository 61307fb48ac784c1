"""The explorers of the book: one file each, every number from raflib."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from raflib.explore.catalog.bandwidth import BANDWIDTH
from raflib.explore.catalog.budget import BUDGET
from raflib.explore.catalog.bump import BUMP
from raflib.explore.catalog.coins import COINS
from raflib.explore.catalog.common import COMMON
from raflib.explore.catalog.compass import COMPASS
from raflib.explore.catalog.contacts import CONTACTS_AT_CAPACITY
from raflib.explore.catalog.copies import COPIES
from raflib.explore.catalog.corner import CORNER
from raflib.explore.catalog.cover import COVER
from raflib.explore.catalog.crowd import CROWD
from raflib.explore.catalog.digits import DIGITS
from raflib.explore.catalog.ends import ENDS
from raflib.explore.catalog.envelope import ENVELOPE
from raflib.explore.catalog.freeze import FREEZE
from raflib.explore.catalog.frontier import FRONTIER
from raflib.explore.catalog.goals import GOALS
from raflib.explore.catalog.hebb import HEBB_AND_RIDGE
from raflib.explore.catalog.hero import HERO
from raflib.explore.catalog.kink import KINK
from raflib.explore.catalog.landscape import LANDSCAPE
from raflib.explore.catalog.losses import LOSSES_AND_RIDGES
from raflib.explore.catalog.moments import MOMENTS
from raflib.explore.catalog.movers import MOVERS
from raflib.explore.catalog.neurons import NEURONS
from raflib.explore.catalog.onset import ONSET
from raflib.explore.catalog.overlaps import OVERLAPS
from raflib.explore.catalog.phases import PHASES
from raflib.explore.catalog.price import PRICE
from raflib.explore.catalog.prox import PROX
from raflib.explore.catalog.reach import REACH
from raflib.explore.catalog.saddle import SADDLE
from raflib.explore.catalog.slope import SLOPE
from raflib.explore.catalog.steps import STEPS
from raflib.explore.catalog.stored import STORED
from raflib.explore.catalog.tilt import TILT
from raflib.explore.catalog.tradeoff import TRADEOFF
from raflib.explore.catalog.volume import VOLUME
from raflib.explore.catalog.vote import VOTE
from raflib.explore.catalog.wedge import WEDGE
from raflib.explore.spec import Explorer

CATALOG: Mapping[str, Explorer] = MappingProxyType(
    {
        e.name: e
        for e in (
            BANDWIDTH,
            BUDGET,
            BUMP,
            COINS,
            COMMON,
            COMPASS,
            CONTACTS_AT_CAPACITY,
            COPIES,
            CORNER,
            COVER,
            CROWD,
            DIGITS,
            ENDS,
            ENVELOPE,
            FREEZE,
            FRONTIER,
            GOALS,
            HEBB_AND_RIDGE,
            HERO,
            KINK,
            LANDSCAPE,
            LOSSES_AND_RIDGES,
            MOMENTS,
            MOVERS,
            NEURONS,
            ONSET,
            OVERLAPS,
            PHASES,
            PRICE,
            PROX,
            REACH,
            SADDLE,
            SLOPE,
            STEPS,
            STORED,
            TILT,
            TRADEOFF,
            VOLUME,
            VOTE,
            WEDGE,
        )
    }
)
"""Name -> explorer, for every explorer of the book."""


def get(name: str) -> Explorer:
    """Explorer of that name.

    Raises
    ------
    ValueError
        If there is none; the message lists the names there are.

    Examples
    --------
    >>> get("hero").title
    'One learner, two jobs: find the rule, remember the exceptions'
    """
    if name not in CATALOG:
        raise ValueError(f"there is no explorer {name!r}; there are {', '.join(sorted(CATALOG))}")
    return CATALOG[name]
