"""The real worker around one job that takes a moment and leaves a file: ``scratch/<subject>``."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

from appliance.config.settings import Settings, load_settings
from appliance.core.logs import write_logs
from appliance.queue.pool import WorkerPool
from appliance.queue.worker import run_worker
from appliance.supervise.programs import worker_beat
from appliance.supervise.readiness import beat

NAP_S = 1.0


def nap(folder: Path, workspace_id: str, subject_id: str) -> None:
    (folder / f"{subject_id}.started").write_text(str(os.getpid()))
    time.sleep(NAP_S)
    (folder / subject_id).write_text(str(os.getpid()))


def main(settings: Settings) -> None:
    handlers = {"nap": partial(nap, settings.scratch_folder)}
    beats = [partial(beat, worker_beat(settings, number)) for number in range(settings.workers + 1)]
    WorkerPool(settings.workers, lambda number: run_worker(settings, handlers, str(number), beats[number])).run()


if __name__ == "__main__":
    write_logs("worker")
    main(load_settings())
