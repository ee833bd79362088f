"""What the server does with clients that do not follow the protocol, vanish, or are too many: an RPC error or a closed
connection, and the next client is served."""
import os
import random
import signal
import socket
import unittest

from rpc import *  # noqa: F403 (the test's vocabulary)

AUTH_BADCRED, AUTH_TOOWEAK = 1, 5
RPC_MISMATCH, AUTH_ERROR = 0, 1


def box(array):
    """The place of a box at the beginning of an array."""
    return u32(1) + u64(array, 0, 0, 0, 0, 0)


class ServerTest(unittest.TestCase):
    options = ()

    def setUp(self):
        self.server = Server(*self.options)
        self.addCleanup(self.check_end)

    def check_end(self):
        self.assertEqual(self.server.stop(), 0, self.server.log)

    def client(self):
        client = Client(self.server.uri)
        self.addCleanup(client.close)
        return client

    def connected(self, flags=0):
        client = connect(self.server, flags)
        self.addCleanup(client.close)
        return client

    def check_served(self):
        """The next client is served."""
        with connect(self.server) as client:
            self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)

    def check_closed(self, client):
        with self.assertRaises(Closed):
            client.receive()
        client.close()
        self.assertTrue(self.server.wait_children(0))
        self.check_served()


class Messages(ServerTest):
    def test_null_procedures_answer_always(self):
        client = self.client()
        for program in (CONTROL, CUDA):
            client.call(program, NULL)
        self.assertEqual(client.hello()[0], OK)
        for program in (CONTROL, CUDA):
            client.call(program, NULL)

    def test_unknown_program_version_procedure(self):
        for client in (self.client(), self.connected()):
            client.send(CUDA + 1, 0)
            self.assertEqual(client.receive()[1], ("accepted", PROG_UNAVAIL))
            for program in (CONTROL, CUDA):
                client.send(program, 0, version=2)
                _, status, reader = client.receive()
                self.assertEqual((status, reader.u32(), reader.u32()), (("accepted", PROG_MISMATCH), 1, 1))
        for program, procedure in ((CONTROL, 99), (CUDA, 1), (CUDA, 0xffffffff), (CUDA, 0x1ffff)):
            client.send(program, procedure)
            self.assertEqual(client.receive()[1], ("accepted", PROC_UNAVAIL))
        self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)

    def test_another_rpc_version(self):
        client = self.client()
        client.send(CONTROL, NULL, rpc=3)
        _, status, reader = client.receive()
        self.assertEqual((status, reader.u32()), (("denied", RPC_MISMATCH, 2), 2))  # lowest and highest version

    def test_calls_before_hello_are_denied(self):
        client = self.client()
        for program, procedure in ((CONTROL, SNAPSHOT), (CONTROL, STATISTICS), (CONTROL, GOODBYE), (CONTROL, UPLOAD),
                                   (CUDA, PROCEDURES["cuMemAlloc_v2"]), (CUDA, 99999)):
            client.send(program, procedure)
            self.assertEqual(client.receive()[1], ("denied", AUTH_ERROR, AUTH_TOOWEAK))
        self.assertEqual(client.hello()[0], OK)

    def test_credentials(self):
        client = self.client()
        client.call(CONTROL, NULL, credential=b"x" * 400)
        client.send(CONTROL, NULL, credential=b"x" * 404)
        self.assertEqual(client.receive()[1], ("denied", AUTH_ERROR, AUTH_BADCRED))
        client.call(CONTROL, NULL)

    def test_fragments(self):
        client = self.client()
        record = u32(9, 0, 2, CONTROL, 1, NULL, 0, 0, 0, 0)
        for byte in record[:-1]:
            client.send_raw(u32(1) + bytes([byte]))
        client.send_raw(u32(0) + u32(0x80000001) + record[-1:])
        self.assertEqual(client.receive()[:2], (9, ("accepted", SUCCESS)))

    def test_arguments_that_do_not_decode(self):
        client = self.connected()
        launch = u64(1) + u32(*[1] * 7) + u64(0)
        for name, arguments in (("cuMemAlloc_v2", b""), ("cuMemAlloc_v2", u32(1)),
                                ("cuMemcpyHtoD_v2", u64(16) + u32(8)),
                                ("cuMemcpyHtoD_v2", u64(16) + u32(0xffffffff)),
                                ("cuMemcpyHtoD_v2", u64(16) + u32((4 << 20) + 1) + bytes((4 << 20) + 4)),
                                ("cuLibraryGetGlobal", u64(1) + u32(65537) + bytes(65540)),
                                ("cuLibraryGetGlobal", u64(1) + u32(0xfffffffe)),
                                ("cuLibraryLoadData", u64(1) + u32(65) + bytes(65 * 12) + u32(0)),
                                ("cuLibraryLoadData", u64(1) + u32(0xffffffff)),
                                ("cuLaunchKernel", launch + u32(32769) + bytes(32772)),
                                ("cuLaunchKernelEx", launch + u32(0) + u32(65) + bytes(65 * 68)),
                                ("cuArray3DCreate_v2", u64(4, 4, 0) + u32(1)),
                                ("cuTexObjectCreate", bytes(48 + 56)),
                                ("cricketBoxHtoD", box(1) + u64(4, 1, 1, 0) + u32((4 << 20) + 1)),
                                ("cricketBoxHtoD", box(1) + u64(4, 1, 1, 0) + u32(0xffffffff)),
                                ("cricketBoxDtoH", box(1) + u64(4, 1))):
            client.cuda_send(name, arguments)
            self.assertEqual(client.receive()[1], ("accepted", GARBAGE_ARGS), name)
        for arguments in (b"", u64(1, 2, 0) + u32((4 << 20) + 1), u64(1, 2, 0) + u32(8)):
            client.send(CONTROL, UPLOAD, arguments)
            self.assertEqual(client.receive()[1], ("accepted", GARBAGE_ARGS))
        self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)

    def test_hello_that_does_not_decode(self):
        for arguments in (b"", u32(1) + HASH + u32(1025) + bytes(1028) + opaque("") + u32(0),
                          u32(1) + HASH + opaque("") + u32(0xffffffff), u32(1) + HASH[:16]):
            client = self.client()
            client.send(CONTROL, HELLO, arguments)
            self.assertEqual(client.receive()[1], ("accepted", GARBAGE_ARGS))
            self.assertEqual(client.hello()[0], OK)

    def test_an_async_call_that_does_not_decode_ends_the_session(self):
        client = self.connected(ONEWAY)
        client.cuda_send("cuMemFree_v2")
        self.check_closed(client)

    def test_foreign_handles(self):
        client = self.connected()
        for wrong in (0x7fff00001234, 2**64 - 1, handle(CONTEXT, 7), handle(LIBRARY, 0, 0), 3):
            for name, arguments in (("cuLibraryUnload", u64(wrong)), ("cuModuleUnload", u64(wrong)),
                                    ("cuLibraryGetModule", u64(wrong)), ("cuCtxSetCurrent", u64(wrong)),
                                    ("cuCtxDestroy_v2", u64(wrong)), ("cuEventSynchronize", u64(wrong)),
                                    ("cuFuncLoad", u64(wrong)), ("cricketFuncGetAttributes", u64(wrong)),
                                    ("cuArrayDestroy", u64(wrong)), ("cuMipmappedArrayDestroy", u64(wrong)),
                                    ("cuMipmappedArrayGetLevel", u64(wrong) + u32(0)),
                                    ("cuArrayGetMemoryRequirements", u64(wrong) + u32(0)),
                                    ("cuTexObjectCreate", u32(0) + u64(wrong) + bytes(32 + 56 + 48)),
                                    ("cuSurfObjectCreate", u32(0) + u64(wrong) + bytes(32)),
                                    ("cuTexObjectDestroy", u64(wrong)), ("cuSurfObjectDestroy", u64(wrong)),
                                    ("cricketBoxHtoD", box(wrong) + u64(4, 1, 1, 0) + opaque(bytes(4))),
                                    ("cricketBoxDtoH", box(wrong) + u64(4, 1, 1, 0)),
                                    ("cricketBoxDtoD", box(wrong) + box(wrong) + u64(4, 1, 1, 0)),
                                    ("cuLaunchKernel", u64(wrong) + u32(*[1] * 7) + u64(0) + opaque(b""))):
                self.assertEqual(client.cuda(name, arguments)[0], 400, (name, hex(wrong)))

    def test_boxes_whose_size_is_not_that_of_their_bytes(self):
        client = self.connected()
        for size in ((4, 2, 1), (0, 1, 1), (2**63, 2, 1), (2**32, 2**32, 1), (4 << 20, 2, 1)):
            sent = client.cuda("cricketBoxHtoD", box(0)[:3] + bytes(1) + box(0)[4:] + u64(*size, 0) + opaque(bytes(4)))
            self.assertEqual(sent[0], 1, size)
        for size in ((2**63, 2, 1), (2**32, 2**32, 1), (4 << 20, 2, 1)):
            fetched = client.cuda("cricketBoxDtoH", box(0)[:3] + bytes(1) + box(0)[4:] + u64(*size, 0))
            self.assertEqual(fetched[0], 1, size)

    def test_a_name_with_control_characters_stays_one_line_in_the_log(self):
        with Client(self.server.uri) as client:
            self.assertEqual(client.hello(name="evil\nsession 1: \x1b[2J")[0], OK)
        self.server.wait_log(r'client "evil\?session 1: \?\[2J"\n')


