"""How ``d2r push`` sends files one after the other, keeps their receipts, waits for verdicts and tells about it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from appliance.cli.exits import EXIT_ERROR, EXIT_OF_DECISION
from appliance.cli.terminal import decision_text, progress_bars, result_console
from appliance.client.announcement import announce
from appliance.client.api import Api
from appliance.client.api.scans import ScanOut
from appliance.client.connection import Connection
from appliance.client.memory import Memory
from appliance.client.upload import Upload
from appliance.core.canonical import loads_strict
from appliance.core.files import write_whole
from appliance.crypto.dsse import open_envelope
from appliance.errors import D2RError, Modified, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from appliance.crypto.vkey import Signer

#: Seconds between two looks at an inspection.
_LOOK_EVERY_S: Final = 0.5
#: States of an inspection that nothing leaves.
_ENDED: Final = ("recorded", "failed", "cancelled")


@dataclass(frozen=True)
class Order:
    """What is to be sent, and how."""

    files: tuple[Path, ...]
    fields: dict[str, Any]
    compress: bool | None
    signer: Signer | None
    receipts: Path | None
    wait: bool


@dataclass
class Delivery:
    """What came of one file."""

    file: str
    sha256: str = ""
    scan: str = ""
    state: str = ""
    duplicate: bool = False
    sent_bytes: int = 0
    resumed_at: int = 0
    interruptions: int = 0
    seconds: float = 0.0
    receipt: str = ""
    inspection: str | None = None
    verdict: str | None = None
    error: dict[str, str] | None = None
    waited: bool = field(default=False, repr=False)

    def record(self) -> dict[str, Any]:
        """For JSON."""
        return {name: value for name, value in asdict(self).items() if name != "waited"}


def push_files(connection: Connection, order: Order, *, quiet: bool) -> list[Delivery]:
    """Send every file; one that the appliance refuses does not keep the others from being sent.

    Raises
    ------
    Unavailable : the appliance does not answer any more
    """
    return [_push_file(connection, order, path, quiet=quiet) for path in order.files]


def exit_code(deliveries: Sequence[Delivery]) -> int:
    """The gravest: an error, then a fail, then what is not decided."""
    codes = {_code(delivery) for delivery in deliveries}
    return next((code for code in (EXIT_ERROR, 1, 2) if code in codes), 0)


def print_deliveries(deliveries: Sequence[Delivery]) -> None:
    """A few lines for each file on standard output."""
    console = result_console()
    for delivery in deliveries:
        console.print(f"{delivery.file}: {_said(delivery)}", highlight=False, soft_wrap=True)
        if delivery.receipt:
            console.print(f"  receipt {delivery.receipt}", highlight=False, soft_wrap=True)
        if delivery.verdict:
            console.print("  verdict ", decision_text(delivery.verdict), sep="")


def _push_file(connection: Connection, order: Order, path: Path, *, quiet: bool) -> Delivery:
    delivery, began = Delivery(str(path)), time.monotonic()
    try:
        _send(connection, order, path, delivery, quiet=quiet)
        if order.wait and delivery.state == "stored":
            delivery.waited = True
            _await_verdict(Api(connection), delivery, quiet=quiet)
    except Unavailable:
        raise
    except D2RError as error:
        delivery.error = {"code": error.code, "message": error.message, "hint": error.hint}
    delivery.seconds = round(time.monotonic() - began, 3)
    return delivery


def _send(connection: Connection, order: Order, path: Path, delivery: Delivery, *, quiet: bool) -> None:
    with _transfer(path.name, path.stat().st_size, quiet=quiet) as (bar, reading, sending):
        announced = announce(
            path, order.fields, compress=order.compress, signer=order.signer,
            progress=lambda count: bar.advance(reading, count),
        )  # fmt: skip
        bar.update(reading, visible=False)
        memory = Memory.of(connection.base, announced.metadata)
        upload = Upload(connection, announced, memory, lambda count: bar.advance(sending, count))
        sent = upload.run(lambda size: bar.update(sending, total=size, visible=True))
    delivery.sha256, delivery.duplicate = announced.sha256, sent.duplicate
    delivery.sent_bytes, delivery.resumed_at = sent.sent_bytes, sent.resumed_at
    delivery.interruptions = sent.interruptions
    api = Api(connection)
    _look(api, sent.scan, delivery)
    delivery.receipt = str(_keep_receipt(api, sent.scan, order.receipts or path.parent, path, announced.sha256))


def _look(api: Api, scan_id: str, delivery: Delivery) -> ScanOut:
    """Take over what the appliance says of a scan."""
    scan = api.scans.get_scan(scan_id)
    delivery.scan, delivery.state = scan["id"], scan["state"]
    if scan["state"] != "stored":
        delivery.error = {"code": str(scan["reason_code"]), "message": str(scan["reason"]), "hint": ""}
    return scan


def _keep_receipt(api: Api, scan_id: str, folder: Path, path: Path, sha256: str) -> Path:
    """Fetch the receipt, compare it with what was sent, and write it.

    Raises
    ------
    Modified : the receipt is for other bytes
    """
    envelope = api.scans.get_receipt(scan_id)
    statement = loads_strict(open_envelope(envelope).payload)
    named = {subject["name"]: subject["digest"]["sha256"] for subject in statement["subject"]}
    if named.get("scan", sha256) != sha256 and statement["predicate"]["state"] == "stored":
        raise Modified("push.receipt", "The appliance's receipt is for other bytes than those that were sent.")
    target = folder / f"{path.name}.receipt.json"
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(target, envelope)
    return target


def _await_verdict(api: Api, delivery: Delivery, *, quiet: bool) -> None:
    """Follow the latest inspection of a scan to its end."""
    with progress_bars(shown=not quiet, transient=True) as watcher:
        watcher.begin("inspection")
        while True:
            inspections = _look(api, delivery.scan, delivery).get("inspections") or []
            if not inspections:
                hint = "Give its part a CAD revision and characteristics."
                delivery.error = {"code": "push.no_inspection", "message": "The scan is not inspected.", "hint": hint}
                return
            latest = inspections[0]
            delivery.inspection, delivery.verdict = latest["id"], latest["verdict"]
            watcher.advance("inspection", latest["progress"])
            if latest["state"] in _ENDED:
                break
            time.sleep(_LOOK_EVERY_S)
    if latest["state"] != "recorded":
        message = latest["error_message"] or f"The inspection was {latest['state']}."
        delivery.error = {"code": latest["error_code"] or "inspection.ended", "message": message, "hint": ""}


def _code(delivery: Delivery) -> int:
    if delivery.error is not None:
        return EXIT_ERROR
    return EXIT_OF_DECISION[delivery.verdict] if delivery.verdict else 0


def _said(delivery: Delivery) -> str:
    if delivery.state != "stored" or delivery.error:
        error = delivery.error or {"message": delivery.state, "code": "", "hint": ""}
        what = f"quarantined as {delivery.scan}" if delivery.state == "quarantined" else "refused"
        what = delivery.scan if delivery.state == "stored" else what
        return f"{what}: {error['message']} {error['hint']}".rstrip() + f" [{error['code']}]"
    rate = decimal(int(delivery.sent_bytes / max(delivery.seconds, 1e-3)))
    known = ", known before" if delivery.duplicate else ""
    resumed = f", gone on at {decimal(delivery.resumed_at)}" if delivery.resumed_at else ""
    return f"{delivery.scan}, {decimal(delivery.sent_bytes)} sent at {rate}/s{resumed}{known}"


@contextmanager
def _transfer(name: str, size: int, *, quiet: bool) -> Iterator[tuple[Progress, TaskID, TaskID]]:
    """Bars for reading and sending on standard error; nothing where it is not a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:<8}"), TextColumn(name, markup=False), BarColumn(24), DownloadColumn(),
        TransferSpeedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal) as progress:
        reading = progress.add_task("reading", total=size)
        yield progress, reading, progress.add_task("sending", total=size, visible=False)
