"""The company's stores as JSON."""

from typing import Any

from flask import request
from pydantic import BaseModel, ConfigDict, model_validator

from workspace.people.actions import change_store
from workspace.people.pages import KEEPS_STORES
from workspace.people.queries import StoreRow, list_stores
from workspace.texts import all_shown
from workspace.web import SIGNED_IN, Routes
from workspace.work import Work

api = Routes("people_api", __name__, api=True)


class StoreOut(BaseModel):
    """code: empty while the store has none."""

    id: str
    code: str
    name: str
    city: str


class StoresOut(BaseModel):
    stores: list[StoreOut]


class StoreBody(BaseModel):
    """What is left out stays as it is; an empty code takes it away."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    code: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_seen(cls, values: Any) -> Any:
        return all_shown(values)


@api.get("/stores", needs=SIGNED_IN, returns=StoresOut)
def get_stores(work: Work) -> StoresOut:
    """Every store; ``q`` = words of a name, a code or a city."""
    return StoresOut(stores=[_out(row) for row in list_stores(work, asked=request.args.get("q", ""))])


@api.post("/stores/<store_id>", needs=KEEPS_STORES, body=StoreBody, returns=StoreOut)
def post_store(work: Work, store_id: str, body: StoreBody) -> StoreOut:
    """Change a store's name or code."""
    change_store(work, store_id, name=body.name, code=body.code)
    return _out(next(row for row in list_stores(work) if row.id == store_id))


def _out(row: StoreRow) -> StoreOut:
    return StoreOut(id=row.id, code=row.code, name=row.name, city=row.city_name)