class Streams(ServerTest):
    def test_garbage(self):
        random.seed(14833)
        for size in (1, 3, 4, 5, 40, 1000, 100000):
            client = self.client()
            try:
                client.send_raw(random.randbytes(size))
                client.socket.shutdown(socket.SHUT_WR)
            except (BrokenPipeError, ConnectionResetError, OSError):
                pass  # the server has had enough
            self.check_closed(client)

    def test_requests_of_another_protocol(self):
        client = self.client()
        client.send_raw(b"GET / HTTP/1.1\r\nHost: gpu\r\n\r\n")
        self.check_closed(client)

    def test_a_reply_or_a_short_header_is_no_call(self):
        for record in (u32(1, 1, 0, 0, 0, 0), b"", u32(1), u32(1, 0, 2), u32(1, 0, 2, CONTROL, 1, 0, 0)):
            client = self.client()
            client.send_record(record)
            self.check_closed(client)

    def test_truncated_records(self):
        for data in (b"\x80", u32(0x80000028), u32(0x80000028) + u32(1, 0, 2), u32(8) + bytes(8)):
            client = self.client()
            client.send_raw(data)
            client.close()
            self.assertTrue(self.server.wait_children(0))
            self.check_served()

    def test_absurd_lengths(self):
        for mark in (0xffffffff, 0x7fffffff, 0x80000000 | (8 << 20) + 1):
            client = self.connected()
            client.send_raw(u32(mark))
            self.check_closed(client)

    def test_a_claimed_length_allocates_nothing(self):
        client = self.connected()
        session, = self.server.children()
        before = memory_of(session)
        client.send_raw(u32(0x80000000 | 8 << 20))
        client.send_raw(bytes(100))
        other = connect(self.server)  # by now the server has had time to be foolish
        other.close()
        self.assertLess(memory_of(session) - before, 1 << 20)


