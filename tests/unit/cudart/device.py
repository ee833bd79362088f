#!/usr/bin/env python3
"""device.py [--driver cpu|gpu] PROGRAM...: runs programs that check themselves, natively and through a server."""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "e2e"))
import harness  # noqa: E402


def run(program, where, *options):
    result = harness.cricket("run", *options, "--", program)
    if result.returncode != 0 or "Result = PASS" not in result.stdout.splitlines():
        sys.exit(f"{program}, {where}: exit status {result.returncode}\n{result.stdout}\n{result.stderr}")
    print(f"{program}, {where}: passed")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--driver", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("programs", nargs="+", metavar="PROGRAM")
    options = parser.parse_args()
    missing = harness.gpu_missing() if options.driver == "gpu" else None
    if missing:
        print(f"SKIP: {missing}")
        sys.exit(harness.SKIPPED)
    for program in options.programs:
        run(program, "native", f"--native={options.driver}")
        with harness.Server("unix", options.driver) as server:
            run(program, "remote", "--server", server.uri)


if __name__ == "__main__":
    main()
