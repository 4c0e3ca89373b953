"""Who is where: the nearest of a million drivers, exactly, in a dense city and in the empty steppe."""

from heapq import heapify, heappop, heappush, heappushpop
from math import dist

from .cells import cell_of, center, parent, reach_m
from .distance import EARTH_RADIUS_M, Vector, arc_m, chord, unit

# Every second H3 resolution: a step down has 49 parts, and a leaf of about 5 km2 holds some hundred
# drivers in the densest city, a handful of leaves a query.
_LEAF_RES = 7
_INNER_RES = (5, 3, 1)

_REACH = {res: reach_m(res) / EARTH_RADIUS_M for res in (_LEAF_RES, *_INNER_RES)}

# A driver's place for comparing, its latitude and longitude as given, its flags.
Spot = tuple[Vector, float, float, int]


class _Leaf:
    """The drivers of one finest cell."""

    __slots__ = ("cell", "centre", "drivers", "nodes")

    def __init__(self, cell: int, nodes: "tuple[_Node, ...]") -> None:
        self.cell = cell
        self.centre = unit(*center(cell))
        self.drivers: dict[int, Spot] = {}
        self.nodes = nodes


class _Node:
    """A coarser cell: the occupied cells that count to it, and how many drivers below carry which flags."""

    __slots__ = ("cell", "centre", "flags", "parts", "reach")

    def __init__(self, cell: int, res: int) -> None:
        self.cell = cell
        self.centre = unit(*center(cell))
        self.reach = _REACH[res + 2]
        self.parts: dict[int, _Node | _Leaf] = {}
        self.flags: dict[int, int] = {}


class CellIndex:
    """Drivers by place, searched best cell first.

    A tree of H3 cells of resolution 7, 5, 3 and 1 that holds occupied cells only. A search opens the cell
    that could hold the nearest driver, until none could hold one nearer than those found: no ring is widened
    over empty steppe. Coarse cells count the flags below them: what does not match is skipped in bulk.
    Distances compare as straight lines between unit vectors (see `distance`), hence no seam at the
    antimeridian, and the bounds hold beside pentagons too because `reach_m` does.
    """

    __slots__ = ("_leaf_of", "_leaves", "_nodes", "_top")

    def __init__(self) -> None:
        self._leaf_of: dict[int, _Leaf] = {}
        self._leaves: dict[int, _Leaf] = {}
        self._nodes: dict[int, _Node] = {}
        self._top: dict[int, _Node] = {}

    def __len__(self) -> int:
        return len(self._leaf_of)

    def __contains__(self, driver: int) -> bool:
        return driver in self._leaf_of

    def get(self, driver: int) -> tuple[float, float, int] | None:
        """Latitude, longitude and flags of a driver as last put, None when it is not here."""
        leaf = self._leaf_of.get(driver)
        if leaf is None:
            return None
        _, lat, lon, flags = leaf.drivers[driver]
        return lat, lon, flags

    def put(self, driver: int, lat: float, lon: float, flags: int, cell: int | None = None) -> None:
        """Place a driver, or move it; `cell` is its index-resolution cell when the caller has it already."""
        leaf_cell = parent(cell_of(lat, lon) if cell is None else cell, _LEAF_RES)
        leaf = self._leaf_of.get(driver)
        if leaf is None or leaf.cell != leaf_cell:
            self.remove(driver)
            leaf = self._leaves.get(leaf_cell) or self._grow(leaf_cell)
            self._leaf_of[driver] = leaf
            _count(leaf, flags, 1)
        else:
            before = leaf.drivers[driver][3]
            if before != flags:
                _count(leaf, before, -1)
                _count(leaf, flags, 1)
        leaf.drivers[driver] = (unit(lat, lon), lat, lon, flags)

    def remove(self, driver: int) -> None:
        """Forget a driver; an unknown one is no error."""
        leaf = self._leaf_of.pop(driver, None)
        if leaf is None:
            return
        _count(leaf, leaf.drivers.pop(driver)[3], -1)
        if not leaf.drivers:
            self._prune(leaf)

    def near(
        self, lat: float, lon: float, count: int, radius_m: float, flags_all: int = 0, flags_none: int = 0
    ) -> list[tuple[int, float]]:
        """The `count` nearest drivers within `radius_m`, as (driver, metres), nearest first and exact.

        Only drivers that carry every bit of `flags_all` and none of `flags_none`. Of drivers equally far the
        lower number comes first.
        """
        if count < 1 or radius_m < 0 or flags_all & flags_none:
            return []
        here, limit, mask = unit(lat, lon), chord(radius_m), flags_all | flags_none
        found: list[tuple[float, int]] = []  # the nearest so far, negated: a heap with the worst on top
        ahead: list[
            tuple[float, int, _Node | _Leaf]
        ] = []  # cells to open, by the nearest place they can hold
        for node in self._top.values():
            ahead.append((dist(here, node.centre) - _REACH[_INNER_RES[-1]], node.cell, node))
        heapify(ahead)
        while ahead:
            nearest, _, place = heappop(ahead)
            if nearest > limit:
                break
            if isinstance(place, _Node):
                if mask and not any(flags & mask == flags_all for flags in place.flags):
                    continue
                reach = place.reach
                for part in place.parts.values():
                    nearest = dist(here, part.centre) - reach
                    if nearest <= limit:
                        heappush(ahead, (nearest, part.cell, part))
                continue
            for driver, (spot, _, _, flags) in place.drivers.items():
                if flags & mask == flags_all:
                    away = dist(here, spot)
                    if away <= limit:
                        if len(found) < count:
                            heappush(found, (-away, -driver))
                        else:
                            heappushpop(found, (-away, -driver))
                        if len(found) == count:
                            limit = -found[0][0]
        return [(-driver, arc_m(-away)) for away, driver in sorted(found, reverse=True)]

    def _grow(self, cell: int) -> _Leaf:
        """A new leaf under its chain of nodes, those made too where they are missing."""
        chain: list[_Node] = []
        for res in _INNER_RES:
            node_cell = parent(cell, res)
            node = self._nodes.get(node_cell)
            if node is None:
                node = self._nodes[node_cell] = _Node(node_cell, res)
            chain.append(node)
        leaf = self._leaves[cell] = _Leaf(cell, tuple(chain))
        part: _Node | _Leaf = leaf
        for node in chain:
            node.parts[part.cell] = part
            part = node
        self._top[chain[-1].cell] = chain[-1]
        return leaf

    def _prune(self, leaf: _Leaf) -> None:
        """Take an empty leaf out, and every node that it leaves empty."""
        del self._leaves[leaf.cell]
        gone: _Node | _Leaf = leaf
        for node in leaf.nodes:
            del node.parts[gone.cell]
            if node.parts:
                return
            del self._nodes[node.cell]
            gone = node
        del self._top[gone.cell]


def _count(leaf: _Leaf, flags: int, change: int) -> None:
    for node in leaf.nodes:
        left = node.flags.get(flags, 0) + change
        if left:
            node.flags[flags] = left
        else:
            del node.flags[flags]
