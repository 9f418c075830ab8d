"""Deviation: what lies between the scanned points and the CAD surface, point by point and cell by cell."""