class Hello(ServerTest):
    def test_version_mismatch_names_both(self):
        for protocol, digest in ((2, HASH), (1, bytes(32)), (0xffffffff, HASH)):
            client = self.client()
            status, reader = client.hello(protocol=protocol, digest=digest)
            self.assertEqual((status, reader.u32(), reader.take(32)), (VERSION_MISMATCH, 1, HASH))
            message = reader.opaque().decode()
            self.assertIn("protocol 1." + HASH[:4].hex(), message)
            self.assertIn(f"{protocol}." + digest[:4].hex(), message)
            self.check_closed(client)


class Timeout(ServerTest):
    options = ("--hello-timeout", "300")

    def test_a_silent_client_is_dropped(self):
        self.check_closed(self.client())
        self.server.wait_log("no HELLO came in time")

    def test_null_calls_and_crumbs_do_not_extend_the_time(self):
        for crumbs in (lambda client: client.call(CONTROL, NULL), lambda client: client.send_raw(b"\0\0\0\0")):
            client = self.client()
            with self.assertRaises((Closed, BrokenPipeError, ConnectionResetError)):
                while True:
                    crumbs(client)

    def test_who_has_introduced_himself_may_be_silent(self):
        client, silent = self.connected(), self.client()
        with self.assertRaises(Closed):
            silent.receive()
        self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)


