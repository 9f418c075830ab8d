"""The working set of a scan: an octree of tiles on a lattice of 10 um, read by level and by box."""
