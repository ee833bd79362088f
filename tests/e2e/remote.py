#!/usr/bin/env python3
"""Programs and commands against a server: statistics, round trips, tokens, traces."""
import json
import os
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

import harness
from harness import cricket, sample

TINY = ["--wa", "32", "--ha", "32", "--wb", "32", "--hb", "32"]
SYNC_LIMIT = 8


class Remote(harness.Case):
    def setUp(self):
        self.server = harness.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        folder = tempfile.TemporaryDirectory(prefix="cricket-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def statistics(self, launches):
        path = os.path.join(self.folder, f"stats-{launches}")
        self.check(cricket("run", "--server", self.server.uri, "--", sample("matrixMul"), *TINY, "--iterations",
                           str(launches), CRICKET_STATS=path))
        with open(path, encoding="utf-8") as file:
            return json.load(file)

    def test_statistics_are_complete(self):
        stats = self.statistics(10)
        self.assertEqual(set(stats), {"calls", "bytes", "wait_seconds", "functions"})
        self.assertEqual(set(stats["calls"]), {"async", "deferred", "sync", "local"})
        self.assertEqual(set(stats["bytes"]), {"sent", "received"})
        self.assertGreater(stats["bytes"]["sent"], 2 * 32 * 32 * 4)
        self.assertGreater(stats["bytes"]["received"], 32 * 32 * 4)
        self.assertGreaterEqual(stats["wait_seconds"], 0)
        self.assertEqual(stats["functions"]["cuLaunchKernel"], {"class": "async", "calls": 11})
        for kind, calls in stats["calls"].items():
            rows = [row["calls"] for row in stats["functions"].values() if row["class"] == kind]
            self.assertEqual(sum(rows), calls, kind)

    def test_launches_cost_no_round_trip(self):
        few, many = self.statistics(300)["calls"], self.statistics(3000)["calls"]
        self.assertLessEqual(few["sync"], SYNC_LIMIT)
        self.assertEqual(few["sync"], many["sync"])
        self.assertEqual(few["deferred"], many["deferred"])
        self.assertEqual(many["async"] - few["async"], 2700)

    def test_summary(self):
        result = self.check(cricket("run", "--server", self.server.uri, "--stats", "--", sample("matrixMul"), *TINY,
                                    "--iterations", "5"))
        self.assertRegex(result.stderr, r"cricket: calls: \d+ async, \d+ deferred, \d+ sync, \d+ local")
        self.assertRegex(result.stderr, r"cuLaunchKernel +async +6\n")

    def test_summary_of_a_program_in_a_script(self):
        """The shell has the libraries too; at its end it must not overwrite what the program left."""
        script = f"'{sample('vectorAdd')}' --elements 1000; exit $?"
        result = self.check(cricket("run", "--server", self.server.uri, "--stats", "--", "sh", "-c", script))
        self.assertRegex(result.stderr, r"cuLaunchKernel +async +1\n")

    def test_sync_mode(self):
        """CRICKET_SYNC=1 makes each call wait, and changes no result."""
        path = os.path.join(self.folder, "stats")
        self.check(cricket("run", "--server", self.server.uri, "--", sample("matrixMul"), *TINY, "--iterations", "50",
                           CRICKET_SYNC="1", CRICKET_STATS=path))
        with open(path, encoding="utf-8") as file:
            self.assertGreater(json.load(file)["calls"]["sync"], 50)

    def test_trace(self):
        path = os.path.join(self.folder, "trace")
        self.check(cricket("run", "--server", self.server.uri, "--trace", path, "--", sample("vectorAdd"),
                           "--elements", "1000"))
        with open(path, encoding="utf-8") as file:
            self.assertIn("cuLaunchKernel", file.read())

    def test_devices(self):
        result = self.check(cricket("devices", "--server", self.server.uri))
        lines = result.stdout.splitlines()
        self.assertRegex(lines[0], re.escape(self.server.uri) + r": CUDA \d+\.\d+, 1 device$")
        self.assertRegex(lines[1], r"^0: .+, compute capability \d+\.\d+, .+ GiB, \d+ multiprocessors$")
        native = self.check(cricket("devices", "--native=cpu"))
        self.assertEqual(native.stdout.splitlines()[1:], lines[1:])

    def test_ping(self):
        result = self.check(cricket("ping", "--server", self.server.uri, "--count", "50"))
        numbers = [float(text) for text in re.findall(r"(?:min|p50|p90|p99|max) ([\d.]+)", result.stdout)]
        self.assertEqual(len(numbers), 5, result.stdout)
        self.assertEqual(numbers, sorted(numbers))


class OverUnixSocket(harness.Case):
    def test_ping_and_devices(self):
        for transport in ("unix", "shm"):
            with self.subTest(transport=transport), harness.Server(transport) as server:
                self.check(cricket("ping", "--server", server.uri, "--count", "5"))
                self.check(cricket("devices", "--server", server.uri))

    def test_without_shared_memory(self):
        with harness.Server("shm") as server:
            result = self.check(cricket("ping", "--server", server.uri, CRICKET_SHM_BYTES="0"), 1)
            self.line(result, "CRICKET_SHM_BYTES")
            self.check(cricket("ping", "--server", server.uri.replace("shm:", "unix:"), CRICKET_SHM_BYTES="0"))

    def test_small_rings(self):
        """Records and copies that are much larger than a ring."""
        with harness.Server("shm") as server:
            self.check(cricket("run", "--server", server.uri, "--", sample("asyncStreams"), CRICKET_SHM_BYTES="4096"))


class Warm(harness.Case):
    def warm_sessions(self, server, count):
        """The pids of the server's processes, once there are `count`."""
        children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
        deadline = time.monotonic() + harness.START_SECONDS
        while time.monotonic() < deadline:
            with open(children, encoding="ascii") as file:
                pids = [int(pid) for pid in file.read().split()]
            if len(pids) == count:
                return pids
            select.select([], [], [], 0.01)
        self.fail(f"there are {pids}, not {count}")

    def test_sessions_are_ready_and_replaced(self):
        with harness.Server("tcp", arguments=["--warm", "2"]) as server:
            first = self.warm_sessions(server, 2)
            for _ in range(4):
                self.check(cricket("run", "--server", server.uri, "--", sample("vectorAdd")))
            self.assertFalse(set(first) & set(self.warm_sessions(server, 2)))

    def test_a_dead_one_is_replaced(self):
        with harness.Server("tcp", arguments=["--warm", "1"]) as server:
            os.kill(self.warm_sessions(server, 1)[0], signal.SIGKILL)
            self.warm_sessions(server, 0)
            self.check(cricket("run", "--server", server.uri, "--", sample("vectorAdd")))
            self.warm_sessions(server, 1)

    def test_the_limit_of_sessions_holds(self):
        with harness.Server("tcp", arguments=["--warm", "2", "--max-sessions", "1"]) as server:
            self.warm_sessions(server, 2)
            with socket.create_connection(server.uri[len("tcp://"):].split(":")):
                self.warm_sessions(server, 3)
                result = self.check(cricket("devices", "--server", server.uri), 1)
                self.assertIn("--max-sessions", result.stderr)


class OverVsock(harness.Case):
    def test_session(self):
        why = harness.vsock_missing()
        if why:
            self.skipTest(why)
        with harness.Server("vsock") as server:
            self.check(cricket("ping", "--server", server.uri, "--count", "5"))
            self.check(cricket("run", "--server", server.uri, "--", sample("vectorAdd")))


class Installed(harness.Case):
    """Both commands find what they need in an installation, wherever it is."""

    def test_installation(self):
        with tempfile.TemporaryDirectory(prefix="cricket-test-") as prefix:
            subprocess.run(["cmake", "--install", harness.BUILD, "--prefix", prefix], check=True,
                           stdout=subprocess.DEVNULL)
            command, program = os.path.join(prefix, "bin", "cricket"), os.path.join(prefix, "bin", "cricket-server")
            self.check(harness.run(command, "run", "--native=cpu", "--", sample("vectorAdd"), "--elements", "1000"))
            with harness.Server(program=program) as server:
                self.assertIn(prefix, server.text())
                self.check(harness.run(command, "run", "--server", server.uri, "--", sample("vectorAdd"), "--elements",
                                       "1000"))


class Token(harness.Case):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="cricket-test-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def token(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)
        return path

    def vector_add(self, server, **changes):
        return cricket("run", "--server", server.uri, "--", sample("vectorAdd"), "--elements", "1000", timeout=60,
                       **changes)

    def test_only_the_right_token_is_served(self):
        right, wrong = self.token("right", "open sesame\n"), self.token("wrong", "open barley\n")
        with harness.Server(arguments=("--token-file", right)) as server:
            self.check(self.vector_add(server, CRICKET_TOKEN_FILE=right))
            for token in (wrong, None):
                result = self.check(self.vector_add(server, CRICKET_TOKEN_FILE=token), 1)
                self.assertIn("Result = FAIL", result.stdout)
                self.assertRegex(result.stderr, "(?i)token")
            self.check(cricket("ping", "--server", server.uri, "--count", "3"))
            self.check(self.vector_add(server, CRICKET_TOKEN_FILE=right))

    def test_missing_token_file(self):
        with harness.Server() as server:
            result = self.check(self.vector_add(server, CRICKET_TOKEN_FILE=os.path.join(self.folder, "none")), 1)
            self.assertRegex(result.stderr, "none")


if __name__ == "__main__":
    harness.main()
