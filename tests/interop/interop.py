#!/usr/bin/env python3
"""Standard tools and clients against cricket-server: `interop.py rpcinfo|stock_client|tshark`."""
import collections
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

import harness

CONTROL, CUDA = 0x20008098, 0x20008099
STOCK_CLIENT = os.path.join(harness.BUILD, "tests", "stock_client")


def port_of(server):
    return int(server.uri.rsplit(":", 1)[1])


def need(tool):
    if not shutil.which(tool):
        print(f"SKIP: {tool} is not installed")
        sys.exit(harness.SKIPPED)


def rpcinfo():
    """The NULL procedures answer rpcinfo, which needs no rpcbind when it is told the address."""
    need("rpcinfo")
    with harness.Server() as server:
        port = port_of(server)
        for program in (CONTROL, CUDA):
            result = harness.run("rpcinfo", "-a", f"127.0.0.1.{port >> 8}.{port & 255}", "-T", "tcp", str(program), "1")
            assert result.returncode == 0, result.stdout + result.stderr
            assert f"program {program} version 1 ready and waiting" in result.stdout, result.stdout
        result = harness.run("rpcinfo", "-a", f"127.0.0.1.{port >> 8}.{port & 255}", "-T", "tcp", str(CUDA), "7")
        assert result.returncode != 0 and "version" in result.stdout + result.stderr, "version 7 must be refused"


def stock_client():
    with harness.Server() as server:
        result = harness.run(STOCK_CLIENT, str(port_of(server)))
        assert result.returncode == 0, result.stdout + result.stderr
        assert "1000 elements as expected" in result.stdout, result.stdout


class Recorder:
    """Stands between client and server and remembers what passes: [(from the client?, bytes)]."""

    def __init__(self, port):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port, self.server_port, self.segments = self.listener.getsockname()[1], port, []
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.server_port))
        back = threading.Thread(target=self.copy, args=(server, client, False))
        back.start()
        self.copy(client, server, True)
        back.join()
        for end in (client, server, self.listener):
            end.close()

    def copy(self, source, sink, from_client):
        while data := source.recv(8192):
            self.segments.append((from_client, data))
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)


def write_pcap(path, segments, port):
    """A capture file with the segments as TCP packets; no privileges and no timing are involved."""
    sequence = {True: 1, False: 1}
    with open(path, "wb") as file:
        file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))  # raw IP
        for number, (from_client, data) in enumerate(segments):
            ports = (40000, port) if from_client else (port, 40000)
            tcp = struct.pack(">HHIIBBHHH", *ports, sequence[from_client], sequence[not from_client], 0x50, 0x18,
                              65535, 0, 0)
            ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40 + len(data), number & 0xffff, 0, 64, 6, 0,
                             bytes([127, 0, 0, 1]), bytes([127, 0, 0, 1]))
            packet = ip + tcp + data
            file.write(struct.pack("<IIII", number, 0, len(packet), len(packet)) + packet)
            sequence[from_client] += len(data)


def tshark():
    """Wireshark's dissector understands a whole session: every call and reply, and nothing malformed."""
    need("tshark")
    with harness.Server() as server, tempfile.TemporaryDirectory(prefix="cricket-test-") as folder:
        recorder = Recorder(port_of(server))
        result = harness.run(STOCK_CLIENT, str(recorder.port))
        recorder.thread.join()
        assert result.returncode == 0, result.stdout + result.stderr
        path = os.path.join(folder, "session.pcap")
        write_pcap(path, recorder.segments, 14833)
        fields = [argument for field in ("rpc.msgtyp", "rpc.program", "rpc.procedure", "rpc.xid", "_ws.malformed")
                  for argument in ("-e", field)]
        output = subprocess.run(["tshark", "-r", path, "-d", "tcp.port==14833,rpc", "-o",
                                 "rpc.dissect_unknown_programs:TRUE", "-T", "fields", *fields],
                                capture_output=True, text=True, check=True, env=harness.environment(HOME=folder)).stdout
    calls, replies = collections.Counter(), 0
    for line in output.splitlines():
        kinds, programs, procedures, _, malformed = line.split("\t")
        assert not malformed, line
        kinds = kinds.split(",") if kinds else []
        replies += kinds.count("1")
        for program, procedure in zip(programs.split(","), procedures.split(",")):
            if "0" in kinds:
                calls[int(program, 0), int(procedure, 0)] += 1
    for call in ((CONTROL, 1), (CONTROL, 4), (CUDA, 243), (CUDA, 307), (CUDA, 278)):
        assert calls[call], f"no call of {call} in the capture: {calls}"
    assert replies == sum(calls.values()), f"{sum(calls.values())} calls, {replies} replies"
    print(f"{replies} calls and replies decoded")


if __name__ == "__main__":
    {"rpcinfo": rpcinfo, "stock_client": stock_client, "tshark": tshark}[sys.argv[1]]()
