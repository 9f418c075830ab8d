"""The worker's parent: imports every job, warms every kernel, opens the site once, then forks workers.

``python -m worker.main``; the data folder comes from the environment (``D2R_DATA``).
"""

from __future__ import annotations

import gc
import shutil
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Final

from appliance.config.settings import Settings, load_settings
from appliance.core.logs import write_logs
from appliance.queue.job import Handler
from appliance.queue.pool import WorkerPool
from appliance.queue.worker import run_worker
from appliance.supervise.kernels import load_compiled
from appliance.supervise.programs import worker_beat
from appliance.supervise.readiness import beat
from appliance.tenancy.site import Site

#: Name in the queue -> module with ``run(site, workspace_id, subject_id)``.
JOBS: Final[Mapping[str, str]] = {
    "compare_scans": "worker.compare_scans",
    "import_results": "worker.import_results",
    "inspect_scan": "worker.inspect_scan",
    "replay_inspection": "worker.replay_inspection",
}
#: What libraries import when they are first used; a job shall not wait for it.
LATE: Final = (
    "cryptography.hazmat.backends.openssl.backend",
    "encodings.shift_jis",
    "encodings.utf_16_le",
    "encodings.utf_32_be",
    "encodings.utf_8_sig",
    "fontTools.agl",
    *(f"fontTools.ttLib.tables.{name}" for name in ("O_S_2f_2", "_c_v_t", "_f_p_g_m", "_g_a_s_p", "_h_h_e_a")),
    *(f"fontTools.ttLib.tables.{name}" for name in ("_l_o_c_a", "_p_r_e_p")),
    "fpdf.data.color_profiles",
    "pyhanko.pdf_utils.filters",
    "pyhanko.pdf_utils.metadata.xmp_xml",
    "tzdata.zoneinfo",
)


def handlers(site: Site, jobs: Mapping[str, str] = JOBS) -> dict[str, Handler]:
    """Every job of this worker, with the site that it works in."""
    return {name: partial(import_module(module).run, site) for name, module in jobs.items()}


def main(settings: Settings) -> None:
    """Prepare everything, then keep ``settings.workers`` workers going until told to stop."""
    gc.disable()  # what is imported stays: looking for garbage among it is a seventh of the time
    for module in (*JOBS.values(), *LATE):
        import_module(module)
    load_compiled()
    with Site.open(settings) as site:
        todo = handlers(site)
        clear_scratch(settings)
        pool = WorkerPool(
            settings.workers,
            lambda number: run_worker(settings, todo, str(number), partial(beat, worker_beat(settings, number))),
        )
        pool.run()


def clear_scratch(settings: Settings) -> None:
    """Remove what the jobs of earlier workers left: they ended with their parents."""
    for entry in settings.scratch_folder.iterdir():
        shutil.rmtree(entry, ignore_errors=True)


if __name__ == "__main__":
    _settings = load_settings()
    write_logs("worker", _settings.log_level)
    main(_settings)
