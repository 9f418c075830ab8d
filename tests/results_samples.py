"""Small files of measured results in every format: two items, a length, an angle, a zone of form."""

from __future__ import annotations

import json
from typing import Any

CSV = """\
serial,key,name,quantity,nominal,lower,upper,value,unit,U,k,verdict,measured_at,operator,instrument
A1,10,Bore,diameter,10,9.9,10.1,10.02,mm,0.02,2,pass,2026-02-03T08:00:00Z,4711,CMM 7
A1,20,Cone,angle,90,89,91,90.4,deg,0.2,2,pass,2026-02-03T08:05:00Z,4711,CMM 7
A1,30,Top,flatness,,,0.05,0.08,mm,,,pass,2026-02-03T08:04:00Z,4711,CMM 7
A2,10,Bore,diameter,10,9.9,10.1,0.4,in,0.001,2,fail,2026-02-03T09:00:00+01:00,4711,CMM 7
"""


def results_json(**changes: Any) -> bytes:
    """The same in JSON; ``changes`` are of its top."""
    rows = [
        {
            "key": "10",
            "name": "Bore",
            "value": 10.02,
            "U": 0.02,
            "k": 2,
            "lower": 9.9,
            "upper": 10.1,
            "verdict": "pass",
        },
        {"key": "20", "name": "Cone", "unit": "deg", "value": 90.4, "U": 0.2, "k": 2, "lower": 89, "upper": 91},
        {"key": "30", "name": "Top", "quantity": "flatness", "value": 0.08, "upper": 0.05, "verdict": "pass"},
    ]
    one = {"serial": "A1", "measured_at": "2026-02-03T08:05:00Z", "characteristics": rows}
    top = {"format": "d2r-results/1", "unit": "mm", "laboratory": "Metrology 2", "inspections": [one]}
    return json.dumps(top | changes).encode()


_UNITS = """\
<FileUnits><PrimaryUnits>
<AngularUnit><SIUnitName>radian</SIUnitName><UnitName>degree</UnitName><UnitConversion><Factor>0.017453292519943</Factor>
</UnitConversion></AngularUnit>
<LinearUnit><SIUnitName>meter</SIUnitName><UnitName>inch</UnitName><UnitConversion><Factor>0.0254</Factor>
</UnitConversion></LinearUnit></PrimaryUnits></FileUnits>
"""


