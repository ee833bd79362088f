"""The test bed: one server for each transport that this build offers, raw sockets of the same kinds, and programs on them."""
import contextlib
import os
import tempfile

from .processes import Failed, Listener, Process, Server, Worker

# What a server might listen on. The kind of raw socket to compare with is the second word.
TRANSPORTS = {"tcp": ("tcp://127.0.0.1:0", "tcp"), "unix": ("unix://{folder}/unix", "unix"),
              "shm": ("shm://{folder}/shm", "unix")}
RAW_SOCKETS = {"tcp": "tcp://127.0.0.1:0", "unix": "unix://{folder}/raw"}


class Bed(contextlib.ExitStack):
    """Everything that all benchmarks share, as a context."""

    def __init__(self, build, quick, tell):
        super().__init__()
        self.build, self.quick, self.tell = build, quick, tell
        self.servers, self.raw, self.listeners = {}, {}, []

    def __enter__(self):
        super().__enter__()
        self.folder = self.enter_context(tempfile.TemporaryDirectory(prefix="cricket-bench-"))
        for kind, uri in RAW_SOCKETS.items():
            self.listeners.append(self.enter_context(
                Listener([self.program("raw_server"), uri.format(folder=self.folder)])))
            self.raw[kind] = self.listeners[-1].uri
        for transport in TRANSPORTS:
            self.start_server(transport)
        return self

    def program(self, name):
        return os.path.join(self.build, "bench", name)

    def sample(self, name):
        return os.path.join(self.build, "samples", name)

    def start_server(self, transport):
        """A server that cannot listen there means that this build lacks the transport."""
        address = TRANSPORTS[transport][0].format(folder=self.folder)
        try:
            self.listeners.append(self.enter_context(Server(self.server_command(address))))
            self.servers[transport] = self.listeners[-1].uri
        except Failed:
            if transport in ("tcp", "unix"):
                raise
            self.tell(f"this cricket-server does not listen on {transport}://")

    def server_command(self, address, *options):
        return [os.path.join(self.build, "bin", "cricket-server"), "--listen", address, "--driver", "cpu", "--log",
                "info", *options]

    def places(self):
        """native and every transport."""
        return ["native", *self.servers]

    def command(self, place, *command):
        """The command line that runs a CUDA program natively, over a transport, or on the server at a URI."""
        where = ["--native=cpu"] if place == "native" else ["--server", self.servers.get(place, place)]
        # Without it a client of a Unix socket takes the shared memory that the server offers.
        variables = ["env", "CRICKET_SHM_BYTES=0"] if place == "unix" else []
        return [*variables, os.path.join(self.build, "bin", "cricket"), "run", *where, "--", *command]

    def worker(self, name, place):
        """A program of programs/ that takes commands, as a context."""
        return Worker(self.command(place, self.program(name)))

    def workers(self, name, places=None):
        """{place: worker} as a context."""
        return Workers({place: self.worker(name, place) for place in places or self.places()})

    def raw_client(self, kind):
        return Worker([self.program("raw_client"), self.raw[kind]])

    def raw_clients(self):
        return Workers({kind: self.raw_client(kind) for kind in self.raw})

    def stock(self):
        """The plain RPC client, over TCP."""
        return Worker([self.program("stock"), self.servers["tcp"].rsplit(":", 1)[1]])

    def proxy(self, uri, *options):
        return Listener([self.program("delay_proxy"), "--connect", uri, *options])

    @staticmethod
    def raw_kind(transport):
        return TRANSPORTS[transport][1]


class Workers(contextlib.ExitStack):
    """Several processes by name, started and ended together."""

    def __init__(self, processes):
        super().__init__()
        self.processes: dict[str, Process] = processes

    def __enter__(self):
        super().__enter__()
        for process in self.processes.values():
            self.enter_context(process)
        return self.processes
