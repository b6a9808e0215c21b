"""How long each function takes to start, beside its floor: the same AWS clients and libraries, and nothing else.

python -m tests.bench.startup [--times 15]

Fresh processes, one after the other, in turns; medians of their CPU time from the start of Python to ready, with
bytecode, as in the layer: a start does nothing but compute, and what else the machine does is not in it.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys

from tests.support.template import ROOT

_CLIENTS = (
    "import botocore.session; s = botocore.session.get_session();"
    " [s.create_client(name, region_name='eu-west-1') for name in {names!r}];"
)
_LOGGER = "from aws_lambda_powertools.logging import Logger; Logger(service='x');"
# Function: AWS clients of its usual call, libraries that it cannot do without.
_FUNCTIONS = {
    "ingest": (("dynamodb", "sqs"), "import boto3, xmltodict;"),
    "openrosa": (("dynamodb",), "import boto3;"),
    "api": (("dynamodb",), "import boto3, xmltodict;"),
    "deliver": (("dynamodb", "kms"), "import boto3, requests;"),
    "recover": (("dynamodb", "sqs"), "import boto3, requests;"),
    "report": (("dynamodb", "sesv2"), "import boto3;"),
    "bounce": (("dynamodb",), "import boto3;"),
}


def _seconds(code: str) -> float:
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers/formrelay/python"))),
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(times: int) -> dict[str, tuple[float, float]]:
    """Seconds of CPU by function: of its floor, and of itself."""
    codes = {}
    for name, (clients, libraries) in _FUNCTIONS.items():
        made = "; ".join(f"aws.{client}()" for client in clients)
        codes[name, "floor"] = libraries + _LOGGER + _CLIENTS.format(names=clients)
        codes[name, "own"] = f"import functions.{name}.app; from formrelay import aws; {made}"
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in codes}
    for _ in range(times):
        for key, code in codes.items():
            taken[key].append(_seconds(code))
    middle = {key: statistics.median(values) for key, values in taken.items()}
    return {name: (middle[name, "floor"], middle[name, "own"]) for name in _FUNCTIONS}


def main() -> None:
    """Prints one line for each function."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=15)
    print(f"{'function':<10}{'floor ms':>9}{'own ms':>8}{'over':>7}")
    for name, (floor, own) in measure(parser.parse_args().times).items():
        print(f"{name:<10}{floor * 1000:>9.0f}{own * 1000:>8.0f}{own / floor - 1:>7.0%}")


if __name__ == "__main__":
    main()