def qif(version: int = 3, *, units: str = _UNITS, serial: str = "<SerialNumber>A1</SerialNumber>") -> bytes:
    """A QIF document of version 2.1 or 3.0: two bores that share one item, a cone, a flatness without uncertainty."""
    ending, of_feature = ("Measurement", "FeatureMeasurement") if version == 3 else ("Actual", "FeatureActual")
    results = "Results" if version == 3 else "MeasurementsResults"
    actuals = [
        _actual(f"DiameterCharacteristic{ending}", 30, 20, '<Value combinedUncertainty="0.001">0.395</Value>', 13),
        _actual(f"DiameterCharacteristic{ending}", 31, 20, '<Value combinedUncertainty="0.001">0.5</Value>', 14),
        _actual(f"AngleCharacteristic{ending}", 32, 21, "<Value>90.4</Value>", None),
        _actual(f"FlatnessCharacteristic{ending}", 33, 22, "<Value>0.08</Value>", None),
    ]
    text = f"""<?xml version="1.0" encoding="UTF-8"?>
<QIFDocument xmlns="http://qifstandards.org/xsd/qif{version}" versionQIF="{version}.0.0" idMax="99">
<QPId>0eac4971-a30f-4e4f-9249-9d7479373138</QPId>
<PreInspectionTraceability><InspectingOrganization><Name>Lab 9</Name></InspectingOrganization>
</PreInspectionTraceability>{units}
<MeasurementResources><MeasurementDevices n="1"><MeasurementDevice id="5"><Name>CMM</Name>
<SerialNumber>77</SerialNumber></MeasurementDevice></MeasurementDevices></MeasurementResources>
<Features><FeatureItems n="2"><CylinderFeatureItem id="10"><FeatureName>BORE_1</FeatureName></CylinderFeatureItem>
<CylinderFeatureItem id="11"><FeatureName>BORE_2</FeatureName></CylinderFeatureItem></FeatureItems></Features>
<Characteristics><CharacteristicDefinitions n="3">
<DiameterCharacteristicDefinition id="1"><Tolerance><MaxValue>0.01</MaxValue><MinValue>-0.01</MinValue>
<DefinedAsLimit>false</DefinedAsLimit></Tolerance></DiameterCharacteristicDefinition>
<AngleCharacteristicDefinition id="2"><Tolerance><MaxValue>91</MaxValue><MinValue>89</MinValue>
<DefinedAsLimit>true</DefinedAsLimit></Tolerance></AngleCharacteristicDefinition>
<FlatnessCharacteristicDefinition id="3"><ToleranceValue>0.05</ToleranceValue></FlatnessCharacteristicDefinition>
</CharacteristicDefinitions><CharacteristicNominals n="3">
<DiameterCharacteristicNominal id="6"><CharacteristicDefinitionId>1</CharacteristicDefinitionId>
<TargetValue>0.395</TargetValue></DiameterCharacteristicNominal>
<AngleCharacteristicNominal id="7"><CharacteristicDefinitionId>2</CharacteristicDefinitionId>
</AngleCharacteristicNominal>
<FlatnessCharacteristicNominal id="8"><CharacteristicDefinitionId>3</CharacteristicDefinitionId>
</FlatnessCharacteristicNominal></CharacteristicNominals><CharacteristicItems n="3">
<DiameterCharacteristicItem id="20"><Name>Bore</Name><FeatureItemIds n="1"><Id>10</Id></FeatureItemIds>
<MeasurementDeviceIds n="1"><Id>5</Id></MeasurementDeviceIds><CharacteristicNominalId>6</CharacteristicNominalId>
</DiameterCharacteristicItem>
<AngleCharacteristicItem id="21"><Attributes n="1"><AttributeQPId name="QPId">
<Value>979a2ede-2278-4adb-a99e-1d81caafe7db</Value></AttributeQPId></Attributes><Name>Cone</Name>
<CharacteristicNominalId>7</CharacteristicNominalId></AngleCharacteristicItem>
<FlatnessCharacteristicItem id="22"><Name>Top</Name><CharacteristicNominalId>8</CharacteristicNominalId>
</FlatnessCharacteristicItem></CharacteristicItems></Characteristics>
<{results}><MeasurementResultsSet n="1"><MeasurementResults id="40">
<InspectionTraceability><InspectionOperator><Name>4711</Name></InspectionOperator>
<InspectionEnd>2026-02-03T09:05:00+01:00</InspectionEnd></InspectionTraceability>
<MeasuredFeatures><FeatureMeasurements n="2">
<Cylinder{of_feature} id="13"><FeatureItemId>10</FeatureItemId></Cylinder{of_feature}>
<Cylinder{of_feature} id="14"><FeatureItemId>11</FeatureItemId></Cylinder{of_feature}></FeatureMeasurements>
</MeasuredFeatures>
<MeasuredCharacteristics>{"".join(actuals)}</MeasuredCharacteristics>
<ActualComponentIds n="1"><Id>50</Id></ActualComponentIds></MeasurementResults></MeasurementResultsSet>
<ActualComponentSets n="1"><ActualComponentSet n="1"><ActualComponent id="50">{serial}</ActualComponent>
</ActualComponentSet></ActualComponentSets></{results}></QIFDocument>"""
    return text.encode()


def _actual(tag: str, name: int, item: int, value: str, feature: int | None) -> str:
    kind = "FeatureMeasurementIds" if tag.endswith("Measurement") else "FeatureActualIds"
    measured = f'<{kind} n="1"><Id>{feature}</Id></{kind}>' if feature else ""
    status = "<Status><CharacteristicStatusEnum>PASS</CharacteristicStatusEnum></Status>"
    return f'<{tag} id="{name}">{status}<CharacteristicItemId>{item}</CharacteristicItemId>{measured}{value}</{tag}>'
