"""The file that an export makes, by its type."""

from __future__ import annotations

from formrelay.exports.csv_file import CsvFile
from formrelay.exports.geojson_file import GeoJsonFile
from formrelay.exports.options import GEOJSON, XLSX, Options
from formrelay.exports.output import Output, State
from formrelay.exports.plan import Plan
from formrelay.exports.xlsx_file import XlsxFile


def output(plan: Plan, options: Options, name: str, state: State | None = None) -> Output:
    """The file in the making; ``name`` is the project's, ``state`` where an earlier process came to."""
    if options.type == XLSX:
        return XlsxFile(plan, name, as_text=options.types_as_text, state=state)
    if options.type == GEOJSON:
        return GeoJsonFile(plan, name, flatten=options.flatten, state=state)
    return CsvFile(plan, state)
