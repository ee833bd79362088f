#!/usr/bin/env python3
"""The test of loading and linking (tests/jit) through a server: options, logs and errors are those of a local driver."""
import os
import sys

import harness


def main():
    program = os.path.join(harness.BUILD, "tests", "test_jit")
    for transport in ("tcp", "shm"):
        with harness.Server(transport) as server:
            result = harness.cricket("run", "--server", server.uri, "--", program, CK_DEFAULT_TIMEOUT="60",
                                     CRICKET_LOG="none")
        print(f"{transport}: {result.stdout}")
        if result.returncode != 0 or "100%" not in result.stdout:
            sys.exit(f"{transport}: exit status {result.returncode}\n{result.stderr}")


if __name__ == "__main__":
    main()