class Token(unittest.TestCase):
    def test_token(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"sesame \n")
            file.flush()
            with Server("--token-file", file.name) as server:
                for token in (b"", b"sesam", b"sesamf", b"sesame2", b"Sesame", b"sesame \n", b"x" * 1024):
                    with Client(server.uri) as client:
                        status, reader = client.hello(token=token)
                        self.assertEqual(status, BAD_TOKEN, token)
                        reader.take(36)
                        self.assertIn(b"CRICKET_TOKEN_FILE", reader.opaque())
                        with self.assertRaises(Closed):
                            client.receive()
                with Client(server.uri) as client:
                    self.assertEqual(client.hello(token=b"sesame")[0], OK)
                    session = server.children()[-1]
                    for place in ("cmdline", "environ"):
                        with open(f"/proc/{session}/{place}", "rb") as text:
                            self.assertNotIn(b"sesame", text.read())
                self.assertNotIn("sesame", server.log)

    def test_beyond_loopback_only_with_a_token(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"sesame")
            file.flush()
            with Server("--token-file", file.name, listen="tcp://0.0.0.0:0") as server:
                with Client(server.uri.replace("0.0.0.0", "127.0.0.1")) as client:
                    self.assertEqual(client.hello(token=b"sesame")[0], OK)


class Many(ServerTest):
    options = ("--max-sessions", "3")

    def test_one_too_many_is_told_so(self):
        clients = [self.connected() for _ in range(3)]
        extra = self.client()
        status, reader = extra.hello()
        self.assertEqual(status, BUSY)
        reader.take(36)
        self.assertIn(b"--max-sessions", reader.opaque())
        with self.assertRaises(Closed):
            extra.receive()
        clients[0].close()
        self.assertTrue(self.server.wait_children(2))
        self.connected()

    def test_refusals_are_bounded(self):
        clients = [self.connected() for _ in range(3)]
        extras = [self.client() for _ in range(30)]
        for extra in extras[8:]:
            with self.assertRaises(Closed):
                extra.receive()
        self.assertEqual(len(self.server.children()), 11)
        self.assertEqual(clients[0].cuda("cuMemAlloc_v2", u64(16))[0], 0)


def memory_of(pid):
    """Resident memory in bytes."""
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


class Leaks(ServerTest):
    def footprint(self):
        self.assertTrue(self.server.wait_children(0))
        pid = self.server.process.pid
        return len(os.listdir(f"/proc/{pid}/fd")), memory_of(pid)

    def some_session(self, number):
        if number % 3 == 0:
            with Client(self.server.uri) as client:
                client.send_raw(b"garbage garbage garbage")
        elif number % 3 == 1:
            with Client(self.server.uri):
                pass
        else:
            with connect(self.server, ONEWAY) as client:
                client.cuda_send("cuMemsetD8_v2", u64(0) + u32(0) + u64(1))
                self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 1)

    def test_300_sessions_leave_nothing(self):
        for number in range(30):
            self.some_session(number)
        fds, memory = self.footprint()
        for number in range(300):
            self.some_session(number)
        after_fds, after_memory = self.footprint()
        self.assertEqual(after_fds, fds)
        self.assertLess(after_memory - memory, 256 << 10)


class Ends(unittest.TestCase):
    def check_signal(self, how):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            server = Server(listen=f"unix://{path}")
            clients = [connect(server) for _ in range(2)]
            clients[0].cuda("cuCtxSetLimit", u32(0) + u64(1))
            clients[0].cuda_send("cuCtxSynchronize")  # in the middle of a call
            children = server.children()
            self.assertEqual(len(children), 2)
            self.assertTrue(os.path.exists(path))
            self.assertEqual(server.stop(how), 0)
            self.assertFalse(os.path.exists(path))
            for child in children:
                self.assertFalse(os.path.exists(f"/proc/{child}"))
            for client in clients:
                with self.assertRaises(Closed):
                    client.receive()
                client.close()

    def test_sigterm(self):
        self.check_signal(signal.SIGTERM)

    def test_sigint(self):
        self.check_signal(signal.SIGINT)

    def test_a_killed_server_takes_its_sessions_along(self):
        server = Server()
        with connect(server) as client:
            self.assertEqual(server.stop(signal.SIGKILL), -signal.SIGKILL)
            with self.assertRaises(Closed):
                client.receive()

    def test_a_stale_socket_is_taken_over(self):
        with tempfile.TemporaryDirectory() as folder:
            uri = f"unix://{folder}/socket"
            self.assertEqual(Server(listen=uri).stop(signal.SIGKILL), -signal.SIGKILL)
            self.assertTrue(os.path.exists(f"{folder}/socket"))
            with Server(listen=uri) as server, connect(server) as client:
                self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)


