"""Results in QIF 2.1 and 3.0 (ISO 23952): each MeasurementResults is one inspection (docs/results-import.md).

A characteristic is known by its QPId where it has one, and else by its id in the document, behind the organization that
inspected: ids of two laboratories mean nothing to each other.  Where one item is measured on several features, the id
of the feature item follows; what is still the same is numbered.  Measured features are no characteristics and are left
to the file.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element

from appliance.errors import InvalidInput
from appliance.exchange import values
from appliance.exchange.qif_tree import by_id, ending_in, ids, parse_tree, word
from appliance.exchange.qif_units import FileUnits, kind_of
from appliance.exchange.records import MOST_ROWS, ImportOptions, Reading, Reported, ReportedInspection

#: Names in 2.1 and in 3.0.
_ACTUALS: Final = ("CharacteristicActual", "CharacteristicMeasurement")
_FEATURES: Final = ("FeatureActual", "FeatureMeasurement")
#: What the statuses of the standard say in our words; others are kept in lower case.
_STATUSES: Final = {"indeterminate": "inconclusive", "not_analyzed": "not_measured", "undefined": ""}


@dataclass(frozen=True)
class _Document:
    """The parts of a document that its results refer to, by their ids."""

    units: FileUnits
    laboratory: str
    items: dict[str, Element]
    nominals: dict[str, Element]
    definitions: dict[str, Element]
    components: dict[str, Element]
    devices: dict[str, Element]
    feature_items: dict[str, Element]
    item_of_feature: dict[str, str]


def read_qif(data: bytes, options: ImportOptions) -> Reading:
    """Read the bytes of a QIF document.

    Raises
    ------
    InvalidInput : not QIF, no results in it, a reference to nothing, no unit, any value that cannot be used
    """
    root = parse_tree(data)
    results = [one for one in root.iter("MeasurementResults") if one.find("MeasuredCharacteristics") is not None]
    if not results:
        raise InvalidInput("results.empty", "The document holds no measurement results.", "Is it a plan?")
    if sum(1 for one in results for _ in ending_in(one, *_ACTUALS)) > MOST_ROWS:
        raise InvalidInput("results.too_many", f"The file has more than {MOST_ROWS} characteristics.", "Split it.")
    document, notes = _document(root, options), Counter[str]()
    found = tuple(_inspection(one, n, root, document, notes) for n, one in enumerate(results, 1))
    said = tuple(f"{sentence} ({count})" for sentence, count in notes.items())
    return Reading("qif", found, document.laboratory, said)


def _document(root: Element, options: ImportOptions) -> _Document:
    features = {name: word(one, "FeatureItemId") for ending in _FEATURES for name, one in by_id(root, ending).items()}
    components = {one.get("id", ""): one for one in root.iter("ActualComponent")}
    return _Document(
        units=FileUnits.of(root, options),
        laboratory=options.laboratory or _laboratory(root),
        items=by_id(root, "CharacteristicItem"),
        nominals=by_id(root, "CharacteristicNominal"),
        definitions=by_id(root, "CharacteristicDefinition"),
        components=components,
        devices={one.get("id", ""): one for group in root.iter("MeasurementDevices") for one in group},
        feature_items=by_id(root, "FeatureItem"),
        item_of_feature=features,
    )


def _laboratory(top: Element) -> str:
    """Who measured, as results or the document say."""
    stated = next((word(one, "Name") for one in top.iter("InspectingOrganization")), "")
    return values.text(stated, "InspectingOrganization")


def _inspection(
    result: Element, number: int, root: Element, document: _Document, notes: Counter[str]
) -> ReportedInspection:
    seen: Counter[str] = Counter()
    rows, instruments = [], []
    for actual in ending_in(result, *_ACTUALS):
        row = _row(actual, document, seen, notes)
        if row is not None:
            rows.append(row)
            instruments += _instruments(actual, document)
    if not rows:
        raise InvalidInput("results.empty", f"Results {number} of the document hold no measured value.")
    return ReportedInspection(
        serial=_serial(result, number, document), asset="", part="", measured_at=_measured_at(result, root, notes),
        operator=_operator(result), instrument=", ".join(dict.fromkeys(instruments))[:120], rows=tuple(rows),
        laboratory=_laboratory(result),
    )  # fmt: skip


def _serial(result: Element, number: int, document: _Document) -> str:
    """The first serial number among the components that were measured; empty where none is stated."""
    for name in ids(result, "ActualComponentIds"):
        if name not in document.components:
            raise InvalidInput("results.reference", f"Results {number} name a component '{name}', which is not there.")
        if serial := word(document.components[name], "SerialNumber"):
            return values.text(serial, f"results {number}: SerialNumber")
    return ""


def _measured_at(result: Element, root: Element, notes: Counter[str]) -> str:
    """When the results were taken: their own trace, else the document's; empty where neither says."""
    traces = [one for top in (result, root) for one in top.iter("InspectionTraceability")]
    for name in ("InspectionEnd", "InspectionStart", "ReportPreparationDate"):
        stated = next((text for one in traces if (text := "".join((one.findtext(name) or "").split()))), "")
        if stated:
            moment, has_offset = values.local_moment(stated, name)
            if not has_offset:
                notes["The file's times state no offset from UTC and were taken as UTC"] += 1
            return moment
    return ""


