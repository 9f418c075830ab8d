"""The demonstration's part, device and scans, as seen through the API of a running appliance."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from appliance.cli.terminal import decision_text, progress_bars
from appliance.client.announcement import announce
from appliance.client.api import Api
from appliance.client.api.inspections import InspectionFull
from appliance.client.connection import Connection
from appliance.client.memory import Memory
from appliance.client.reports import fetch_report
from appliance.client.upload import Upload
from appliance.core.canonical import loads_strict
from appliance.core.files import write_whole
from appliance.errors import Unavailable
from appliance.identity.api_keys import create_api_key
from appliance.simulate.series import Case, Series
from appliance.tenancy.records import SYSTEM
from appliance.tenancy.site import Site

if TYPE_CHECKING:
    from rich.table import Table

    from appliance.config.settings import Settings

_ENDED: Final = ("recorded", "failed", "cancelled")
_ASSET: Final = "housing-0042"
#: A device that lost its link does not come back at once.
_BEFORE_NEXT_ATTEMPT_S: Final = 0.5


class _LinkBroke(Exception):
    """The demonstration pulled the plug."""


@dataclass
class DemoLine:
    """One part and what was pushed of it."""

    owner: Api
    device: Connection
    receipts: Path
    verifier_key: str
    scans: dict[str, tuple[str, str]] = field(default_factory=dict)
    inspections: dict[str, InspectionFull] = field(default_factory=dict)

    @classmethod
    def open(cls, settings: Settings, series: Series, out: Path) -> DemoLine:
        """Tell the appliance of the part, its CAD, its plan, its instrument and its device."""
        with Site.open(settings) as site:
            _, device_key = create_api_key(site, "main", "device", "scanner cell 7", SYSTEM)
            verifier_key = str(site.keys.own_keys()[0])
        url = settings.effective_public_url
        owner = Api(Connection(url, settings.admin_key_file.read_text().strip()))
        owner.parts.create_part(name="housing")
        zones = series.cad.with_name(f"{series.cad.stem}.zones.toml")
        owner.cad_revisions.add_cad_revision(series.cad, zones, part="housing", label="B")
        owner.characteristics.add_characteristic_set(series.plan, part="housing")
        owner.instruments.add_instrument(series.instrument, name="S5-0042")
        owner.assets.create_asset(name=_ASSET, part="housing", serial="0042", location="Cell 7")
        return cls(owner, Connection(url, device_key), out / "receipts", verifier_key)

    def push(self, case: Case, scan: Path, *, cut: bool) -> str:
        """Send a scan; with ``cut`` the link breaks in the middle and the push is begun again.  One line about it."""
        fields = {"asset": _ASSET, "instrument": "S5-0042", "alignment": "fit"}
        announced = announce(scan, fields, compress=None, signer=None, progress=_silent)
        memory = Memory.of(self.device.base, announced.metadata)
        began, broke = time.monotonic(), ""
        if cut:
            size = scan.stat().st_size
            try:
                Upload(self.device, announced, memory, _breaking(size // 2)).run()
            except _LinkBroke:
                broke = f"link cut after {size / 2e6:.1f} MB, "
                time.sleep(_BEFORE_NEXT_ATTEMPT_S)
        sent = Upload(self.device, announced, memory, _silent).run()
        seconds = time.monotonic() - began
        if broke:
            broke += f"gone on at {sent.resumed_at / 1e6:.1f} MB, "
        receipt = Api(self.device).scans.get_receipt(sent.scan)
        self.receipts.mkdir(exist_ok=True)
        write_whole(self.receipts / f"{case.name}.receipt.json", receipt)
        self.scans[case.name] = (sent.scan, case.story)
        size_mb = scan.stat().st_size / 1e6
        return f"{case.name}: {size_mb:.1f} MB, {broke}acknowledged and durable after {seconds:.2f} s"

    def await_verdicts(self) -> Table:
        """Follow every inspection to its end; the table of what came out.

        Raises
        ------
        Unavailable : an inspection failed
        """
        with progress_bars(transient=True) as watcher:
            for name, (scan, _) in self.scans.items():
                watcher.begin(name)
                self.inspections[name] = self._ended(scan, partial(watcher.advance, name))
                watcher.end(name, 0.0)
        return self._table()

    def fetch(self, name: str, folder: Path) -> Path:
        """Write the files of a report into ``folder``."""
        fetch_report(self.owner, self.inspections[name]["id"], folder)
        return folder

    def replay(self, name: str) -> str:
        """Have the appliance compute a verdict again from its evidence; one line about what it found."""
        inspections = self.owner.inspections
        replay = inspections.replay_inspection(self.inspections[name]["id"])
        while replay["state"] not in ("done", "failed"):
            time.sleep(0.2)
            replay = inspections.get_inspection_replay(replay["inspection_id"], replay["id"], held=replay)
        if replay["state"] == "failed":
            raise Unavailable(str(replay["error_code"]), str(replay["error_message"]))
        same = "REPRODUCED, every figure, bit for bit" if replay["reproduced"] else "DIFFERS"
        return f"replay of {name} on the appliance: {same}, engine {replay['engine']}"

    def _ended(self, scan: str, tell: Callable[[float], None]) -> InspectionFull:
        while True:
            latest = (self.owner.scans.get_scan(scan).get("inspections") or [])[0]
            tell(latest["progress"])
            if latest["state"] in _ENDED:
                break
            time.sleep(0.2)
        full = self.owner.inspections.get_inspection(latest["id"])
        if full["state"] != "recorded":
            raise Unavailable(str(full["error_code"]), str(full["error_message"]))
        return full

    def _alignment(self, inspection: str) -> dict[str, Any]:
        """How a scan was aligned, from the result of its inspection."""
        with TemporaryDirectory() as folder:
            result = Path(folder) / "result.json"
            self.owner.reports.get_result_json(inspection, result)
            alignment: dict[str, Any] = loads_strict(result.read_bytes())["alignment"]
        return alignment

    def _table(self) -> Table:
        from rich import box
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("scan", no_wrap=True)
        table.add_column("truth", overflow="fold")
        for heading in ("residual mm", "cover", "worst value ± U mm"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
        for name, inspection in self.inspections.items():
            alignment = self._alignment(inspection["id"])
            residual = f"{alignment['residual_rms_mm']:.4f}" + (" ambiguous" if alignment["ambiguous"] else "")
            lowest = min(item["coverage"] or 0.0 for item in inspection["measurements"])
            table.add_row(
                name, Text(self.scans[name][1]), residual, f"{100 * lowest:.0f} %", _worst(inspection),
                decision_text(str(inspection["verdict"])),
            )  # fmt: skip
        return table


def _worst(inspection: InspectionFull) -> str:
    """The value that comes nearest to its limits, or lies farthest beyond them."""
    measured = [item for item in inspection["measurements"] if item["conformance_probability"] is not None]
    if not measured:
        return "–"
    item = min(measured, key=lambda one: (one["conformance_probability"] or 0.0, -abs(one["value_mm"] or 0.0)))
    return f"{item['name']} {item['value_mm']:+.3f} ± {item['expanded_mm']:.3f}"


def _breaking(after_bytes: int) -> Any:
    """A progress that breaks the link once that many bytes are on it."""
    sent = 0

    def progress(count: int) -> None:
        nonlocal sent
        sent += count
        if sent >= after_bytes:
            raise _LinkBroke

    return progress


def _silent(count: int) -> None:
    return None
