"""Use cases of the twin: look at a version or as of a moment, read its field, roll back."""

from __future__ import annotations

from functools import partial
from typing import Final

from appliance.errors import Conflict, InvalidInput, Modified, NotFound
from appliance.objects.sealed import ObjectStore
from appliance.plant.assets import find_asset
from appliance.plant.models import Asset
from appliance.tenancy.scope import WorkspaceScope
from appliance.twin.content import verify_version
from appliance.twin.files import decode_field, decode_skin
from appliance.twin.models import TwinVersion
from appliance.twin.records import Skin, TwinField
from appliance.twin.repository import counting_versions, get_version, supersede, version_as_of
from appliance.twin.writing import repeated, tell

ROLLED_BACK: Final = "twin.rolled_back"
_REASON_CHARACTERS: Final = 500


def find_version(scope: WorkspaceScope, version_id: str) -> TwinVersion:
    """One version, as it was made.

    Raises
    ------
    NotFound : there is none of that id in this workspace
    Modified : its row was changed since
    """
    return verify_version(get_version(scope, version_id))


def twin_of(
    scope: WorkspaceScope,
    asset: Asset | str,
    *,
    measured_until: str | None = None,
    recorded_until: str | None = None,
) -> TwinVersion:
    """The head of an asset's twin, or the twin as of a moment (``repository.version_as_of``).

    Raises
    ------
    NotFound : there is no such asset, or it had no twin then
    Modified : the version's row was changed since it was made
    """
    row = find_asset(scope, asset)
    found = version_as_of(scope, row.id, measured_until, recorded_until)
    if found is None:
        hint = "A twin begins with the first recorded inspection."
        raise NotFound("twin.none", f"The asset '{row.name}' has no twin as of then.", hint)
    return verify_version(found)


def field_of(scope: WorkspaceScope, version: TwinVersion) -> TwinField:
    """The field of a version on the cells of its own CAD revision.

    Raises
    ------
    Modified : what is stored is not the field that the version names
    """
    field = decode_field(_store(scope, version.field_object, version.field_sha256).read(version.field_object))
    if len(field) != version.cells:
        raise Modified("twin.field", "The stored field has another number of cells than its version.")
    return field


def skin_of_version(scope: WorkspaceScope, version: TwinVersion, *, whole: bool = True) -> Skin:
    """The skin that a version's cells are; without ``whole``, areas and zones alone; raises as ``field_of`` does."""
    store = _store(scope, version.skin_object, version.skin_sha256)
    return decode_skin(partial(store.read_range, version.skin_object), whole=whole)


def roll_back(scope: WorkspaceScope, asset: Asset | str, version_id: str, reason: str) -> TwinVersion:
    """Make the twin what it was at a version: a new version repeats it, what was measured after it counts no longer.

    Nothing is removed.  A version that was withdrawn in this way can be brought back in the same way.

    Raises
    ------
    InvalidInput : no reason is given
    NotFound : there is no such version of this asset
    Conflict : it is the head already
    """
    why = reason.strip()
    if not why or len(why) > _REASON_CHARACTERS:
        hint = f"Say why in 1 to {_REASON_CHARACTERS} characters."
        raise InvalidInput("twin.reason", "A twin is rolled back for a reason.", hint)
    with scope.transaction():
        row = find_asset(scope, asset)
        version = find_version(scope, version_id)
        if version.asset_id != row.id:
            raise NotFound("twin.unknown", f"There is no version '{version_id[:40]}' of this asset's twin.")
        head = version_as_of(scope, row.id)
        if head is not None and head.id == version.id:
            raise Conflict("twin.is_head", "The twin is at this version already.")
        made = repeated(scope, version, why)
        later = [one.id for one in counting_versions(scope, row.id, version.measured_at) if one.id != made.id]
        supersede(later, made.id, made.recorded_at)
        tell(scope, ROLLED_BACK, made, restores=version.id, reason=why, withdrawn=len(later))
    return made


def _store(scope: WorkspaceScope, name: str, sha256: str) -> ObjectStore:
    """The store, if what the row calls its object is named for the hash that the version covers."""
    store = ObjectStore.of(scope)
    if store.name_of(sha256) != name:
        raise Modified("twin.object", "A version of the twin names another object than its content.")
    return store
