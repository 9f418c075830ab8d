"""Publishing a log in a database as static tiles (``tiles``), for any web server."""

from __future__ import annotations

from pathlib import Path

from appliance.audit.stored_tree import StoredTree
from appliance.audit.tables import LogTables
from appliance.audit.tiles import TILE_WIDTH, bundle_entries, tiles_of
from appliance.core.files import write_whole


def write_tiles(tables: LogTables, tree: StoredTree, note: bytes, folder: Path) -> None:
    """Write the tiles of a validated tree, the bundles of its entries and its checkpoint; full tiles stay as they are.

    The checkpoint is written last: whoever reads it finds every tile that it needs.
    """
    for tile in tiles_of(tree.size):
        path = folder / tile.path
        if tile.width == TILE_WIDTH and path.exists():
            continue
        start = tile.number * TILE_WIDTH
        path.parent.mkdir(parents=True, exist_ok=True)
        if tile.level is None:
            rows = tables.entries(start, start + tile.width)
            write_whole(path, bundle_entries([entry for _, entry, _ in rows]))
        else:
            write_whole(path, tree.tile(tile.level, tile.number, tile.width))
    write_whole(folder / "checkpoint", note)
