"""The supervisor without a terminal, as ``d2r up --detach`` starts it: ``python -m appliance.supervise.main``.

The data folder comes from the environment (``D2R_DATA``).  What would be printed goes to ``logs/supervisor.log``.
"""

from __future__ import annotations

import sys

from appliance.config.settings import load_settings
from appliance.errors import D2RError
from appliance.supervise.running import supervisor_log, up


def main() -> int:
    """Run until told to stop; the exit status is that of ``d2r up``."""
    settings = load_settings()
    log = supervisor_log(settings)
    try:
        up(settings, lambda line: None, lambda status: None)
    except D2RError as error:
        log.say(f"{error} [{error.code}]", "ERROR")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
