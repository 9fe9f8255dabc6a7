"""The company's stores as JSON."""

from flask import request
from pydantic import BaseModel

from workspace.people.queries import list_stores
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


@api.get("/stores", needs=SIGNED_IN, returns=StoresOut)
def get_stores(work: Work) -> StoresOut:
    """Every store; ``q`` = words of a name, a code or a city."""
    rows = list_stores(work, asked=request.args.get("q", ""))
    return StoresOut(stores=[StoreOut(id=row.id, code=row.code, name=row.name, city=row.city_name) for row in rows])
