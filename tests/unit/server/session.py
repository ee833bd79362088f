"""What a session does with calls, on a fake driver that tells what it was asked and waits when it is told to."""
import struct
import unittest

from rpc import *  # noqa: F403 (the test's vocabulary)

CLOSE_GATE, OPEN_GATE = 1, 2


def limit(client, value):
    return client.cuda_send("cuCtxSetLimit", u32(0) + u64(value))


class SessionTest(unittest.TestCase):
    def setUp(self):
        self.server = Server()
        self.addCleanup(self.check_end)

    def check_end(self):
        self.assertEqual(self.server.stop(), 0)

    def connect(self, flags=ONEWAY):
        client = connect(self.server, flags)
        self.addCleanup(client.close)
        return client

    def allocate(self, client, size):
        err, reader = client.cuda("cuMemAlloc_v2", u64(size))
        self.assertEqual(err, 0)
        return reader.u64()

    def upload(self, client, image, data):
        client.send(CONTROL, UPLOAD, u64(image, len(data), 0) + opaque(data))

    def load(self, client, data, image=1):
        self.upload(client, image, data)
        return client.cuda("cuLibraryLoadData", u64(image) + u32(0, 0))

    def next_reply(self, client):
        xid, status, reader = client.receive()
        self.assertEqual(status, ("accepted", SUCCESS))
        return xid, reader.u32(), reader


class Hello(SessionTest):
    def test_welcome_names_server_and_driver(self):
        with Client(self.server.uri) as client:
            status, reader = client.hello()
            self.assertEqual(status, OK)
            self.assertIn(b"cricket-server", reader.opaque())
            self.assertIn(b"Fake device 0", reader.opaque())
            self.assertGreaterEqual(reader.u32(), 13000)
            self.assertEqual(reader.u64(), 1)

    def test_a_second_hello_is_refused(self):
        client = self.connect()
        client.send(CONTROL, HELLO, u32(1) + HASH + opaque("") + opaque("again") + u32(0))
        self.assertEqual(client.receive()[1], ("accepted", GARBAGE_ARGS))

    def test_snapshot(self):
        client = self.connect()
        reader = client.call(CONTROL, SNAPSHOT)
        self.assertEqual((reader.u32(), reader.u32()), (0, 1))
        self.assertEqual(reader.opaque(), b"Fake device 0")
        self.assertEqual(reader.take(16), b"u" * 16)
        reader.take(8)
        self.assertEqual((reader.u32(), reader.u64(), reader.opaque()), (0, 1234567, b""))
        self.assertEqual((reader.i32(), reader.i32()), (0, -3))
        context = reader.u64()
        attributes = [reader.i32() for _ in range(reader.u32())]
        self.assertEqual(attributes[:2], [-2147483648, 1001])
        self.assertEqual(attributes[11], -2147483648)  # CU_DEVICE_ATTRIBUTE_MAX_PITCH, which the fake does not know
        error, reader = client.cuda("cuDevicePrimaryCtxRetain", u32(0))
        self.assertEqual((error, reader.u64()), (0, context))

    def test_statistics(self):
        client = self.connect()
        address = self.allocate(client, 16)
        client.cuda_send("cuMemsetD8_v2", u64(address) + u32(1) + u64(16))
        client.cuda_send("cuMemsetD8_v2", u64(0) + u32(1) + u64(16))
        reader = client.call(CONTROL, STATISTICS)
        self.assertEqual((reader.u64(), reader.u64()), (7, 1))
        self.assertGreater(reader.u64(), 200)
        self.assertGreater(reader.u64(), 100)
        calls = {reader.u32(): reader.u64() for _ in range(reader.u32())}
        self.assertEqual(calls, {PROCEDURES["cuDevicePrimaryCtxRetain"]: 1, PROCEDURES["cuCtxSetCurrent"]: 1,
                                 PROCEDURES["cuMemAlloc_v2"]: 1, PROCEDURES["cuMemsetD8_v2"]: 2})

    def test_goodbye_destroys_contexts(self):
        client = self.connect()
        self.assertEqual(client.cuda("cuCtxCreate_v2", u32(0, 0))[0], 0)
        self.assertEqual(client.call(CONTROL, GOODBYE).u32(), 0)
        with self.assertRaises(Closed):
            client.receive()
        self.assertTrue(self.server.wait_children(0))
        self.assertEqual(self.server.driver_calls()[-2:], ["reset 0", "destroy 2"])

    def test_end_of_connection_destroys_contexts(self):
        client = self.connect()
        self.assertEqual(client.cuda("cuCtxCreate_v2", u32(0, 0))[0], 0)
        client.close()
        self.assertTrue(self.server.wait_children(0))
        self.assertEqual(self.server.driver_calls()[-2:], ["reset 0", "destroy 2"])


