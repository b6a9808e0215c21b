"""Makes the first account: run by path, in an environment like that of the function ``api``.

Reads ``{"username": …, "password": …, "email": …}`` from standard input and prints ``{"key": …}``, the account's API
key, or ``{"error": …}``. An account that exists is left as it is.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    from formrelay.accounts import ensure_account
    from formrelay.errors import ApiError

    wanted = json.load(sys.stdin)
    try:
        key = ensure_account(wanted["username"], wanted["password"], wanted["email"], superuser=True)
    except ApiError as error:
        json.dump({"error": error.body}, sys.stdout)
        return
    json.dump({"key": key}, sys.stdout)


if __name__ == "__main__":
    main()
