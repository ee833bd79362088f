"""A small ONC RPC client (RFC 5531 over TCP or a Unix socket) for tests of cricket-server, and the server itself.

It builds messages by hand, so that it can also build wrong ones. Paths come from the environment that CMake sets:
CRICKET_SERVER_PROGRAM, CRICKET_FAKE_DRIVER, CRICKET_PROTOCOL (the folder proto/), CRICKET_PROTOCOL_HASH (C source).
"""
import os
import re
import select
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

CONTROL, CUDA = 0x20008098, 0x20008099
NULL, HELLO, SNAPSHOT, STATISTICS, GOODBYE, UPLOAD = range(6)
OK, VERSION_MISMATCH, BAD_TOKEN, BUSY, NO_DRIVER = range(5)
ONEWAY = 1
SUCCESS, PROG_UNAVAIL, PROG_MISMATCH, PROC_UNAVAIL, GARBAGE_ARGS, SYSTEM_ERR = range(6)
NOT_READY = 600
TIMEOUT = 20  # generous: a wait that takes this long has failed


def u32(*values):
    return struct.pack(f">{len(values)}I", *(value & 0xffffffff for value in values))


def u64(*values):
    return struct.pack(f">{len(values)}Q", *values)


def opaque(data):
    data = data.encode() if isinstance(data, str) else data
    return u32(len(data)) + data + bytes(-len(data) % 4)


def handle(kind, index, generation=1):
    return kind << 56 | generation << 32 | index


CONTEXT, MODULE, LIBRARY, FUNCTION, STREAM, EVENT = range(1, 7)


def _procedures():
    with open(os.path.join(os.environ["CRICKET_PROTOCOL"], "rpc_cuda.x"), encoding="utf-8") as lines:
        return {name: int(number, 0) for name, number in re.findall(r"RPC_(\w+)\(.*\) = (\w+);", lines.read())}


def _hash():
    with open(os.environ["CRICKET_PROTOCOL_HASH"], encoding="utf-8") as source:
        return bytes(int(byte, 16) for byte in re.findall(r"0x([0-9a-f]{2})\b", source.read()))


PROCEDURES, HASH = _procedures(), _hash()


