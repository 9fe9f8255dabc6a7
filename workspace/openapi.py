"""The OpenAPI document, made from what the routes declare, so that it cannot fall behind them."""

import re
from typing import Any

import pydantic
from flask import Flask, jsonify

from workspace.web import ANYONE, DEVICE, RouteFacts

_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "title", "message", "retryable"],
            "properties": {
                "code": {"type": "string"},
                "title": {"type": "string"},
                "message": {"type": "string"},
                "retryable": {"type": "boolean"},
                "facts": {"type": "object"},
            },
        }
    },
}


def install_openapi(app: Flask) -> None:
    @app.get("/api/openapi.json")
    def openapi_document() -> Any:
        return jsonify(make_document(app.extensions["mainline"].facts))


def make_document(facts: list[RouteFacts]) -> dict[str, Any]:
    """OpenAPI 3.1 for every API route."""
    schemas: dict[str, Any] = {"Error": _ERROR}
    paths: dict[str, Any] = {}
    for fact in facts:
        if fact.is_api:
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", fact.rule)
            for method in fact.methods:
                paths.setdefault(path, {})[method.lower()] = _operation(fact, method, path, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Mainline 主线", "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "mainline_session"},
                "device": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(fact: RouteFacts, method: str, path: str, schemas: dict[str, Any]) -> dict[str, Any]:
    summary, _, rest = fact.doc.partition("\n")
    operation: dict[str, Any] = {
        "operationId": f"{fact.endpoint}.{method.lower()}",
        "summary": summary,
        "description": rest.strip() or summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in re.findall(r"{(\w+)}", path)
        ],
        "responses": {
            "200": {"description": "OK", **_content(fact.returns, schemas)},
            "default": {
                "description": "Error",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
    }
    if fact.needs != ANYONE:
        operation["security"] = [{"device": []}] if fact.needs == DEVICE else [{"session": []}]
    if fact.body is not None:
        operation["requestBody"] = {"required": True, **_content(fact.body, schemas)}
    return operation


def _content(kind: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    if kind is None:
        return {}
    schema = pydantic.TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}))
    name = getattr(kind, "__name__", None)
    if name and schema.get("type") == "object":
        schemas[name] = schema
        schema = {"$ref": f"#/components/schemas/{name}"}
    return {"content": {"application/json": {"schema": schema}}}
