"""CUDA programs on the remote libcuda: killed ones, one whose server is killed, one that faults beside another.

    programs.py fake|cpu|gpu     the driver that the server uses"""
import json
import os
import signal
import subprocess
import sys
import tempfile
import unittest

from rpc import *  # noqa: F403 (the test's vocabulary)

BUILD = os.environ["CRICKET_BUILD"]
DRIVER = sys.argv.pop(1)
DRIVER_OPTION = {"fake": os.environ["CRICKET_FAKE_DRIVER"]}.get(DRIVER, DRIVER)
REMOTE = os.path.join(BUILD, "lib", "remote", "libcuda.so.1")
ILLEGAL_ADDRESS = 700
NOTICE_SECONDS = 2


class ProgramTest(unittest.TestCase):
    listen = "tcp://127.0.0.1:0"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.server = Server(driver=DRIVER_OPTION, listen=self.listen.format(folder=folder.name))
        self.addCleanup(self.server.stop)

    def start(self, which, server=None, **environment):
        program = subprocess.Popen(
            [os.path.join(BUILD, "tests", "fault_program"), which], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, env=dict(os.environ, CRICKET_SERVER=(server or self.server).uri,
                                LD_LIBRARY_PATH=os.path.join(BUILD, "lib", "remote"), **environment))
        self.addCleanup(self.reap, program)
        return program

    def reap(self, program):
        program.kill()
        program.communicate()

    def ready(self, which):
        program = self.start(which)
        self.assertEqual(program.stdout.readline(), "ready\n")
        return program


class Killed(ProgramTest):
    def test_a_killed_client_frees_its_session(self):
        programs = [self.ready("copy") for _ in range(2)]
        self.assertEqual(len(self.server.children()), 2)
        programs[0].kill()
        self.assertTrue(self.server.wait_children(1, timeout=NOTICE_SECONDS))
        self.assertIsNone(programs[1].poll())

    def test_a_killed_session_is_an_error_for_its_client(self):
        program = self.ready("copy")
        os.kill(self.server.children()[0], signal.SIGKILL)
        self.check_lost(program)
        self.ready("copy")

    def test_a_killed_server_is_an_error_for_its_clients(self):
        programs = [self.ready("copy") for _ in range(2)]
        self.server.stop(signal.SIGKILL)
        for program in programs:
            self.check_lost(program)

    def check_lost(self, program):
        output, _ = program.communicate(timeout=NOTICE_SECONDS)
        self.assertRegex(output, "^error [0-9]+ CUDA_ERROR_")
        self.assertEqual(program.returncode, 3)


@unittest.skipIf(DRIVER == "fake", "the fake driver calls no host functions")
class HostFunction(ProgramTest):
    """A stream of the server waits for a function of the client."""

    def test_a_killed_client_releases_the_stream(self):
        program = self.ready("host")
        program.kill()
        self.assertTrue(self.server.wait_children(0, timeout=NOTICE_SECONDS))

    def test_a_killed_session_is_an_error_for_its_client(self):
        program = self.ready("host")
        os.kill(self.server.children()[0], signal.SIGKILL)
        output, _ = program.communicate(timeout=NOTICE_SECONDS)
        self.assertRegex(output, "^error [0-9]+ CUDA_ERROR_")


class Forked(ProgramTest):
    def test_a_child_has_no_cuda_and_reports_no_calls(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "statistics")
            program = self.start("forked", CRICKET_STATS=path)
            self.assertEqual(program.communicate(timeout=TIMEOUT)[0], "fine\n")
            with open(path, encoding="utf-8") as file:
                calls = json.load(file)["functions"]
        self.assertEqual(calls["cuCtxSynchronize"]["calls"], 1)


class KilledOverSharedMemory(Killed):
    listen = "shm://{folder}/socket"


@unittest.skipIf(DRIVER == "fake", "the fake driver executes nothing")
class Faulting(ProgramTest):
    def test_a_fault_concerns_its_own_session_only(self):
        bystander = self.ready("compute")
        for _ in range(3):
            culprit = self.start("fault")
            output, _ = culprit.communicate(timeout=TIMEOUT)
            self.assertRegex(output, f"^ready\nerror {ILLEGAL_ADDRESS} ")
            bystander.stdin.write("x" * 10)
            bystander.stdin.flush()
        output, _ = bystander.communicate(timeout=TIMEOUT)
        self.assertEqual((output, bystander.returncode), ("fine\n", 0))


@unittest.skipIf(DRIVER == "fake", "the fake driver executes nothing")
class Chained(ProgramTest):
    """The remote libcuda is a driver like any other, so a server can pass calls on to another server."""

    def test_a_server_on_a_server(self):
        with Server(driver=REMOTE, environment={"CRICKET_SERVER": self.server.uri}) as relay:
            program = self.start("compute", relay)
            output, _ = program.communicate("xxx", timeout=TIMEOUT)
            self.assertEqual((output, program.returncode), ("ready\nfine\n", 0))

    def test_auto_does_not_take_the_remote_libcuda_for_the_systems(self):
        variables = {"CRICKET_SERVER": self.server.uri, "LD_LIBRARY_PATH": os.path.dirname(REMOTE)}
        with Server(driver="auto", environment=variables) as server:
            self.assertNotIn("/remote/", server.wait_log(r"driver: ([^(]+)").group(1))


def main():
    if DRIVER == "cpu" and not os.path.exists(os.path.join(BUILD, "lib", "cpu", "libcuda.so.1")):
        print("SKIP: the CPU device is not built")
        return 77
    if DRIVER == "gpu":
        try:
            Server(driver="gpu").stop()
        except AssertionError as why:
            print(f"SKIP: no GPU: {why}")
            return 77
    unittest.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
