"""The running API against its own document: schemathesis with values that the world knows.

Made-up codes would be answered with 404 and prove nothing, so names of places, matters, units, members and
orders come from the world most of the time, and the report says how many answers were good ones.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final

import schemathesis
from schemathesis.engine import Status, events, from_schema
from schemathesis.generation import GenerationMode

#: What is asked of every answer. Refusing or taking data is the actions' own affair: rules of the field go
#: far beyond what a schema can say.
CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
NOT_ASKED: Final = (
    "unsupported_method",
    "ignored_auth",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "object_level_authorization",
)


@schemathesis.serializer("application/offset+octet-stream")
def as_bytes(_context: Any, value: Any) -> dict[str, Any]:
    """A part of an upload, as it is."""
    return {"data": value.data if hasattr(value, "data") else bytes(str(value), "utf-8")}


@schemathesis.hook("before_call")
def sensible(_context: Any, case: Any, _kwargs: Any) -> None:
    """What no schema can say: cursors are never made up, a period excludes its two ends, a key is for one."""
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if isinstance(case.headers, MutableMapping):
        case.headers.pop("Idempotency-Key", None)
    if isinstance(case.query, dict):
        for name in ("cursor", "after", *(("from", "to") if case.query.get("period") else ())):
            case.query.pop(name, None)


#: How often a known value is taken where there is one.
KNOWN: Final = 0.85

Values = dict[str, list[str | int | float]]


@dataclass
class Report:
    """What came of a run."""

    #: Operation → status → answers to requests that were right by the document.
    answers: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    failures: dict[str, str] = field(default_factory=dict)

    def take(self, event: Any) -> None:
        """Count the answers of a scenario, and keep the first failure of each kind and operation."""
        for case_id, interaction in event.recorder.interactions.items():
            node = event.recorder.cases[case_id]
            case, is_own = node.value, node.parent_id is None  # checks ask again on their own account
            is_right = is_own and case.meta.generation.mode is GenerationMode.POSITIVE
            if interaction.response is not None and is_right:
                self.answers[case.operation.label][interaction.response.status_code] += 1
        for case_id, checks in event.recorder.checks.items():
            for check in (check for check in checks if check.status is Status.FAILURE):
                case = event.recorder.cases[case_id].value
                told = f"{check.failure_info.failure}\n{check.failure_info.code_sample}"
                self.failures.setdefault(f"{case.operation.label}: {check.name}", told)

    def told(self) -> str:
        """The failures for people; empty for none."""
        return "\n\n".join(f"{where}\n{what}" for where, what in self.failures.items())

    def share(self, label: str) -> float:
        """The good answers among all of an operation."""
        counted = self.answers[label]
        return sum(counted[status] for status in counted if status < 300) / (counted.total() or 1)


def read_plainly(document: dict[str, Any], url: str, key: str, values: dict[str, Values]) -> None:
    """Every address that is read, by a name that the world knows: a good answer that fits its schema."""
    schema = schemathesis.openapi.from_dict(document, config=_config(url, key, {}))
    for path, ways in document["paths"].items():
        if "get" not in ways:
            continue
        known = values[path]
        needed = [told for told in ways["get"].get("parameters", []) if told.get("required")]
        sent = {
            place: {
                told["name"]: known[f"{place}.{told['name']}"][0] for told in needed if told["in"] == place
            }
            for place in ("path", "query")
        }
        case = schema[path]["GET"].Case(path_parameters=sent["path"], query=sent["query"])
        answer = case.call(headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 200, f"{path}: {answer.text}"
        case.validate_response(answer)


def run(document: dict[str, Any], url: str, key: str, values: dict[str, Values], **how: Any) -> Report:
    """Ask everything in the document, and look at every answer.

    `values`: address → parameter (`path.number`, `body.place`) → known values;
    `how`: `examples` of each operation, `seconds` at most, `phases`, `seed`.
    """
    schema = schemathesis.openapi.from_dict(document, config=_config(url, key, values, **how))
    report = Report()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            report.take(event)
        elif isinstance(event, events.NonFatalError):
            report.failures.setdefault(str(event.label), str(event.info.format()))
        elif isinstance(event, events.FatalError):
            raise event.exception
    return report


def _config(url: str, key: str, values: dict[str, Values], **how: Any) -> schemathesis.Config:
    dictionaries: dict[str, Any] = {}
    operations = []
    for number, (address, known) in enumerate(values.items()):
        bound = {}
        for name, listed in known.items():
            dictionary = f"{name.replace('.', '-')}-{number}"
            dictionaries[dictionary] = {"values": listed}
            bound[name] = {"dictionary": dictionary, "probability": KNOWN}
        operations.append({"include-path": address, "parameters": bound})
    phases = how.get("phases", ("examples", "coverage", "fuzzing"))
    told: dict[str, Any] = {
        "seed": how.get("seed", 1),
        "base-url": url,
        "workers": 1,  # the server is this very process
        "headers": {"Authorization": f"Bearer {key}"},
        "continue-on-failure": True,
        "suppress-health-check": ["all"],
        "cache": {"enabled": False},
        "dictionaries": dictionaries,
        "operations": operations,
        "generation": {
            "max-examples": how.get("examples", 10),
            "deterministic": "CI" in os.environ,
            "no-shrink": True,
            "database": "none",
        },
        "checks": {name: {"enabled": name in CHECKS} for name in (*CHECKS, *NOT_ASKED)},
        "phases": {
            name: {"enabled": name in phases} for name in ("examples", "coverage", "fuzzing", "stateful")
        },
    }
    if seconds := how.get("seconds"):
        told["max-time"] = seconds
    return schemathesis.Config.from_dict(told)