class Errors(SessionTest):
    def test_the_first_async_error_is_returned_once_by_the_next_call_with_a_reply(self):
        client = self.connect()
        client.cuda_send("cuMemsetD8_v2", u64(0) + u32(0) + u64(1))
        client.cuda_send("cuStreamDestroy_v2", u64(handle(STREAM, 77)))
        self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 1)  # INVALID_VALUE, of the memset
        self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)

    def test_a_call_that_returns_a_latched_error_is_not_executed(self):
        client = self.connect()
        client.cuda_send("cuMemsetD8_v2", u64(0) + u32(0) + u64(1))
        limit(client, 7)
        self.assertEqual(self.next_reply(client)[1], 1)
        self.assertNotIn("limit 0 7 in 1", self.server.driver_calls())

    def test_an_error_that_nobody_asked_for_is_in_the_log(self):
        client = self.connect()
        client.cuda_send("cuMemsetD8_v2", u64(0) + u32(0) + u64(1))
        client.close()
        self.server.wait_log(r"cuMemsetD8_v2: CUDA error 1\n")
        self.server.wait_log(r"never asked for the error of an asynchronous call: CUDA error 1\n")

    def test_without_oneway_every_call_has_its_own_error(self):
        client = self.connect(flags=0)
        self.assertEqual(client.cuda("cuMemsetD8_v2", u64(0) + u32(0) + u64(1))[0], 1)
        self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)

    def test_a_function_that_the_driver_lacks_is_not_supported(self):
        client = self.connect()
        self.assertEqual(client.cuda("cuMemGetInfo_v2")[0], 801)

    def test_a_crashing_driver_ends_its_session_only(self):
        other = self.connect()
        client = self.connect()
        client.cuda_send("cuCtxResetPersistingL2Cache")
        with self.assertRaises(Closed):
            client.receive()
        self.assertEqual(other.cuda("cuMemAlloc_v2", u64(16))[0], 0)
        self.server.wait_log(r"session 2: ended by signal 11")


class Handles(SessionTest):
    def test_wrong_kind_stale_and_foreign_ids(self):
        client, other = self.connect(flags=0), self.connect(flags=0)
        stream = handle(STREAM, 5)
        self.assertEqual(client.cuda("cuStreamCreate", u64(stream) + u32(0))[0], 0)
        self.assertEqual(client.cuda("cuStreamSynchronize", u64(stream))[0], 0)
        for wrong in (handle(EVENT, 5), handle(STREAM, 5, 2), handle(STREAM, 6), handle(0, 5), 3, 2**64 - 1):
            self.assertEqual(client.cuda("cuStreamSynchronize", u64(wrong))[0], 400, hex(wrong))
        self.assertEqual(other.cuda("cuStreamSynchronize", u64(stream))[0], 400)
        self.assertEqual(client.cuda("cuStreamDestroy_v2", u64(stream))[0], 0)
        self.assertEqual(client.cuda("cuStreamSynchronize", u64(stream))[0], 400)

    def test_an_id_in_use_or_out_of_bounds_cannot_be_minted(self):
        client = self.connect(flags=0)
        self.assertEqual(client.cuda("cuEventCreate", u64(handle(EVENT, 1)) + u32(0))[0], 0)
        for wrong in (handle(EVENT, 1), handle(EVENT, 1, 9), handle(EVENT, 1 << 20), handle(STREAM, 1), 0):
            self.assertEqual(client.cuda("cuEventCreate", u64(wrong) + u32(0))[0], 400, hex(wrong))

    def test_default_streams(self):
        client = self.connect(flags=0)
        for stream in (0, 1, 2):
            self.assertEqual(client.cuda("cuStreamSynchronize", u64(stream))[0], 0)

    def test_the_primary_context_keeps_its_id(self):
        client = self.connect(flags=0)
        err, reader = client.cuda("cuDevicePrimaryCtxRetain", u32(0))
        self.assertEqual((err, reader.u64()), (0, client.context))
        for _ in range(2):
            self.assertEqual(client.cuda("cuDevicePrimaryCtxRelease_v2", u32(0))[0], 0)
        self.assertEqual(client.cuda("cuDevicePrimaryCtxRelease_v2", u32(0))[0], 201)
        err, reader = client.cuda("cuDevicePrimaryCtxRetain", u32(0))
        self.assertEqual((err, reader.u64()), (0, client.context))

    def test_a_context_takes_its_handles_along(self):
        client = self.connect(flags=0)
        err, reader = client.cuda("cuCtxCreate_v2", u32(0, 0))
        created, mine, primary_stream = reader.u64(), handle(STREAM, 1), handle(STREAM, 2)
        self.assertEqual(err, 0)
        self.assertEqual(client.cuda("cuStreamCreate", u64(primary_stream) + u32(0))[0], 0)
        self.assertEqual(client.cuda("cuCtxSetCurrent", u64(created))[0], 0)
        self.assertEqual(client.cuda("cuStreamCreate", u64(mine) + u32(0))[0], 0)
        self.assertEqual(client.cuda("cuCtxDestroy_v2", u64(created))[0], 0)
        self.assertEqual(client.cuda("cuCtxDestroy_v2", u64(created))[0], 400)
        self.assertEqual(client.cuda("cuStreamSynchronize", u64(mine))[0], 400)
        self.assertEqual(client.cuda("cuStreamSynchronize", u64(primary_stream))[0], 0)

    def test_the_streams_context_is_that_of_every_thread(self):
        client = self.connect()
        created = [client.cuda("cuCtxCreate_v2", u32(0, 0))[1].u64() for _ in range(2)]
        for number, context in enumerate(created, 2):
            client.cuda_send("cuCtxSetCurrent", u64(context))
            limit(client, CLOSE_GATE)
            waiting = client.cuda_send("cuCtxSynchronize")
            limit(client, OPEN_GATE)
            replies = {self.next_reply(client)[0] for _ in range(3)}
            self.assertIn(waiting, replies)
            # The waiting call is made by a thread of its own, so its place is not certain.
            self.assertCountEqual(self.server.driver_calls()[-3:],
                                  [f"limit 0 1 in {number}", f"synchronize in {number}", f"limit 0 2 in {number}"])


