#!/usr/bin/env python3
"""What a program may expect of device memory holds natively and remotely, where the client gives it out."""
import json
import os
import tempfile

import harness
from harness import cricket

PROGRAM = os.path.join(harness.BUILD, "tests", "memory_program")
SMALL_DEVICE = {"CRICKET_CPU_MEMORY": "64M"}
FAULTS = ("overrun", "overrun_large", "after_free", "after_free_large", "read_only")
OTHERS = ("shuffle", "contexts", "pitched", "virtual_memory", "pools")


class Parts(harness.Case):
    where = ["--native=cpu"]

    def part(self, name, **changes):
        result = self.check(cricket("run", *self.where, "--", PROGRAM, name, CRICKET_LOG="none", **changes))
        self.assertEqual(result.stdout, "fine\n")

    def test_memory_runs_out_at_the_call(self):
        self.part("exhaust", **SMALL_DEVICE)

    def test_wrong_addresses_fault(self):
        for name in FAULTS:
            with self.subTest(name):
                self.part(name)

    def test_others(self):
        for name in OTHERS:
            with self.subTest(name):
                self.part(name)


class Remote(Parts):
    def setUp(self):
        self.server = harness.Server(settings=SMALL_DEVICE)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.where = ["--server", self.server.uri]


class Synchronous(Remote):
    """Every call waited for: each has its own error."""

    def part(self, name, **changes):
        super().part(name, CRICKET_SYNC="1", **changes)


class InAdvance(harness.Case):
    def test_small_allocations_wait_for_nothing(self):
        with harness.Server() as server, tempfile.TemporaryDirectory(prefix="cricket-test-") as folder:
            path = os.path.join(folder, "stats")
            self.check(cricket("run", "--server", server.uri, "--", PROGRAM, "contexts", CRICKET_STATS=path))
            with open(path, encoding="utf-8") as file:
                functions = json.load(file)["functions"]
        self.assertEqual(functions["cricketMemoryAlloc"], {"class": "async", "calls": 8 * 20})
        self.assertNotIn("cricketMemoryAllocMore", functions)
        self.assertNotIn("cuMemAlloc_v2", functions)


if __name__ == "__main__":
    harness.main()
