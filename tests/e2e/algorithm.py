#!/usr/bin/env python3
"""algorithm.py PROGRAM: runs a program of tests/algorithms on the CPU device, natively."""
import os
import sys

import harness


def main():
    program = sys.argv[1]
    if not os.path.exists(program):
        print(f"SKIP: {program} has not been built (ninja algorithms_slow)")
        return 77
    result = harness.cricket("run", "--native=cpu", "--", program)
    print(result.stdout, result.stderr, sep="")
    return 0 if result.returncode == 0 and "Result = PASS" in result.stdout.splitlines() else 1


if __name__ == "__main__":
    sys.exit(main())
