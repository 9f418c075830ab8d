"""Ground floor: time, units, canonical JSON, files that are whole or absent, compiled kernels."""