class Blocking(SessionTest):
    def test_a_waiting_call_does_not_hold_up_the_stream(self):
        client = self.connect()
        limit(client, CLOSE_GATE)
        self.next_reply(client)
        waiting = [client.cuda_send("cuCtxSynchronize") for _ in range(5)]
        self.assertEqual(self.next_reply(client)[0] if client.answers() else None, None)
        other = client.cuda_send("cuMemAlloc_v2", u64(16))
        self.assertEqual(self.next_reply(client)[0], other)
        opened = limit(client, OPEN_GATE)
        replies = [self.next_reply(client)[0] for _ in range(6)]
        self.assertEqual(sorted(replies), sorted(waiting + [opened]))

    def test_more_waiting_calls_than_threads(self):
        client = self.connect()
        waiting = [client.cuda_send("cuCtxSynchronize") for _ in range(500)]
        self.assertEqual(sorted(self.next_reply(client)[0] for _ in waiting), waiting)

    def test_a_vanished_client_ends_a_session_that_waits(self):
        client = self.connect()
        limit(client, CLOSE_GATE)
        self.next_reply(client)
        for _ in range(100):  # more than there are threads
            client.cuda_send("cuCtxSynchronize")
        client.close()
        self.assertTrue(self.server.wait_children(0, timeout=2))
        self.server.wait_log("in the middle of a call")


