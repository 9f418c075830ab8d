"""D2R Appliance: from a scan and a CAD model to a verdict that anyone can re-prove."""

__version__ = "0.1.0"

import os as _os

# Work is spread over threads of our own (appliance.core.kernels).  A linear algebra library with threads of its own
# would fight them for the cores and round differently on another number of these; it reads this once, when loaded.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    _os.environ.setdefault(_name, "1")
