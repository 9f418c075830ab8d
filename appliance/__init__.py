"""D2R Appliance: from a scan and a CAD model to a verdict that anyone can re-prove."""

__version__ = "0.1.0"