class Reader:
    """Decodes XDR."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        if self.at + size > len(self.data):
            raise ValueError(f"the reply ends at {len(self.data)}, {size} bytes wanted at {self.at}")
        self.at += size
        return self.data[self.at - size:self.at]

    def u32(self):
        return struct.unpack(">I", self.take(4))[0]

    def i32(self):
        return struct.unpack(">i", self.take(4))[0]

    def u64(self):
        return struct.unpack(">Q", self.take(8))[0]

    def opaque(self):
        size = self.u32()
        data = self.take(size)
        self.take(-size % 4)
        return data


class Closed(Exception):
    """The server has closed the connection."""


class Client:
    def __init__(self, uri):
        if uri.startswith("unix://"):
            self.socket = socket.socket(socket.AF_UNIX)
            address = uri[len("unix://"):]
        else:
            self.socket = socket.socket()
            host, port = uri[len("tcp://"):].rsplit(":", 1)
            address = (host, int(port))
        self.socket.settimeout(TIMEOUT)
        self.socket.connect(address)
        self.xid = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def send_record(self, data):
        self.send_raw(u32(0x80000000 | len(data)) + data)

    def send(self, program, procedure, arguments=b"", version=1, rpc=2, credential=b""):
        """Sends a call; its xid."""
        self.xid += 1
        self.send_record(u32(self.xid, 0, rpc, program, version, procedure, 0) + opaque(credential) + u32(0, 0) +
                         arguments)
        return self.xid

    def _receive(self, size):
        data = bytearray()
        while len(data) < size:
            try:
                part = self.socket.recv(size - len(data))
            except ConnectionResetError:
                part = b""
            if not part:
                raise Closed()
            data += part
        return bytes(data)

    def receive_record(self):
        data, last = b"", False
        while not last:
            mark, = struct.unpack(">I", self._receive(4))
            last = bool(mark & 0x80000000)
            data += self._receive(mark & 0x7fffffff)
        return data

    def receive(self):
        """The next reply: xid, ("accepted", status) or ("denied", status, why), a Reader at what follows."""
        reader = Reader(self.receive_record())
        xid = reader.u32()
        if reader.u32() != 1:
            raise ValueError("not a reply")
        if reader.u32() == 1:
            return xid, ("denied", reader.u32(), reader.u32()), reader
        reader.u32()
        reader.opaque()
        return xid, ("accepted", reader.u32()), reader

    def call(self, program, procedure, arguments=b"", **options):
        """Calls and waits; the reply must be the one to this call and a success."""
        xid = self.send(program, procedure, arguments, **options)
        got, status, reader = self.receive()
        if (got, status) != (xid, ("accepted", SUCCESS)):
            raise AssertionError(f"call {xid} of procedure {procedure}: reply {got}, {status}")
        return reader

    def hello(self, token=b"", flags=0, protocol=1, digest=HASH, name="test"):
        """HELLO; its status and a Reader."""
        reader = self.call(CONTROL, HELLO, u32(protocol) + digest + opaque(token) + opaque(name) + u32(flags))
        return reader.u32(), reader

    def cuda_send(self, name, arguments=b""):
        return self.send(CUDA, PROCEDURES[name], arguments)

    def cuda(self, name, arguments=b""):
        """Calls a driver function and waits; its CUresult and a Reader."""
        reader = self.call(CUDA, PROCEDURES[name], arguments)
        return reader.u32(), reader

    def answers(self):
        """Is there a reply, or the end, to be read now?"""
        return bool(select.select([self.socket], [], [], 0)[0])


def connect(server, flags=0, **options):
    """A client that has said HELLO and has the primary context of device 0."""
    client = Client(server.uri)
    status, _ = client.hello(flags=flags, **options)
    assert status == OK, status
    err, reader = client.cuda("cuDevicePrimaryCtxRetain", u32(0))
    assert err == 0, err
    context = reader.u64()
    xid = client.cuda_send("cuCtxSetCurrent", u64(context))
    if not flags & ONEWAY:
        assert client.receive()[0] == xid
    client.context = context
    return client


class Server:
    """cricket-server on a free port, with the fake driver unless told otherwise."""

    def __init__(self, *options, driver=None, listen="tcp://127.0.0.1:0", environment=None):
        self.folder = tempfile.TemporaryDirectory()
        self.driver_log = os.path.join(self.folder.name, "driver.log")
        # The leak check guesses where a driver's threads have their variables, and dies of a wrong guess.
        checks = filter(None, ["intercept_tls_get_addr=0", os.environ.get("ASAN_OPTIONS")])
        variables = dict(os.environ, ASAN_OPTIONS=":".join(checks))
        variables.update(environment or {}, FAKE_DRIVER_LOG=self.driver_log)
        driver = driver or os.environ["CRICKET_FAKE_DRIVER"]
        self.log, self.log_grows = "", threading.Condition()
        self.process = subprocess.Popen(
            [os.environ["CRICKET_SERVER_PROGRAM"], "--listen", listen, "--driver", driver, "--log", "debug", *options],
            stderr=subprocess.PIPE, env=variables)
        self.log_reader = threading.Thread(target=self._read_log)
        self.log_reader.start()
        try:
            self.uri = self.wait_log(r"listening on (\S+)").group(1)
        except AssertionError:
            self.process.kill()
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _read_log(self):
        """Reads always: a server whose log is not read comes to a stop."""
        with self.process.stderr as log:
            for line in log:
                with self.log_grows:
                    self.log += line.decode(errors="replace")
                    self.log_grows.notify_all()
        with self.log_grows:
            self.log_grows.notify_all()

    def wait_log(self, pattern):
        """Waits until the server has logged `pattern`; the match."""
        deadline = time.monotonic() + TIMEOUT
        with self.log_grows:
            while not (match := re.search(pattern, self.log)):
                left = deadline - time.monotonic()
                if left <= 0 or not self.log_reader.is_alive():
                    raise AssertionError(f"the server has not logged {pattern!r}, but:\n{self.log}")
                self.log_grows.wait(min(left, 0.5))
            return match

    def children(self):
        """The session processes."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        with open(path, encoding="ascii") as children:
            return [int(pid) for pid in children.read().split()]

    def wait_children(self, count, timeout=TIMEOUT):
        """Waits until there are `count` session processes; False when that takes longer than `timeout`."""
        deadline = time.monotonic() + timeout
        while len(self.children()) != count:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            with self.log_grows:  # the server logs each end
                self.log_grows.wait(min(left, 0.02))
        return True

    def driver_calls(self):
        try:
            with open(self.driver_log, encoding="ascii") as lines:
                return lines.read().splitlines()
        except FileNotFoundError:
            return []

    def stop(self, how=signal.SIGTERM):
        """Ends the server, unless it has been ended; its exit status. The log is whole then."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            self.log_reader.join(TIMEOUT)
            self.folder.cleanup()
        for line in self.log.splitlines():
            assert "Sanitizer" not in line and "runtime error" not in line, self.log
        return status
