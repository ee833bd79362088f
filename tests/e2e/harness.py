"""What the end-to-end tests share: the commands of the build tree, a server to talk to, programs to run.

The build tree is in CRICKET_BUILD; CRICKET_TEST_PRELOAD is a sanitizer's runtime, which a program must load
before a sanitized library of ours. Nothing started here survives a test.
"""
import contextlib
import os
import queue
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

BUILD = os.path.abspath(os.environ.get("CRICKET_BUILD", "build"))
CRICKET = os.path.join(BUILD, "bin", "cricket")
SERVER = os.path.join(BUILD, "bin", "cricket-server")
SKIPPED = 77
START_SECONDS = 60
STOP_SECONDS = 20
LEFT_SECONDS = 2
RUN_SECONDS = 300


def sample(name):
    return os.path.join(BUILD, "samples", name)


def group_members(group):
    """The living processes of a group, as "PID NAME STATE". The dead that await their reaping do not count."""
    members = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                name, fields = file.read().rsplit(")", 1)
            state, _, its_group = fields.split()[:3]
            if int(its_group) == group and state not in "ZX":
                members.append(f"{name}) {state}")
    return members


def survivors(group, seconds):
    """Those of a group that are still there after a while: a sanitizer's leak check, which is a process of its own,
    may outlive the process that it checks by a moment."""
    for member in group_members(group):
        with contextlib.suppress(OSError):
            fd = os.pidfd_open(int(member.split()[0]))
            select.select([fd], [], [], seconds)
            os.close(fd)
    return group_members(group)


def end_group(process):
    """Kills what is left of the process's group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def environment(**changes):
    """This environment without Cricket's variables, with changes; a value of None removes the variable."""
    result = {name: value for name, value in os.environ.items() if not name.startswith("CRICKET_")}
    # The leak check guesses where a driver's threads have their variables, and dies of a wrong guess.
    result["ASAN_OPTIONS"] = ":".join(filter(None, ["intercept_tls_get_addr=0", result.get("ASAN_OPTIONS")]))
    for name, value in changes.items():
        result.pop(name, None)
        if value is not None:
            result[name] = value
    return result


def program_environment(**changes):
    preload = os.environ.get("CRICKET_TEST_PRELOAD")
    return environment(**{**({"LD_PRELOAD": preload} if preload else {}), **changes})


def run(*command, timeout=RUN_SECONDS, **changes):
    """Runs a command in a group of its own; changes are environment variables. Output is text."""
    process = subprocess.Popen(command, env=program_environment(**changes), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        end_group(process)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def cricket(*arguments, **keywords):
    return run(CRICKET, *arguments, **keywords)


class Server:
    """A cricket-server on a free port ("tcp", "vsock") or on a socket in a folder of its own ("unix", "shm"), as a context."""

    def __init__(self, transport="tcp", driver="cpu", arguments=(), program=SERVER, preload=None,
                 settings=None):
        self.folder = tempfile.TemporaryDirectory(prefix="cricket-test-")
        listen = {"tcp": "tcp://127.0.0.1:0", "vsock": "vsock://local:0"}.get(
            transport, f"{transport}://{self.folder.name}/socket")
        self.command = [program, "--listen", listen, "--driver", driver, "--log", "info", *arguments]
        self.preload = preload
        self.settings = settings or {}
        self.log = []
        self.uri = None
        self.found = queue.Queue()

    def __enter__(self):
        self.process = subprocess.Popen(self.command, env=environment(LD_PRELOAD=self.preload, **self.settings),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True)
        self.reader = threading.Thread(target=self.read_log)
        self.reader.start()
        try:
            self.uri = self.found.get(timeout=START_SECONDS)
        except queue.Empty:
            pass
        if self.uri is None:
            self.stop()
            raise AssertionError(f"{self.command} does not listen; its log:\n{self.text()}")
        return self

    def read_log(self):
        for line in self.process.stderr:
            self.log.append(line)
            match = re.search(r"listening on (\S+)", line)
            if match:
                self.found.put(match.group(1))
        self.found.put(None)

    def text(self):
        return "".join(self.log)

    def stop(self):
        """Ends the server as an administrator would and returns its exit status."""
        self.process.terminate()
        try:
            self.process.wait(timeout=STOP_SECONDS)
            left = survivors(self.process.pid, LEFT_SECONDS)
            if left:
                raise AssertionError(f"the server has left processes behind: {left}; its log:\n{self.text()}")
        finally:
            end_group(self.process)
            self.reader.join()
            self.process.stderr.close()
            self.folder.cleanup()
        return self.process.returncode

    def __exit__(self, kind, value, trace):
        status = self.stop()
        if kind is None:
            assert status == 0, f"the server ended with status {status}; its log:\n{self.text()}"
            assert not re.search("Sanitizer|runtime error", self.text()), self.text()


class Case(unittest.TestCase):
    def check(self, result, status=0):
        """The result, after checking its exit status."""
        self.assertEqual(result.returncode, status, f"{result.args}\n{result.stdout}\n{result.stderr}")
        return result

    def line(self, result, pattern, stream="stderr"):
        """The only line of the output, which must match pattern."""
        text = getattr(result, stream)
        self.assertEqual(len(text.splitlines()), 1, text)
        self.assertRegex(text, pattern)


def gpu_missing():
    """Why there is no GPU to test with, or None."""
    result = cricket("devices", "--native=gpu")
    return result.stderr.strip() if result.returncode else None


def vsock_missing():
    """Why this machine cannot connect to itself over vsock, or None."""
    try:
        with socket.socket(socket.AF_VSOCK) as listener, socket.socket(socket.AF_VSOCK) as client:
            listener.bind((1, socket.VMADDR_PORT_ANY))  # VMADDR_CID_LOCAL
            listener.listen()
            client.settimeout(10)
            client.connect(listener.getsockname())
    except OSError as why:
        return f"no vsock on this machine: {why}"
    return None


def main():
    """Runs the tests of the calling file; an argument chooses among them."""
    unittest.main(module="__main__", verbosity=2, argv=sys.argv)
