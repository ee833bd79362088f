#!/usr/bin/env python3
"""Runs a program on the CPU device itself, and over servers on it: all must find the same.

    run.py PROGRAM"""
import json
import os
import sys
import tempfile

import harness

PROGRAM = sys.argv.pop(1)
# What the device is to be.
DEVICE = {"CRICKET_CPU_CC": "9.0"} if PROGRAM.endswith("driver_clusters") else {}


class Driver(harness.Case):
    def program(self, *arguments, **changes):
        # The program forks no children for its tests: CUDA does not survive a fork.
        result = harness.cricket("run", *arguments, "--", PROGRAM, CK_FORK="no", CRICKET_LOG="error", **changes)
        if result.returncode == harness.SKIPPED:
            self.skipTest(result.stdout.strip())
        self.check(result)

    def test_native(self):
        self.program("--native=cpu", **DEVICE)

    def over(self, transport, **changes):
        with harness.Server(transport, settings=DEVICE) as server:
            self.program("--server", server.uri, **changes)

    def test_tcp(self):
        self.over("tcp")

    def test_what_is_known_is_not_asked_again(self):
        """Only for the program that asks again and again."""
        if not PROGRAM.endswith("driver_idle"):
            self.skipTest("asks for nothing twice")
        with harness.Server() as server, tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "statistics")
            self.program("--server", server.uri, CRICKET_STATS=path)
            with open(path, encoding="utf-8") as file:
                functions = json.load(file)["functions"]
        for name in ("cuStreamQuery", "cuStreamSynchronize", "cuEventQuery", "cuEventSynchronize"):
            self.assertGreater(functions[f"{name} (local)"]["calls"], 190)
            self.assertLess(functions[name]["calls"], 20)

    def test_shared_memory(self):
        self.over("shm")

    def test_every_call_waits(self):
        self.over("unix", CRICKET_SYNC="1")


harness.main()