class CommandLine(unittest.TestCase):
    """One clear line and a status: 1 where the server cannot run, 2 where the command line is wrong."""

    def check(self, status, words, *options, environment=None):
        run = subprocess.run([os.environ["CRICKET_SERVER_PROGRAM"], *options], capture_output=True, text=True,
                             timeout=TIMEOUT, check=False, env=dict(os.environ, **(environment or {})))
        self.assertEqual((run.returncode, run.stdout), (status, ""), run.stderr)
        self.assertIn(words, run.stderr)
        self.assertLessEqual(run.stderr.count("\n"), status)

    def test_wrong_command_lines(self):
        for options in (("--listen", "nonsense"), ("--driver", "nonsense"), ("--max-sessions", "0"), ("--log", "loud"),
                        ("--max-sessions", "many"), ("--nonsense",), ("nonsense",), ("--listen",)):
            self.check(2, "--help", *options)

    def test_what_keeps_the_server_from_running(self):
        driver = ("--driver", os.environ["CRICKET_FAKE_DRIVER"])
        self.check(1, "--token-file", "--listen", "tcp://0.0.0.0:0", *driver)
        self.check(1, "No such file", "--token-file", "/nonexistent", *driver)
        self.check(1, "1 to 1024 bytes", "--token-file", "/dev/null", *driver)
        self.check(1, "cannot open shared object file", "--driver", "/nonexistent/libcuda.so.1")
        self.check(1, "not a CUDA driver", "--driver", "/lib/x86_64-linux-gnu/libm.so.6")
        self.check(1, "no device", *driver, environment={"FAKE_DRIVER_DEVICES": "0"})
        self.check(1, "CUDA error 803", *driver, environment={"FAKE_DRIVER_BROKEN": "1"})

    def test_a_busy_address(self):
        with tempfile.TemporaryDirectory() as folder:
            for listen in ("tcp://127.0.0.1:0", f"unix://{folder}/socket"):
                with Server(listen=listen) as server:
                    self.check(1, "another program listens there", "--listen", server.uri, "--driver",
                               os.environ["CRICKET_FAKE_DRIVER"])
                    with connect(server):
                        pass

    def test_help_and_version(self):
        for option, words in (("--help", "--max-sessions"), ("--version", "cricket-server ")):
            run = subprocess.run([os.environ["CRICKET_SERVER_PROGRAM"], option], capture_output=True, text=True,
                                 timeout=TIMEOUT, check=True)
            self.assertIn(words, run.stdout)


class Shortage(unittest.TestCase):
    def test_without_fds_the_server_waits(self):
        """One fd short of what a session needs: clients wait; with fds again they are served."""
        with Server() as server:
            limit = subprocess.run(["prlimit", f"--pid={server.process.pid}", "--nofile=4:1024"], check=False)
            if limit.returncode != 0:
                self.skipTest("prlimit is not installed")
            with Client(server.uri) as waiting:
                server.wait_log("cannot")
                start = cpu_time(server.process.pid)
                server.log = ""
                server.wait_log("cannot")
                self.assertLess(cpu_time(server.process.pid) - start, 0.1)
                self.assertIsNone(server.process.poll())
                subprocess.run(["prlimit", f"--pid={server.process.pid}", "--nofile=1024:1024"], check=True)
                try:
                    waiting.call(CONTROL, NULL)
                except Closed:
                    pass  # accepted when there was an fd for the connection, but none for the session
            with connect(server) as client:
                self.assertEqual(client.cuda("cuMemAlloc_v2", u64(16))[0], 0)


def cpu_time(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main()
