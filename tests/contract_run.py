"""The published document held against the running application by schemathesis, as one caller.

Every request that it makes up is sent, valid ones and broken ones; what counts is whether the answer is one that the
document describes, and that no request ends in an error of the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import StopReason, events, from_schema

from web.problems import MEDIA_TYPE

#: Codes of refusals that the document's schemas foretell: a request that they allow must not meet one.
_OF_FORM: Final = frozenset(
    {"request.invalid", "request.query", "request.json", "request.fields", "request.tags", "request.idempotency_key",
     "request.media_type"}
)  # fmt: skip
#: How a request that the document does not allow may end.
_REFUSED: Final = [400, 401, 403, 404, 405, 406, 409, 412, 413, 414, 415, 422, 423, 428, 460]
_CHECKS: Final = {
    # Names, hashes and texts that are well-formed may still name nothing: ``form_is_as_described`` tells them apart.
    "positive_data_acceptance": {"enabled": False},
    "negative_data_rejection": {"expected-statuses": _REFUSED},
    "missing_required_header": {"expected-statuses": _REFUSED},
}
#: The phases, with what differs from their defaults: two methods that a route does not take are enough.
_PHASES: Final[dict[str, dict[str, Any]]] = {
    "examples": {}, "coverage": {"unexpected-methods": ["put", "trace"]}, "fuzzing": {}, "stateful": {}
}  # fmt: skip
#: GET of ``scans/lookup`` asks for a scan that is called so: ``Allow`` says it rightly, and schemathesis cannot know.
_SHARES_ITS_ADDRESS: Final = "POST /api/v1/workspaces/{slug}/scans/lookup"


@dataclass(frozen=True)
class Effort:
    """Which phases of schemathesis run, and how many requests each operation gets in those that make them up.

    ``seed`` : of what is made up; None: the same requests every time
    """

    phases: frozenset[str]
    examples: int = 1
    seed: int | None = None


@dataclass
class Outcome:
    """What came of a run."""

    statuses: Counter[int] = field(default_factory=Counter)
    succeeded: set[str] = field(default_factory=set)
    findings: dict[str, str] = field(default_factory=dict)


@schemathesis.serializer("application/offset+octet-stream", "application/toml")
def _as_it_is(context: Any, value: Any) -> dict[str, bytes]:
    """Bodies of media types that schemathesis does not know."""
    data = getattr(value, "data", value)
    return {"data": data if isinstance(data, bytes) else str(data).encode()}


@schemathesis.check
def form_is_as_described(context: Any, response: Any, case: Any) -> None:
    """A request that the document allows is not refused for its form."""
    parts = case.meta.components.values() if case.meta is not None else ()
    if not parts or not all(part.mode.is_positive for part in parts) or not response.content:
        return
    if MEDIA_TYPE in (response.headers.get("content-type") or [""])[0]:
        assert response.json().get("code") not in _OF_FORM, response.text[:600]


def run_contract(
    address: str, token: str | None, effort: Effort, known: dict[str, str], elsewhere: dict[str, dict[str, str]]
) -> Outcome:
    """Send what schemathesis makes up of the document at ``address``.

    Parameters
    ----------
    token : of the caller; None: nobody
    known : values of parameters that are not made up: ``path.slug``; ``elsewhere``: those of one operation alone
    """
    settings = _settings(token, effort, known, elsewhere)
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json", config=settings)
    schema.config.update(base_url=address)
    outcome = Outcome()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _take(outcome, event)
        elif isinstance(event, events.NonFatalError):
            outcome.findings[f"{event.label}: {event.info.title}"] = event.info.format()
        elif isinstance(event, events.FatalError):
            raise event.exception
        elif isinstance(event, events.EngineFinished):
            assert event.stop_reason is StopReason.COMPLETED, event.stop_reason
    return outcome


def _settings(
    token: str | None, effort: Effort, known: dict[str, str], elsewhere: dict[str, dict[str, str]]
) -> SchemathesisConfig:
    own = [{"include-name": name, "parameters": values} for name, values in elsewhere.items()]
    allowed = {"include-name": _SHARES_ITS_ADDRESS, "checks": {"allow_header_conformance": {"enabled": False}}}
    return SchemathesisConfig.from_dict(
        {
            "headers": {"Authorization": f"Bearer {token}"} if token else {},
            "parameters": known,
            "operations": [allowed, *own],
            "generation": {
                "max-examples": effort.examples, "with-security-parameters": False, "no-shrink": True,
                "database": "none", "deterministic": effort.seed is None,
            },
            "phases": {name: {"enabled": name in effort.phases, **more} for name, more in _PHASES.items()},
            "checks": _CHECKS,
            "continue-on-failure": True,
            "seed": effort.seed or 1,
        }
    )  # fmt: skip


def _take(outcome: Outcome, event: events.ScenarioFinished) -> None:
    recorder = event.recorder
    for case_id, node in recorder.cases.items():
        interaction = recorder.interactions.get(case_id)
        if interaction is None or interaction.response is None:
            continue
        status = interaction.response.status_code
        outcome.statuses[status] += 1
        if status < 300:
            outcome.succeeded.add(node.value.operation.label)
        for name, text in _failures(recorder, case_id):
            answer = (interaction.response.content or b"")[:400].decode(errors="replace")
            label = f"{node.value.operation.label}: {name}"
            outcome.findings.setdefault(label, f"{text}\n  answer {status}: {answer}")


def _failures(recorder: Any, case_id: str) -> Iterator[tuple[str, str]]:
    for check in recorder.checks.get(case_id, ()):
        if check.failure_info is not None:
            failure = check.failure_info.failure
            yield check.name, f"{failure.title} ({failure.message[:400]})\n  {check.failure_info.code_sample[:1000]}"
