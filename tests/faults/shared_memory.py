"""Clients that ask for shared memory at the wrong time, or do not keep to the rules of the rings."""
import errno
import mmap
import os
import socket
import struct
import tempfile
import unittest

from rpc import *  # noqa: F403 (the test's vocabulary)

SHARED_MEMORY, ENTER = 6, 7
RING = 4096
# Offsets in the memory: positions, then the bytes of the ring that the server writes, then the client's.
SERVER_WRITTEN, SERVER_TAKEN, CLIENT_WRITTEN = 0, 64, 128
SERVER_BYTES, CLIENT_BYTES = 4096, 4096 + RING


class SharedMemoryClient(Client):
    """Takes part in the negotiation; `answer` is an errno of the server. Looks for replies instead of sleeping."""

    fd = None
    map = None

    def ask(self, size=RING):
        self.send(CONTROL, SHARED_MEMORY, u64(size))
        data, fds, _, _ = socket.recv_fds(self.socket, 32, 4)
        data += self._receive(32 - len(data))
        self.fd = fds[0] if fds else None
        return struct.unpack(">I", data[-4:])[0]

    def enter(self):
        self.send(CONTROL, ENTER)
        _, status, reader = self.receive()
        assert status == ("accepted", SUCCESS), status
        answer = reader.u32()
        if not answer:
            self.map = mmap.mmap(self.fd, SERVER_BYTES + 2 * RING)
        return answer

    def close(self):
        super().close()
        if self.map:
            self.map.close()
        if self.fd is not None:
            os.close(self.fd)

    def position(self, offset, value=None):
        if value is not None:
            self.map[offset:offset + 8] = struct.pack("=Q", value)
        return struct.unpack("=Q", self.map[offset:offset + 8])[0]

    def put(self, data):
        """Writes a record that fits the ring's first lap."""
        at = self.position(CLIENT_WRITTEN)
        self.map[CLIENT_BYTES + at:CLIENT_BYTES + at + len(data)] = data
        self.position(CLIENT_WRITTEN, at + len(data))

    def take(self, size):
        deadline = time.monotonic() + TIMEOUT
        at = self.position(SERVER_TAKEN)
        while self.position(SERVER_WRITTEN) - at < size:
            assert time.monotonic() < deadline, "no reply came"
            time.sleep(0.001)
        self.position(SERVER_TAKEN, at + size)
        return self.map[SERVER_BYTES + at:SERVER_BYTES + at + size]

    def null_call(self):
        self.put(u32(0x80000028, 99, 0, 2, CONTROL, 1, 0, 0, 0, 0, 0))
        return self.take(28)


class SharedMemory(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.server = Server(listen=f"unix://{folder.name}/socket")
        self.addCleanup(self.server.stop)

    def client(self):
        client = SharedMemoryClient(self.server.uri)
        self.addCleanup(client.close)
        return client

    def entered(self):
        client = self.client()
        self.assertEqual(client.ask(), 0)
        self.assertEqual(client.enter(), 0)
        return client

    def check_still_serves(self):
        with connect(self.server) as client:
            self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)

    def test_calls_through_the_rings(self):
        client = self.entered()
        for _ in range(20):
            self.assertEqual(client.null_call(), u32(0x80000018, 99, 1, 0, 0, 0, 0))

    def test_the_socket_serves_until_the_memory_is_entered(self):
        client = self.client()
        self.assertEqual(client.ask(), 0)
        client.send(CONTROL, 0)
        self.assertEqual(client.receive()[1], ("accepted", SUCCESS))

    def test_sizes(self):
        for size in (0, 1, 4095, 4097, 12288, 1 << 27, 1 << 63, (1 << 64) - 1):
            with self.subTest(size=size):
                client = self.client()
                self.assertEqual(client.ask(size), errno.EINVAL)
                self.assertIsNone(client.fd)
                self.assertEqual(client.enter(), errno.ENOENT)

    def test_twice(self):
        client = self.client()
        self.assertEqual(client.ask(), 0)
        os.close(client.fd)
        self.assertEqual(client.ask(), errno.EALREADY)

    def test_after_hello(self):
        with connect(self.server) as client:
            for procedure, arguments, answer in ((SHARED_MEMORY, u64(RING), errno.EALREADY), (ENTER, b"", errno.ENOENT)):
                client.send(CONTROL, procedure, arguments)
                _, status, reader = client.receive()
                self.assertEqual((status, reader.u32()), (("accepted", SUCCESS), answer))

    def test_over_tcp(self):
        with Server() as server, SharedMemoryClient(server.uri) as client:
            self.assertEqual(client.ask(), errno.EOPNOTSUPP)

    def test_calls_behind_the_entry(self):
        """What was sent over the socket before the reply has no place in the order of calls."""
        client = self.client()
        self.assertEqual(client.ask(), 0)
        enter = u32(0x80000028, 50, 0, 2, CONTROL, 1, ENTER, 0, 0, 0, 0)
        null = u32(0x80000028, 51, 0, 2, CONTROL, 1, 0, 0, 0, 0, 0)
        client.send_raw(enter + null)
        _, status, reader = client.receive()
        self.assertEqual((status, reader.u32()), (("accepted", SUCCESS), errno.EBUSY))
        self.assertEqual(client.receive()[1], ("accepted", SUCCESS))

    def test_the_memory_cannot_shrink(self):
        client = self.entered()
        for size in (0, 4096, SERVER_BYTES + 4 * RING):
            with self.assertRaises(PermissionError):
                os.ftruncate(client.fd, size)
        self.assertEqual(len(client.null_call()), 28)

    def test_impossible_positions_end_the_session(self):
        for value in (RING + 1, 1 << 40, (1 << 64) - 1):
            with self.subTest(value=value):
                client = self.entered()
                client.position(CLIENT_WRITTEN, value)
                self.assertTrue(self.server.wait_children(0, timeout=3), self.server.log)
        self.server.wait_log("impossible")
        self.check_still_serves()

    def test_garbage_ends_the_session(self):
        client = self.entered()
        client.put(b"garbage, garbage")
        self.assertTrue(self.server.wait_children(0, timeout=3), self.server.log)
        self.check_still_serves()

    def test_a_vanished_client_frees_its_session(self):
        for leave in (lambda client: None, lambda client: client.put(u32(0x80000100, 1))):
            client = self.entered()
            leave(client)
            client.close()
            client.map = client.fd = None
            self.assertTrue(self.server.wait_children(0, timeout=2), self.server.log)


if __name__ == "__main__":
    unittest.main()
