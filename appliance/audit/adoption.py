"""A log that comes from another appliance: it stays what it was, and goes on here under a name of this appliance.

The entries keep their bytes and their places, so every proof that was ever given holds, under the name and the keys of
the appliance that gave it.  What follows is signed here: the log opens an epoch whose base is a deed (``eras``).  A
checkpoint under the former name counts as long as it covers no more entries than came.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from appliance.audit.book import Book
from appliance.audit.checkpoint import Checkpoint
from appliance.audit.eras import Era, deed, name_of_epoch
from appliance.audit.promises import EPOCH_ENTRY
from appliance.audit.recording import record
from appliance.audit.stored_tree import StoredTree
from appliance.audit.tables import Epoch
from appliance.core.clock import rfc3339
from appliance.errors import Modified
from appliance.tenancy.records import Principal


def adopt(book: Book, came: Checkpoint, former: Era, facts: Mapping[str, Any], by: Principal) -> int:
    """Let the log whose entries were just brought in go on here; returns the index of the entry that says so.

    Parameters
    ----------
    came : the state that the other appliance signed for; its origin is what it called the log last
    former : the name that the other appliance began to call the log by, and all its keys

    Raises
    ------
    Modified : the entries that are here do not lead to ``came``
    """
    log, tables = book.log, book.log.tables
    with book.rows.transaction():
        tree: StoredTree = tables.tree(log.size)
        if (tree.size, tree.root()) != (came.size, came.root):
            raise Modified("log.adopted", f"The {tree.size} entries that came are not the {came.size} that were sent.")
        number = 2 + len(tables.epochs())
        name, moment = name_of_epoch(log.first_origin, number), rfc3339(book.clock())
        base = bytes(log.sign_deed(deed(name, came.size, came.root, former)))
        said = {"epoch": number, "kept": came.size, "previous": came.origin, "base_size": came.size, **facts}
        index = record(book, EPOCH_ENTRY, {"base": sha256(base).hexdigest()}, said, by=by)
        tables.add_epoch(Epoch(number, came.size, base, moment))
        tables.add_checkpoint(came.size, base, moment)
    return index
