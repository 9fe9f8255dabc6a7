"""A table as a download: for Excel, or as CSV that Excel opens in the right encoding."""

from collections.abc import Sequence
from enum import StrEnum

from werkzeug.wrappers import Response

from sync.library.content.sending import disposition
from workspace.tables import CSV, XLSX, write_csv, write_table


class Form(StrEnum):
    XLSX = "xlsx"
    CSV = "csv"

    @classmethod
    def asked(cls, text: str) -> "Form":
        return cls.CSV if text == "csv" else cls.XLSX


def send_table(name: str, header: Sequence[str], rows: Sequence[Sequence[str]], form: Form) -> Response:
    """name: of the file, without its ending."""
    content, kind = (write_table(header, rows), XLSX) if form is Form.XLSX else (write_csv(header, rows), CSV)
    headers = {"Content-Disposition": disposition("attachment", f"{name}.{form.value}")}
    return Response(content, 200, headers, content_type=kind)
