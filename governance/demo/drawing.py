"""Schematic boundaries drawn by code: neighbouring grids that share their edges, and what they add up to.

A relaxed Voronoi diagram in the unit disc is divided among streets and communities by weighted nearness, so
that each gets its number of cells in one piece; a smooth distortion then bends all edges alike. The same seed
draws the same map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import MultiPoint, Point, Polygon, mapping
from shapely.geometry.base import BaseGeometry

#: The middle of the drawn district, and how far it reaches, in degrees.
CENTRE: Final = (118.31, 32.30)
REACH: Final = (0.105, 0.082)
_RELAXATIONS: Final = 40
#: Longest straight piece of an edge before it is bent, as a share of the disc's radius.
_PIECE: Final = 0.02
_DECIMALS: Final = 6


@dataclass(frozen=True)
class Want:
    """A street: where about it lies in the disc, and how many grids each of its communities gets."""

    at: tuple[float, float]
    grids: tuple[int, ...]


@dataclass(frozen=True)
class Drawn:
    """One street of the map: its communities' grids, as polygons in degrees."""

    communities: tuple[tuple[Polygon, ...], ...]


def draw_map(wants: list[Want], seed: int) -> list[Drawn]:
    """The grids of every community of every street, in the order asked for."""
    random = np.random.default_rng(seed)
    total = sum(sum(want.grids) for want in wants)
    points, cells = _cells(random, total)
    home = _divide(points, np.array([want.at for want in wants]), [sum(want.grids) for want in wants])
    phases = random.uniform(0, 2 * np.pi, size=(2, 6))
    drawn = []
    for number, want in enumerate(wants):
        inside = np.flatnonzero(home == number)
        middles = _spread(points[inside], len(want.grids), random)
        part = _divide(points[inside], middles, list(want.grids))
        groups = [inside[part == index] for index in range(len(want.grids))]
        drawn.append(
            Drawn(
                tuple(
                    tuple(_bend(cells[cell], phases) for cell in _in_order(points, group)) for group in groups
                )
            )
        )
    return drawn


def joined(polygons: list[Polygon] | tuple[Polygon, ...]) -> BaseGeometry:
    """What polygons with shared edges add up to, without the slits that rounding leaves."""
    whole = shapely.unary_union([shapely.buffer(each, 2e-6, join_style="mitre") for each in polygons])
    whole = shapely.buffer(whole, -2e-6, join_style="mitre")
    if isinstance(whole, Polygon):  # a hole can only be a slit: communities are divided in one piece
        whole = Polygon(whole.exterior)
    return whole


def geojson(shape: BaseGeometry) -> dict[str, Any]:
    """The polygon as a boundary is stored."""
    return dict(mapping(shapely.set_precision(shape, 10**-_DECIMALS)))


def _cells(random: np.random.Generator, count: int) -> tuple[np.ndarray[Any, Any], list[Polygon]]:
    """Points spread evenly over the disc, and their cells."""
    disc = Point(0, 0).buffer(1, quad_segs=24)
    angles, radii = random.uniform(0, 2 * np.pi, count), np.sqrt(random.uniform(0, 1, count))
    points = np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])
    cells: list[Polygon] = []
    for _turn in range(_RELAXATIONS):
        made = shapely.voronoi_polygons(MultiPoint(points), extend_to=disc).geoms
        cells = [_polygon(shapely.intersection(cell, disc)) for cell in made]
        points = np.array([[cell.centroid.x, cell.centroid.y] for cell in cells])
    return points, cells


def _divide(
    points: np.ndarray[Any, Any], middles: np.ndarray[Any, Any], sizes: list[int]
) -> np.ndarray[Any, Any]:
    """Which middle each point belongs to: the nearest, with weights that make the numbers come out."""
    squares = ((points[:, None, :] - middles[None, :, :]) ** 2).sum(axis=2)
    weights, wanted = np.zeros(len(middles)), np.array(sizes)
    best, least = squares.argmin(axis=1), len(points) + 1
    step = 0.02
    for _turn in range(800):
        home = (squares - weights).argmin(axis=1)
        wrong = wanted - np.bincount(home, minlength=len(middles))
        off = int(np.abs(wrong).sum())
        if off < least and np.bincount(home, minlength=len(middles)).min() > 0:
            best, least = home, off
        if off == 0:
            break
        weights += step * wrong / wanted.mean()
        step *= 0.996
    return best


def _spread(points: np.ndarray[Any, Any], count: int, random: np.random.Generator) -> np.ndarray[Any, Any]:
    """Middles well apart among the points (k-means)."""
    middles = points[random.choice(len(points), count, replace=False)]
    for _turn in range(30):
        home = ((points[:, None, :] - middles[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
        middles = np.array(
            [points[home == i].mean(axis=0) if (home == i).any() else middles[i] for i in range(count)]
        )
    return middles


def _in_order(points: np.ndarray[Any, Any], group: np.ndarray[Any, Any]) -> list[int]:
    """From north to south, so that numbers on the map follow the eye."""
    return sorted(group.tolist(), key=lambda cell: (-points[cell][1], points[cell][0]))


def _bend(cell: Polygon, phases: np.ndarray[Any, Any]) -> Polygon:
    """The cell in degrees, its edges bent: small in the town's middle, wide outside."""

    def moved(xy: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        x, y = xy[:, 0], xy[:, 1]
        waves = (0.06, 3.1), (0.028, 7.3), (0.011, 17.0)
        dx = sum(a * np.sin(f * y + phases[0, i] + 0.6 * np.sin(f * x)) for i, (a, f) in enumerate(waves))
        dy = sum(a * np.sin(f * x + phases[1, i] + 0.6 * np.sin(f * y)) for i, (a, f) in enumerate(waves))
        grown = (x**2 + y**2 + 0.08) ** 0.22
        return np.round(
            np.column_stack(
                [CENTRE[0] + REACH[0] * (x * grown + dx), CENTRE[1] + REACH[1] * (y * grown + dy)]
            ),
            _DECIMALS,
        )

    ring = shapely.segmentize(cell.exterior, _PIECE)
    bent = Polygon(moved(np.asarray(ring.coords)))
    return bent if bent.is_valid else _polygon(shapely.buffer(bent, 0))


def _polygon(drawn: BaseGeometry) -> Polygon:
    """What is one polygon by its making. Raises ValueError when it is none after all."""
    if not isinstance(drawn, Polygon):
        raise ValueError(f"drew a {drawn.geom_type}")
    return drawn
