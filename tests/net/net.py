#!/usr/bin/env python3
"""Samples with a network between them and their server, and the emulated network itself (bench/delay_proxy).

What is expected of time are lower bounds, which hold on a busy machine, and upper ones far above what is needed.
"""
import os
import random
import re
import socket
import subprocess
import threading
import time

import harness
import samples
from harness import cricket, sample

PROXY = os.path.join(harness.BUILD, "bench", "delay_proxy")
MEBI = 1 << 20


class Proxy:
    """A delay_proxy to the server at `uri`, as a context; own address in `self.uri`."""

    def __init__(self, uri, *options):
        self.command = [PROXY, "--connect", uri, *options]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        start_new_session=True)
        found = re.match(r"listening on (\S+)\n", self.process.stdout.readline())
        if not found:
            harness.end_group(self.process)
            raise AssertionError(f"{self.command} does not listen")
        self.uri = found.group(1)
        return self

    def address(self):
        host, port = self.uri[len("tcp://"):].rsplit(":", 1)
        return host, int(port)

    def peak_memory(self):
        """In bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as file:
            return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", file.read()).group(1))

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        try:
            status = self.process.wait(timeout=harness.STOP_SECONDS)
        finally:
            harness.end_group(self.process)
            self.process.stdout.close()
        assert kind is not None or status == 0, f"delay_proxy ended with status {status}"


class Network(harness.Case):
    def run_samples(self, names, *options, transport="tcp"):
        """Each must give the same result as without a server."""
        with harness.Server(transport) as server, Proxy(server.uri, *options) as proxy:
            for name in names:
                with self.subTest(sample=name):
                    far, native = (self.run_sample(name, *where)
                                   for where in (("--server", proxy.uri), ("--native=cpu",)))
                    self.assertEqual(far, native)

    def run_sample(self, name, *where):
        result = self.check(cricket("run", *where, "--", sample(name), *samples.arguments_of(name)))
        self.assertIn("Result = PASS", result.stdout.splitlines())
        return samples.comparable(result)


class Delay(Network):
    def test_samples(self):
        self.run_samples(["deviceQuery", "vectorAdd", "matrixMulDrv", "histogram", "reduction", "asyncStreams"],
                         "--delay-ms", "1")

    def test_unix_server(self):
        self.run_samples(["vectorAdd"], "--delay-ms", "1", transport="unix")

    def test_launches_do_not_wait_for_the_line(self):
        """300 launches with answers would take 300 round trips."""
        round_trip = 0.1
        with harness.Server() as server, Proxy(server.uri, "--delay-ms", str(1000 * round_trip / 2)) as proxy:
            start = time.monotonic()
            self.check(cricket("run", "--server", proxy.uri, "--", sample("matrixMul"), "--wa", "32", "--ha", "32",
                               "--wb", "32", "--hb", "32", "--iterations", "300"))
            elapsed = time.monotonic() - start
        self.assertGreater(elapsed, 2 * round_trip)
        self.assertLess(elapsed, 150 * round_trip)


class Bandwidth(Network):
    def test_samples(self):
        self.run_samples(["vectorAdd", "histogram", "asyncStreams"], "--rate-mbit", "50", "--delay-ms", "0.5")

    def test_large_copies(self):
        self.run_samples(["bandwidthTest"], "--rate-mbit", "1000")


class Segments(Network):
    """Every read of both sides ends in the middle of something."""

    def test_seven_bytes(self):
        self.run_samples(["deviceQuery", "vectorAdd", "matrixMul", "asyncStreams"], "--segment", "7")

    def test_odd_segments(self):
        self.run_samples(["histogram", "reduction", "bandwidthTest"], "--segment", "1447")


class Peer:
    """A server for one connection, which `serve(connection)` handles in a thread; a context."""

    def __init__(self, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.serve, self.error = serve, None
        self.thread = threading.Thread(target=self.run)

    def run(self):
        try:
            connection, _ = self.listener.accept()
            connection.settimeout(60)
            with connection:
                self.serve(connection)
        except Exception as error:  # shown by the test
            self.error = error

    def __enter__(self):
        self.listener.settimeout(60)
        self.thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self.thread.join()
        self.listener.close()
        assert kind is not None or self.error is None, self.error


def echo(connection):
    """Sends everything back, and ends when the other side has ended."""
    while data := connection.recv(MEBI):
        connection.sendall(data)


def read_all(connection):
    pieces = []
    while piece := connection.recv(MEBI):
        pieces.append(piece)
    return b"".join(pieces)


class Link(harness.Case):
    """The emulated network keeps what it promises."""

    def exchange(self, data, *options):
        """Sends data through a proxy to an echo and reads the answer; (answer, seconds, the proxy's peak memory)."""
        with Peer(echo) as peer, Proxy(peer.uri, *options) as proxy, \
                socket.create_connection(proxy.address(), timeout=60) as connection:
            start = time.monotonic()
            sender = threading.Thread(target=lambda: (connection.sendall(data), connection.shutdown(socket.SHUT_WR)))
            sender.start()
            answer = read_all(connection)
            elapsed = time.monotonic() - start
            sender.join()
            return answer, elapsed, proxy.peak_memory()

    def test_bytes_in_order(self):
        data = random.Random(1).randbytes(3 * MEBI + 5)
        for options in ((), ("--delay-ms", "1"), ("--segment", "997"), ("--rate-mbit", "1000", "--delay-ms", "0.3")):
            with self.subTest(options=options):
                answer, _, _ = self.exchange(data, *options)
                self.assertTrue(answer == data, f"{len(answer)} of {len(data)} bytes, or other ones")

    def test_delay(self):
        _, elapsed, _ = self.exchange(b"ping", "--delay-ms", "25")
        self.assertGreater(elapsed, 0.05)

    def test_rate(self):
        """A mebibyte at 80 Mbit/s takes 105 ms; the way back overlaps it."""
        _, elapsed, _ = self.exchange(bytes(MEBI), "--rate-mbit", "80")
        self.assertGreater(elapsed, 0.1)
        self.assertLess(elapsed, 10)

    def test_memory_is_bounded(self):
        """The sender feels a receiver that is slower: what waits in the proxy is not more than its rings."""
        data = bytes(96 * MEBI)
        answer, _, memory = self.exchange(data, "--delay-ms", "1")
        self.assertEqual(len(answer), len(data))
        self.assertLess(memory, 48 * MEBI)

    def test_server_that_is_not_there(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        with Proxy(f"tcp://127.0.0.1:{port}") as proxy, socket.create_connection(proxy.address(), timeout=60) as one:
            self.assertEqual(one.recv(1), b"")

    def test_bad_options(self):
        for options in (["--delay-ms", "-1"], ["--delay-ms", "x"], ["--rate-mbit", "0"], ["--segment", "0"],
                        ["--listen", "http://x"], []):
            with self.subTest(options=options):
                connect = ["--connect", "tcp://127.0.0.1:1"] if options else []
                self.check(harness.run(PROXY, *connect, *options, timeout=60), 2)


if __name__ == "__main__":
    harness.main()
