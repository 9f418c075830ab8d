"""E57 (ASTM E2807): the pages and their checksums, the scans of a file, their points."""
