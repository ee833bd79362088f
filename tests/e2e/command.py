#!/usr/bin/env python3
"""The `cricket` command by itself: no server is needed for what is tested here."""
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

import harness
from harness import cricket, sample

STATIC = sample("variants/vectorAdd-static")


class Usage(harness.Case):
    def test_help(self):
        for command in ([], ["run"], ["devices"], ["ping"]):
            result = self.check(cricket(*command, "--help"))
            self.assertRegex(result.stdout, "^Usage: cricket")
            self.assertEqual(result.stderr, "")

    def test_version(self):
        self.line(self.check(cricket("--version")), r"^cricket \d+\.\d+\.\d+$", "stdout")

    def test_wrong_usage_is_one_line_and_status_2(self):
        wrong = [
            [], ["nonsense"], ["run"], ["run", "--nonsense"], ["run", "--server"], ["run", "--"],
            ["run", "--server", "tcp://127.0.0.1:1", "--native", "--", "true"],
            ["run", "--native", "--stats", "--", "true"], ["run", "--native", "--trace", "x", "--", "true"],
            ["run", "--native=tpu", "--", "true"],
            ["run", "--server", "http://127.0.0.1", "--", "true"], ["run", "--server", "unix://", "--", "true"],
            ["run", "--server", "tcp://127.0.0.1:99999", "--", "true"],
            ["devices", "extra"], ["devices", "--server", "x", "--native"], ["ping", "--count", "0"],
            ["ping", "--count", "ten"], ["ping", "--server", "nowhere"],
        ]
        for arguments in wrong:
            with self.subTest(arguments=arguments):
                self.line(self.check(cricket(*arguments), 2), "^cricket: ")


