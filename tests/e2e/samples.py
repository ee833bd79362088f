#!/usr/bin/env python3
"""samples.py [--driver cpu|gpu] NAME...: runs samples natively, over TCP, a Unix socket and shared memory, and compares.

Every run must pass its own verification, and all must agree bit by bit in what they print about results.
"""
import argparse
import re
import sys

import harness

ARGUMENTS = {
    "deviceQuery": [],
    "vectorAdd": ["--elements", "100003"],
    "matrixMul": ["--wa", "64", "--ha", "96", "--wb", "128", "--hb", "64", "--iterations", "20"],
    "matrixMulDrv": ["--wa", "64", "--ha", "96", "--wb", "128", "--iterations", "4"],
    "histogram": ["--bytes", "300000", "--blocks", "13"],
    "reduction": ["--elements", "300007", "--blocks", "33"],
    "bandwidthTest": ["--min", "1", "--max", "3000001", "--repeats", "3"],
    "textures": ["--points", "300", "--rows", "600"],
    "separateUnits": ["--elements", "5003"],
    "graphs": ["--elements", "5003", "--rounds", "4"],
    "streamMemory": ["--elements", "5003", "--streams", "5", "--rounds", "4"],
    "asyncStreams": ["--elements", "5003", "--streams", "5", "--rounds", "4"],
}

# What may differ between two runs: times and rates, and what a device cannot do from afar.
VOLATILE = re.compile(r"\d+\.\d+|^  (can map host memory|managed memory) ")


def arguments_of(name):
    """A variant (variants/SAMPLE-KIND) takes its sample's arguments."""
    return ARGUMENTS[name.split("/")[-1].split("-")[0]]


def comparable(result):
    return [line for line in result.stdout.splitlines() if not VOLATILE.search(line) or "capability" in line]


def run_sample(name, where, *options):
    # Over a Unix socket shared memory is the default.
    result = harness.cricket("run", *options, "--", harness.sample(name), *arguments_of(name),
                             CRICKET_SHM_BYTES="0" if where == "unix" else None)
    if result.returncode != 0 or "Result = PASS" not in result.stdout.splitlines():
        sys.exit(f"{name}, {where}: exit status {result.returncode}\n{result.stdout}\n{result.stderr}")
    if result.stderr:
        sys.exit(f"{name}, {where}: unexpected text on stderr\n{result.stderr}")
    print(f"{name}, {where}: passed")
    return comparable(result)


def compare(name, driver):
    native = run_sample(name, "native", f"--native={driver}")
    for transport in ("tcp", "unix", "shm"):
        with harness.Server(transport, driver) as server:
            remote = run_sample(name, transport, "--server", server.uri)
        if remote != native:
            sys.exit(f"{name}: native and {transport} differ:\n{native}\n{remote}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("names", nargs="+", metavar="NAME")
    options = parser.parse_args()
    missing = harness.gpu_missing() if options.driver == "gpu" else None
    if missing:
        print(f"SKIP: {missing}")
        sys.exit(harness.SKIPPED)
    for name in options.names:
        compare(name, options.driver)


if __name__ == "__main__":
    main()
