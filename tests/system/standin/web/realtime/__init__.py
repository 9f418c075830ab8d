"""Stands in for the real application: what is tested here is who keeps it running."""
