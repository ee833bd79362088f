#!/usr/bin/env python3
"""programs.py COMMAND...: runs a program with libcricket.a in it against a live cricket-server, whose address is its last
argument."""
import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness


def main():
    command = sys.argv[1:]
    if not shutil.which(command[0]):
        print(f"SKIP: there is no {command[0]}")
        sys.exit(harness.SKIPPED)
    with harness.Server() as server:
        result = harness.run(*command, server.uri, timeout=100)
    if result.returncode or result.stderr:
        sys.exit(f"{command}: exit status {result.returncode}\n{result.stdout}\n{result.stderr}")


if __name__ == "__main__":
    main()