class Deferred(SessionTest):
    def fill(self, client, address, data):
        client.cuda_send("cuMemcpyHtoD_v2", u64(address) + opaque(data))

    def fetch(self, client, address, size, stream):
        return client.cuda_send("cuMemcpyDtoHAsync_v2", u64(address, size, stream))

    def stream(self, client, index):
        client.cuda_send("cuStreamCreate", u64(handle(STREAM, index)) + u32(0))
        return handle(STREAM, index)

    def test_data_comes_before_the_reply_that_tells_of_it(self):
        client = self.connect()
        address, stream = self.allocate(client, 64), self.stream(client, 1)
        self.fill(client, address, bytes(range(64)))
        copies = [self.fetch(client, address + i, 3, stream) for i in range(60)]  # beyond 42
        other = client.cuda_send("cuMemAlloc_v2", u64(16))
        self.assertEqual(self.next_reply(client)[0], other, "nothing is complete yet")
        done = client.cuda_send("cuStreamSynchronize", u64(stream))
        for i, copy in enumerate(copies):
            xid, err, reader = self.next_reply(client)
            self.assertEqual((xid, err, reader.opaque()), (copy, 0, bytes([i, i + 1, i + 2])))
        self.assertEqual(self.next_reply(client)[0], done)

    def test_one_stream_does_not_complete_another(self):
        client = self.connect()
        address = self.allocate(client, 64)
        a, b = self.stream(client, 1), self.stream(client, 2)
        copies = [self.fetch(client, address, 8, stream) for stream in (a, b, a, b)]
        done = client.cuda_send("cuStreamSynchronize", u64(a))
        self.assertEqual([self.next_reply(client)[0] for _ in range(3)], [copies[0], copies[2], done])
        done = client.cuda_send("cuStreamSynchronize", u64(b))
        self.assertEqual([self.next_reply(client)[0] for _ in range(3)], [copies[1], copies[3], done])

    def test_an_event_tells_of_what_was_before_it(self):
        client = self.connect()
        address, stream, event = self.allocate(client, 64), self.stream(client, 1), handle(EVENT, 1)
        client.cuda_send("cuEventCreate", u64(event) + u32(0))
        before = self.fetch(client, address, 8, stream)
        client.cuda_send("cuEventRecord", u64(event, stream))
        after = self.fetch(client, address, 8, stream)
        query = client.cuda_send("cuEventQuery", u64(event))
        self.assertEqual(self.next_reply(client)[:2], (query, NOT_READY))
        done = client.cuda_send("cuEventSynchronize", u64(event))
        self.assertEqual([self.next_reply(client)[0] for _ in range(2)], [before, done])
        done = client.cuda_send("cuStreamSynchronize", u64(stream))
        self.assertEqual([self.next_reply(client)[0] for _ in range(2)], [after, done])

    def test_what_is_staged_is_bounded(self):
        client = self.connect()
        size, stream = 4 << 20, self.stream(client, 1)
        address = self.allocate(client, size)
        copies = [self.fetch(client, address, size, stream) for _ in range(20)]
        early = []
        for copy in copies[:4]:  # 16 of them fit; the oldest are sent before anybody synchronises
            xid, err, reader = self.next_reply(client)
            early.append(xid)
            self.assertEqual((err, len(reader.opaque())), (0, size))
        self.assertEqual(early, copies[:4])
        done = client.cuda_send("cuStreamSynchronize", u64(stream))
        self.assertEqual([self.next_reply(client)[0] for _ in range(17)], copies[4:] + [done])
        self.assertEqual(self.server.driver_calls().count(f"pin {size}"), 16)

    def test_a_context_sends_its_copies_before_it_ends(self):
        client = self.connect()
        address = self.allocate(client, 8)
        self.fill(client, address, b"contents")
        copy = self.fetch(client, address, 8, 0)
        reset = client.cuda_send("cuDevicePrimaryCtxReset_v2", u32(0))
        xid, err, reader = self.next_reply(client)
        self.assertEqual((xid, err, reader.opaque()), (copy, 0, b"contents"))
        self.assertEqual(self.next_reply(client)[0], reset)

    def test_errors_are_replied_at_once(self):
        client = self.connect()
        xid = self.fetch(client, 0, 8, 0)
        self.assertEqual(self.next_reply(client)[:2], (xid, 1))
        xid = self.fetch(client, self.allocate(client, 8), (4 << 20) + 1, 0)
        self.assertEqual(self.next_reply(client)[:2], (xid, 1))
        xid = self.fetch(client, 8, 8, handle(STREAM, 9))
        self.assertEqual(self.next_reply(client)[:2], (xid, 400))

    def test_without_oneway_the_reply_is_the_data(self):
        client = self.connect(flags=0)
        address = self.allocate(client, 8)
        self.assertEqual(client.cuda("cuMemcpyHtoD_v2", u64(address) + opaque(b"contents"))[0], 0)
        err, reader = client.cuda("cuMemcpyDtoHAsync_v2", u64(address, 5, 0))
        self.assertEqual((err, reader.opaque()), (0, b"conte"))


