"""The usual alternative, to compare with: runs in an environment of its own (infra/requirements/bench.txt)."""
