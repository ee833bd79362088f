#!/usr/bin/env python3
"""faults.py PROGRAM: records a session of PROGRAM with a live cricket-server, then replays it with faults."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness


def run(*command, **changes):
    result = harness.run(*command, **changes)
    print(result.stdout)
    if result.returncode:
        sys.exit(f"{command}: exit status {result.returncode}\n{result.stderr}")


def main():
    program, = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="cricket-test-") as folder:
        said = os.path.join(folder, "said")
        with harness.Server() as server:
            run(program, "record", said, CRICKET_SERVER=server.uri)
        run(program, "replay", said)


if __name__ == "__main__":
    main()
