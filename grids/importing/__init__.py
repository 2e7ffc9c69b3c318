"""Imports of the territory: divisions, boundaries, buildings. Nothing is half-imported.

Places are written in bulk: a place's tree path follows from its code (`grids.codes.tree_step`), so rows
sorted by code get their paths without asking the tree, in one INSERT a thousand rows.
"""

from grids.importing.boundaries import import_boundaries
from grids.importing.buildings import import_buildings
from grids.importing.divisions import import_divisions

__all__ = ["import_boundaries", "import_buildings", "import_divisions"]
