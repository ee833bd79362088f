"""The stress program over a transport, with or without disturbed sockets, and natively.

usage: stress.py tcp|unix|shm|vsock|native|tcp-short|unix-short|shm-short ROUNDS"""

import os
import sys

import harness

TRANSPORT, ROUNDS = sys.argv.pop(1), sys.argv.pop(1)
STRESS = os.path.join(harness.BUILD, "tests", "stress_program")
SHORT_IO = os.path.join(harness.BUILD, "tests", "libshort_io.so")


class Stress(harness.Case):
    def stress(self, *how, **changes):
        for threads, streams, seed in ((8, 3, 1), (3, 8, 2), (1, 1, 3)):
            result = harness.cricket("run", *how, "--", STRESS, str(threads), str(streams), ROUNDS, str(seed), **changes)
            self.assertIn("all values right", self.check(result).stdout)

    def test_order(self):
        transport, _, short = TRANSPORT.partition("-")
        if transport == "native":
            return self.stress("--native=cpu")
        why = harness.vsock_missing() if transport == "vsock" else None
        if why:
            print(f"SKIP: {why}", flush=True)
            os._exit(harness.SKIPPED)
        # In the smallest rings everything is cut up, too.
        changes = {"CRICKET_SHM_BYTES": "0" if transport == "unix" else "4096" if short else None}
        if short:
            changes["CRICKET_TEST_SEED"] = "7"
            changes["LD_PRELOAD"] = ":".join(filter(None, [os.environ.get("CRICKET_TEST_PRELOAD"), SHORT_IO]))
        preload = changes.get("LD_PRELOAD")
        with harness.Server(transport, preload=preload) as server:
            self.stress("--server", server.uri, **changes)
        return None


harness.main()