class Programs(harness.Case):
    """What `cricket run` finds out before it starts a program, and how it ends."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="cricket-test-")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name, content=None, mode=0o755):
        path = os.path.join(self.folder, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
            os.chmod(path, mode)
        return path

    def test_missing_program(self):
        self.line(self.check(cricket("run", "--", "/nonexistent/program"), 127), "/nonexistent/program")
        self.line(self.check(cricket("run", "--", "no-such-program-in-path"), 127), "no-such-program-in-path")

    def test_not_executable(self):
        self.line(self.check(cricket("run", "--", self.folder), 126), "Is a directory")
        garbage = self.path("garbage", b"\x7fELF garbage")
        for options in ([], ["--stats"]):
            result = self.check(cricket("run", *options, "--", garbage), 126)
            self.line(result, "garbage.*Exec format error")

    @unittest.skipIf(os.geteuid() == 0, "root may read and execute everything")
    def test_no_permission(self):
        plain = self.path("plain", b"text", stat.S_IRUSR)
        self.line(self.check(cricket("run", "--", plain), 126), "Permission denied")

    def test_static_runtime_is_named(self):
        stripped = self.path("stripped")
        subprocess.run(["strip", "-o", stripped, STATIC], check=True)
        for program in (STATIC, stripped):
            self.line(self.check(cricket("run", "--", program), 1), "static CUDA runtime.*-cudart shared")

    def test_shared_runtime_is_accepted_when_stripped(self):
        stripped = self.path("stripped")
        subprocess.run(["strip", "-o", stripped, sample("vectorAdd")], check=True)
        self.check(cricket("run", "--native=cpu", "--", stripped, "--help"))

    def test_exit_status_is_the_programs(self):
        for options in ([], ["--stats"], ["--native=cpu"]):
            self.check(cricket("run", *options, "--", "sh", "-c", "exit 7"), 7)
            self.check(cricket("run", *options, "--", "sh", "-c", "kill -KILL $$"), -signal.SIGKILL)

    def test_stats_of_a_program_without_cuda(self):
        self.line(self.check(cricket("run", "--stats", "--", "true")), "left no statistics")

    def test_damaged_stats_are_reported(self):
        for text in ("{", "[]", "nonsense"):
            result = self.check(cricket("run", "--stats", "--", "sh", "-c", f"echo '{text}' > $CRICKET_STATS"))
            self.line(result, "damaged")

    def test_stats_with_missing_fields(self):
        script = "echo '{\"calls\":{\"sync\":3},\"functions\":{\"cuInit\":{}}}' > $CRICKET_STATS"
        result = self.check(cricket("run", "--stats", "--", "sh", "-c", script))
        self.assertIn("3 sync", result.stderr)

    def test_signals_reach_the_program(self):
        script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"
        process = subprocess.Popen([harness.CRICKET, "run", "--stats", "--", "sh", "-c", script],
                                   env=harness.program_environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL, text=True, start_new_session=True)
        try:
            self.assertEqual(process.stdout.readline(), "ready\n")
            process.terminate()
            self.assertEqual(process.wait(timeout=20), 9)
        finally:
            harness.end_group(process)
            process.stdout.close()

    def test_nested_run_replaces_the_outer_libraries(self):
        script = f"'{harness.CRICKET}' run --native=cpu -- sh -c 'echo \"$LD_PRELOAD\"'"
        preload = self.check(cricket("run", "--", "sh", "-c", script)).stdout.strip().split(":")
        lib = f"{harness.BUILD}/lib"
        self.assertEqual(preload[-2:], [f"{lib}/libcudart.so.13", f"{lib}/cpu/libcuda.so.1"])
        self.assertEqual(len(preload), len(set(preload)))
        self.assertFalse([entry for entry in preload if "/remote/" in entry])

    def test_environment_of_the_program(self):
        script = "echo $CRICKET_SERVER; echo $CRICKET_TRACE; echo $LD_LIBRARY_PATH"
        result = self.check(cricket("run", "--server", "unix:///s", "--trace", "t", "--", "sh", "-c", script,
                                    LD_LIBRARY_PATH="/elsewhere"))
        lib = f"{harness.BUILD}/lib"
        self.assertEqual(result.stdout.splitlines(),
                         ["unix:///s", f"{os.getcwd()}/t", f"{lib}:{lib}/remote:/elsewhere"])


class NoServer(harness.Case):
    """A port where nobody listens: bound, so that nobody else takes it, but without a listener."""

    def setUp(self):
        self.socket = socket.socket()
        self.addCleanup(self.socket.close)
        self.socket.bind(("127.0.0.1", 0))
        self.uri = f"tcp://127.0.0.1:{self.socket.getsockname()[1]}"

    def test_ping_and_devices(self):
        self.line(self.check(cricket("ping", "--server", self.uri), 1), re.escape(self.uri))
        result = self.check(cricket("devices", "--server", self.uri), 1)
        self.assertIn(self.uri, result.stderr)

    def test_program_gets_an_error(self):
        result = self.check(cricket("run", "--server", self.uri, "--", sample("vectorAdd"), timeout=60), 1)
        self.assertIn("Result = FAIL", result.stdout)
        self.assertRegex(result.stderr, r"cudaMalloc.*\(cudaError")

    def test_the_log_says_what_to_do(self):
        result = cricket("run", "--server", self.uri, "--", sample("vectorAdd"), timeout=60)
        self.assertIn(self.uri, result.stderr)

    def test_ping_of_somebody_else(self):
        """Something that accepts and hangs up, as no cricket-server does."""
        self.socket.listen()
        process = subprocess.Popen([harness.CRICKET, "ping", "--server", self.uri], env=harness.program_environment(),
                                   stderr=subprocess.PIPE, text=True, start_new_session=True)
        try:
            self.socket.accept()[0].close()
            text = process.communicate(timeout=20)[1]
        finally:
            harness.end_group(process)
        self.assertEqual(process.returncode, 1)
        self.assertRegex(text, f"^cricket: ping: {re.escape(self.uri)}")


if __name__ == "__main__":
    harness.main()
