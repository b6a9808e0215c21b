"""The query language of the data API: Mongo-like filters on submissions (contract data §3, "Query semantics").

One compiler serves the data list, bulk calls, replay by query, row-level rights and exports. Queries combine
by wrapping: ``compile_query({"$and": [query, {"$or": filters}]})``.

>>> compile_query({"age": {"$gte": "18"}}).matches({"_id": 16, "age": "34"})
True
"""

from formrelay.query.bounds import Limits, QueryError
from formrelay.query.compiler import Query, compile_query

__all__ = ["Limits", "Query", "QueryError", "compile_query"]
