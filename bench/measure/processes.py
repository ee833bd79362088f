"""Programs that run for the benchmarks: servers that say where they listen, programs that take commands.

Each runs in a process group of its own, which is gone when its `with` block ends.
"""
import contextlib
import os
import re
import select
import signal
import subprocess
import tempfile
import time

START_SECONDS = 30
ANSWER_SECONDS = 120
STOP_SECONDS = 10


class Failed(Exception):
    """A program did not do what a measurement needs."""


def clean_environment(**changes):
    """This environment without Cricket's variables, with changes."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CRICKET_")}
    return {**kept, **changes}


class Process:
    """A child with pipes, as a context; what it says on stderr is kept for messages."""

    def __init__(self, command, **environment):
        self.command = [str(word) for word in command]
        self.environment = clean_environment(**environment)
        self.errors = None
        self.child = None

    def __enter__(self):
        self.errors = tempfile.TemporaryFile("w+")
        self.child = subprocess.Popen(self.command, env=self.environment, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=self.errors, text=True, bufsize=1,
                                      start_new_session=True)
        return self

    def __exit__(self, kind, value, trace):
        with contextlib.suppress(BrokenPipeError):
            self.child.stdin.close()
        self.stop()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait()
        self.child.stdout.close()
        self.errors.close()

    def stop(self):
        """Lets the child end by itself: its input has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(STOP_SECONDS)

    def failed(self, what):
        self.errors.seek(0)
        return Failed(f"{' '.join(self.command)}: {what}\n{self.errors.read()}")

    def line(self, seconds):
        """The next line of output."""
        ready, _, _ = select.select([self.child.stdout], [], [], seconds)
        text = self.child.stdout.readline() if ready else None
        if not text:
            raise self.failed("no answer" if text is None else "ended early")
        return text


class Worker(Process):
    """A program that measures when asked (programs/commands.h)."""

    def ask(self, *words):
        """The results of one measurement, in seconds unless the program says otherwise."""
        try:
            self.child.stdin.write(" ".join(map(str, words)) + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise self.failed("ended early") from None
        return [float(word) for word in self.line(ANSWER_SECONDS).split()]


class Listener(Process):
    """A program that says on its standard output where it listens, and ends with SIGTERM."""

    def __enter__(self):
        super().__enter__()
        try:
            self.uri = self.find_address()
        except Failed:
            super().__exit__(None, None, None)
            raise
        return self

    def find_address(self):
        return self.match(self.line(START_SECONDS))

    def match(self, text):
        found = re.search(r"listening on (\S+)", text)
        if not found:
            raise self.failed(f"no address in '{text.strip()}'")
        return found.group(1)

    def stop(self):
        self.child.terminate()
        super().stop()


class Server(Listener):
    """A cricket-server, which tells its address in its log."""

    def find_address(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and self.child.poll() is None:
            text = os.pread(self.errors.fileno(), 1 << 16, 0).decode()
            if "listening on " in text:
                return self.match(text)
            time.sleep(0.01)
        raise self.failed("does not listen")


def run(command, **environment):
    """Runs a program to its end; its output and the seconds that it took."""
    start = time.monotonic()
    result = subprocess.run([str(word) for word in command], env=clean_environment(**environment),
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=ANSWER_SECONDS)
    seconds = time.monotonic() - start
    if result.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}: exit status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout, seconds


def descendants(pid):
    """The process and all that it has started, and they."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
            children.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def place(process, processor):
    """Lets all threads of a Process and of what it has started run on one processor only."""
    for pid in descendants(process.child.pid):
        with contextlib.suppress(OSError):
            for thread in os.listdir(f"/proc/{pid}/task"):
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setaffinity(int(thread), {processor})
