#!/usr/bin/env python3
"""linux_port.py NAME...: runs samples that have libcricket.a and the Linux port in themselves, against the Linux client.

What they print about results must be the same bit by bit, and so must the number of round trips.
"""
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
import samples

# Asks again and again whether something has happened: how often, time decides.
POLLING = {"asyncStreams"}


def check(name, result):
    if result.returncode != 0 or "Result = PASS" not in result.stdout.splitlines() or result.stderr:
        sys.exit(f"{name}: exit status {result.returncode}\n{result.stdout}\n{result.stderr}")
    return samples.comparable(result)


def counts(name, path):
    with open(path, encoding="utf-8") as file:
        calls = json.load(file)["calls"]
    kinds = ("deferred", "async") if name in POLLING else ("sync", "deferred", "async")
    return {kind: calls[kind] for kind in kinds}


def compare(name, uri, folder):
    arguments = samples.arguments_of(name)
    shim_stats, own_stats = os.path.join(folder, "shim.json"), os.path.join(folder, "own.json")
    shim = check(name, harness.cricket("run", "--server", uri, "--", harness.sample(name), *arguments,
                                       CRICKET_STATS=shim_stats))
    own = check(name, harness.run(harness.sample(f"unikernel/{name}"), *arguments, CRICKET_SERVER=uri,
                                  CRICKET_STATS=own_stats))
    if shim != own:
        sys.exit(f"{name}: the Linux client and libcricket.a differ:\n{shim}\n{own}")
    shim_counts, own_counts = counts(name, shim_stats), counts(name, own_stats)
    if shim_counts != own_counts:
        sys.exit(f"{name}: calls of the Linux client {shim_counts}, of libcricket.a {own_counts}")
    print(f"{name}: passed, {own_counts}")


def main():
    with tempfile.TemporaryDirectory(prefix="cricket-test-") as folder:
        for transport in ("tcp", "unix"):
            with harness.Server(transport) as server:
                for name in sys.argv[1:]:
                    compare(name, server.uri, folder)


if __name__ == "__main__":
    main()
