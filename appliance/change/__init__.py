"""Change between two scans where no CAD exists: M3C2 with its level of detection."""