class Copies(SessionTest):
    def test_there_and_back(self):
        client = self.connect(flags=0)
        for size in (0, 1, 3, 4, 65536, 4 << 20):
            address = self.allocate(client, max(size, 1))
            data = bytes(i * 7 & 255 for i in range(251)) * (size // 251 + 1)
            self.assertEqual(client.cuda("cuMemcpyHtoD_v2", u64(address) + opaque(data[:size]))[0], 0)
            err, reader = client.cuda("cuMemcpyDtoH_v2", u64(address, size))
            self.assertEqual(err, 0)
            self.assertTrue(reader.opaque() == data[:size], f"{size} bytes")
        self.assertIn("to device 65536 bytes, stream legacy", self.server.driver_calls())
        self.assertEqual(client.cuda("cuMemcpyDtoH_v2", u64(address, (4 << 20) + 1))[0], 1)
        self.assertEqual(client.cuda("cuMemcpyDtoH_v2", u64(0, 8))[0], 1)

    def test_rows(self):
        client = self.connect(flags=0)
        address, rows = self.allocate(client, 64), b"aabbcc"
        self.assertEqual(client.cuda("cricketRowsHtoD", u64(address, 8, 2, 3, 0) + opaque(rows))[0], 0)
        err, reader = client.cuda("cuMemcpyDtoH_v2", u64(address, 20))
        self.assertEqual((err, reader.opaque()), (0, b"aa" + bytes(6) + b"bb" + bytes(6) + b"cc" + bytes(2)))
        self.assertEqual(client.cuda("cricketRowsDtoD", u64(address + 32, 4, address, 8, 2, 3, 0))[0], 0)
        err, reader = client.cuda("cricketRowsDtoH", u64(address + 32, 4, 2, 3, 0))
        self.assertEqual((err, reader.opaque()), (0, rows))

    def test_rows_that_do_not_fit_their_data(self):
        client = self.connect(flags=0)
        address = self.allocate(client, 64)
        for width, count in ((2, 4), (2, 2), (1 << 63, 2), (6, 2**64 - 1)):
            self.assertEqual(client.cuda("cricketRowsHtoD", u64(address, 8, width, count, 0) + opaque(b"aabbcc"))[0], 1)
        for width, count in ((4 << 20, 2), (1 << 63, 2), (2**64 - 1, 2**64 - 1)):
            self.assertEqual(client.cuda("cricketRowsDtoH", u64(address, 8, width, count, 0))[0], 1)
        err, reader = client.cuda("cricketRowsDtoH", u64(address, 8, 0, 2**63, 0))
        self.assertEqual((err, reader.opaque()), (0, b""))


class Libraries(SessionTest):
    def parse_functions(self, reader):
        functions = []
        for _ in range(reader.u32()):
            function, name = reader.u64(), reader.opaque().decode()
            parameters = [(reader.u64(), reader.u64()) for _ in range(reader.u32())]
            functions.append((function, name, parameters, [reader.i32() for _ in range(reader.u32())]))
        return functions

    def test_load_describes_all_functions(self):
        client = self.connect()
        err, reader = self.load(client, b"kernels 3")
        self.assertEqual(err, 0)
        self.assertEqual(reader.u64() >> 56, LIBRARY)
        self.assertEqual((reader.opaque(), reader.opaque()), (b"", b"a word of the compiler"))
        functions = self.parse_functions(reader)
        self.assertEqual([f[1] for f in functions], ["kernel0", "kernel1", "kernel2"])
        self.assertEqual(functions[0][2], [(0, 8), (8, 4)])
        self.assertEqual(functions[0][3][:8], [0, 10, 20, 30, 40, 50, 60, -2147483648])

    def test_attributes_of_a_large_library_are_asked_for_one_by_one(self):
        client = self.connect()
        _, reader = self.load(client, b"kernels 300")
        reader.u64(), reader.opaque(), reader.opaque()
        functions = self.parse_functions(reader)
        self.assertEqual((len(functions), functions[299][3]), (300, []))
        err, reader = client.cuda("cricketFuncGetAttributes", u64(functions[299][0]))
        self.assertEqual(err, 0)
        self.assertEqual([reader.i32() for _ in range(reader.u32())][:2], [0, 10])

    def test_a_library_that_is_described_in_more_than_a_record_of_calls(self):
        client = self.connect()
        err, reader = self.load(client, b"kernels 150000")
        self.assertEqual((err, reader.u64() >> 56), (0, LIBRARY))
        reader.opaque(), reader.opaque()
        self.assertEqual(reader.u32(), 150000)
        self.assertGreater(len(reader.data) - reader.at, 8 << 20)
        last = opaque("kernel149999") + u32(2) + u64(0, 8, 8, 4) + u32(0)
        self.assertEqual(reader.data[-len(last):], last)
        self.assertEqual(client.cuda("cuMemGetInfo_v2")[0], 801)  # the session goes on; the fake has no such call

    def launch(self, client, function, parameters, grid=1):
        return client.cuda_send("cuLaunchKernel", u64(function) + u32(grid, 2, 3, 4, 5, 6, 7) + u64(0) +
                                opaque(parameters))

    def test_launch(self):
        client = self.connect()
        _, reader = self.load(client, b"kernels 2")
        library = reader.u64()
        reader.opaque(), reader.opaque()
        function = self.parse_functions(reader)[1][0]
        self.launch(client, function, struct.pack("<Qi", 1, 42))
        limit(client, 7)
        self.assertEqual(self.next_reply(client)[1], 0)
        self.assertIn("launch kernel1 1 2 3, 4 5 6, shared 7, 12 bytes of parameters, last 42",
                      self.server.driver_calls())
        for bad, err in ((struct.pack("<Q", 1), 1), (b"", 1)):  # fewer parameters than the kernel has
            self.launch(client, function, bad)
            self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], err)
        client.cuda_send("cuLibraryUnload", u64(library))
        self.launch(client, function, struct.pack("<Qi", 1, 42))
        self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 400)

    def test_images_that_cannot_be_loaded(self):
        client = self.connect()
        fatbin = struct.pack("<IHHQ", 0xBA55ED50, 1, 16, 1 << 40)
        wrapper = struct.pack("<iiQQ", 0x466243B1, 1, 0x1234, 0)
        elf = b"\x7fELF" + b"\xff" * 80
        for data in (fatbin, wrapper, elf, b"\x7fELF", b""):
            self.assertEqual(self.load(client, data)[0], 200, data)  # INVALID_IMAGE
        self.assertEqual(client.cuda("cuLibraryLoadData", u64(99) + u32(0, 0))[0], 200)
        err, reader = self.load(client, b"no such text")
        self.assertEqual((err, reader.opaque(), reader.opaque()), (218, b"", b"a word of the compiler"))

    def test_units_are_linked_where_the_linked_code_does_not_fit(self):
        client = self.connect()

        def fatbin(payload):
            return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(payload)) + payload

        err, reader = self.load(client, fatbin(b"machine code for another device") + fatbin(b"one") + fatbin(b"two"))
        self.assertEqual(err, 0)
        reader.u64(), reader.opaque(), reader.opaque()
        self.assertEqual(len(self.parse_functions(reader)), 2)
        calls = self.server.driver_calls()
        self.assertIn("link unit 1, type 2, 19 bytes", calls)
        self.assertIn("link unit 2, type 2, 19 bytes", calls)
        self.assertIn("link destroyed", calls)
        err, reader = self.load(client, fatbin(b"machine code for another device") + fatbin(b"bad"))
        self.assertEqual((err, reader.opaque(), reader.opaque()), (300, b"", b"a word of the linker"))
        self.assertEqual(self.load(client, fatbin(b"one") + fatbin(b"two")[:-1])[0], 200)

    def test_pieces(self):
        client = self.connect()
        client.send(CONTROL, UPLOAD, u64(5, 9, 0) + opaque(b"kern"))
        client.send(CONTROL, UPLOAD, u64(5, 9, 4) + opaque(b"els 1"))
        self.assertEqual(client.cuda("cuLibraryLoadData", u64(5) + u32(0, 0))[0], 0)
        self.assertEqual(client.cuda("cuLibraryLoadData", u64(5) + u32(0, 0))[0], 200, "a load consumes the image")
        for pieces in (((0, 9, b"kern"),), ((0, 9, b"kern"), (5, 9, b"ls 1")), ((0, 9, b"kern"), (4, 10, b"els 1")),
                       ((0, 8, b"kern"), (4, 8, b"els 1")), ((4, 9, b"els 1"),)):
            for offset, total, data in pieces:
                client.send(CONTROL, UPLOAD, u64(6, total, offset) + opaque(data))
            self.assertEqual(client.cuda("cuLibraryLoadData", u64(6) + u32(0, 0))[0], 200, pieces)

    def test_options_with_pointers_do_not_travel(self):
        client = self.connect()
        for option, err in ((0, 0), (3, 801), (17, 801), (34, 0), (1000, 1), (-1, 1)):
            self.upload(client, 1, b"kernels 1")
            arguments = u64(1) + u32(1, option) + u64(32) + u32(0)
            self.assertEqual(client.cuda("cuLibraryLoadData", arguments)[0], err, option)
        for option, err in ((1, 0), (0, 801)):
            self.upload(client, 1, b"kernels 1")
            arguments = u64(1) + u32(0, 1, option) + u64(1)
            self.assertEqual(client.cuda("cuLibraryLoadData", arguments)[0], err, option)


if __name__ == "__main__":
    unittest.main()
