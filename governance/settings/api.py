"""The REST API: who may call, how errors look, and what its OpenAPI document says of itself."""

from __future__ import annotations

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "partymembers.api.authentication.KeyAuthentication",
        "partymembers.api.authentication.PersonAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["partymembers.api.permissions.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["partymembers.api.throttling.RateOfKey"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["governance.common.api.parsers.BoundedJSON"],
    "DEFAULT_PAGINATION_CLASS": "governance.common.api.paging.ByCursor",
    "DEFAULT_FILTER_BACKENDS": [],
    "DEFAULT_SCHEMA_CLASS": "governance.integration.schema.EndpointSchema",
    # A `?format=` of an endpoint is its own affair.
    "URL_FORMAT_OVERRIDE": None,
    # The document describes the API; OPTIONS would tell the same by the name of a view.
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "governance.common.api.problems.answer_problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

#: The API's own version: the first number changes only with the address (`/api/v2/`).
API_VERSION = "1.0.0"
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Gezhi API",
    "VERSION": API_VERSION,
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "SORT_OPERATIONS": True,
    # What several fields share has one name of its own; the rest are named by their field.
    "ENUM_NAME_OVERRIDES": {
        "StateEnum": "cases.workflow.State",
        "OrderKindEnum": "cases.workflow.Kind",
        "StageEnum": "cases.workflow.Stage",
        "ClockStateEnum": ["running", "paused", "stopped"],
        "RequestKindEnum": "cases.models.CaseRequest.Kind",
        "MatterKindEnum": "cases.models.MatterClass.Section",
        "ExportKindEnum": "governance.integration.exports.serializers.SCOPES",
        "PlaceKindEnum": "grids.models.PlaceKind",
        "UnitKindEnum": "partymembers.models.Unit.Kind",
        "MemberStatusEnum": "partymembers.models.Member.Status",
        "CheckInStateEnum": "partymembers.models.CheckIn.State",
        "PointsKindEnum": "partymembers.models.PointsTransaction.Kind",
    },
    # Words for the document are English, whoever asks; its hooks add what all endpoints share.
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "governance.integration.document.complete",
    ],
}