def _operator(result: Element) -> str:
    stated = next((word(one, "Name") for one in result.iter("InspectionOperator")), "")
    return values.text(stated, "InspectionOperator")


def _row(actual: Element, document: _Document, seen: Counter[str], notes: Counter[str]) -> Reported | None:
    """One measured characteristic; None where it is no figure of a known kind."""
    name = word(actual, "CharacteristicItemId")
    place = f"{actual.tag} {actual.get('id', '')}"[:80]
    item = _known(document.items, name, place)
    quantity = actual.tag.removesuffix(_ACTUALS[0]).removesuffix(_ACTUALS[1])
    kind, stated = kind_of(quantity), actual.find("Value")
    if kind is None or stated is None:
        notes["Characteristics that are neither lengths nor angles were left out"] += 1
        return None
    unit, factor = document.units.for_value(kind, stated, place)
    lower, upper = _limits(item, document, place)
    feature = _feature(actual, document)
    return values.reported(
        place, key=_key(item, feature, document, seen), unit=unit, factor=factor, quantity=quantity,
        name=values.text(word(item, "Name") or word(item, "Description"), f"{place}: Name"),
        zone=values.text(_name_of_feature(feature, document), place),
        value=values.number(stated.text, f"{place}: Value"), lower=lower, upper=upper,
        u=values.number(stated.get("combinedUncertainty"), f"{place}: combinedUncertainty") or None,
        verdict=_status(actual),
    )  # fmt: skip


def _known(found: dict[str, Element], name: str, place: str) -> Element:
    if name not in found:
        raise InvalidInput("results.reference", f"{place} refers to '{name[:40]}', which is not in the document.")
    return found[name]


def _key(item: Element, feature: str, document: _Document, seen: Counter[str]) -> str:
    own = word(item, "QPId") or word(item, "UUID") or word(item, "Attributes", "AttributeQPId", "Value")
    local = f"{document.laboratory}#{item.get('id')}" if document.laboratory else item.get("id", "")
    key = own or local
    if feature and feature not in ids(item, "FeatureItemIds")[:1]:
        key = f"{key}:{feature}"
    seen[key] += 1
    return key if seen[key] == 1 else f"{key}/{seen[key]}"


def _feature(actual: Element, document: _Document) -> str:
    """The feature item that was measured; empty where none is named."""
    measured = ids(actual, "FeatureActualIds", "FeatureMeasurementIds")
    return document.item_of_feature.get(measured[0], "") if measured else ""


def _name_of_feature(feature: str, document: _Document) -> str:
    item = document.feature_items.get(feature)
    return word(item, "FeatureName") or word(item, "Name")


def _limits(item: Element, document: _Document, place: str) -> tuple[float | None, float | None]:
    """Limits of the value in the document's unit: a tolerance zone bounds it above, a tolerance on both sides."""
    nominal = _known(document.nominals, word(item, "CharacteristicNominalId"), place)
    definition = _known(document.definitions, word(nominal, "CharacteristicDefinitionId"), place)
    tolerance = definition.find("Tolerance")
    if tolerance is None:
        return None, values.number(word(definition, "ToleranceValue"), f"{place}: ToleranceValue")
    lower, upper = (values.number(word(tolerance, name), f"{place}: {name}") for name in ("MinValue", "MaxValue"))
    if word(tolerance, "DefinedAsLimit") in ("true", "1"):
        return lower, upper
    target = values.number(word(nominal, "TargetValue"), f"{place}: TargetValue")
    if target is None and (lower is not None or upper is not None):
        raise InvalidInput("results.limits", f"{place}: its limits are deviations from a target that is not stated.")
    shift = target or 0.0
    return (None if lower is None else shift + lower), (None if upper is None else shift + upper)


def _instruments(actual: Element, document: _Document) -> list[str]:
    """Names and serial numbers of the devices: those of the measurement, else those of the plan's item."""
    item = document.items[word(actual, "CharacteristicItemId")]
    named = ids(actual, "MeasurementDeviceIds") or ids(item, "MeasurementDeviceIds")
    found = [document.devices[name] for name in named if name in document.devices]
    texts = (" ".join(filter(None, (word(one, "Name"), word(one, "SerialNumber")))) for one in found)
    return [values.text(text, "MeasurementDevice") for text in texts if text]


def _status(actual: Element) -> str | None:
    stated = values.text(word(actual, "Status", "CharacteristicStatusEnum"), "Status").lower()
    return _STATUSES.get(stated, stated) or None
