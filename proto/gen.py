#!/usr/bin/env python3
"""Makes code and tables from the annotated protocol description. proto/README.md explains the annotations.

    gen.py server   CUDA.x OUTDIR                  driver.h driver.c handlers.h handlers.c
    gen.py client   CUDA.x CONTROL.x ABI OUTDIR    functions.h functions.c hand.h shim.c
    gen.py wire     FILE.x...                      the wire format as text (proto/wire.golden)
    gen.py check    GOLDEN FILE.x...               compares the golden dump with the description
    gen.py hash     FILE.x...                      C: the protocol's hash, exchanged in HELLO
    gen.py coverage CUDA.x ABI                     Markdown: which functions travel, stay, or are unsupported
    gen.py cbid     CUDA.x HEADER                  compares procedure numbers with NVIDIA's cupti_driver_cbid.h

A mistake in the description is an error message with file, line and function, and exit status 1.
"""
import os
import re
import sys

import emit_client
import emit_server
import wire
from annotations import understand
from xfile import SpecError, load


def write(directory, files, *context):
    """Writes each file, but leaves one alone that would not change, so that nothing is built again for nothing."""
    os.makedirs(directory, exist_ok=True)
    for name, emitter in files.items():
        path, text = os.path.join(directory, name), "\n".join(emitter(*context)) + "\n"
        if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)


def abi_symbols(path):
    with open(path, encoding="utf-8") as file:
        return {line.split()[-1] for line in file if line.strip() and not line.startswith("#")}


def server(cuda, directory):
    spec = load(cuda)
    write(directory, emit_server.FILES, understand(spec), spec)


def client(cuda, control, abi, directory):
    spec = load(cuda)
    api, symbols = understand(spec), abi_symbols(abi)
    for call in api.calls:
        if "internal" not in call.flags and call.name not in symbols:
            raise SpecError(call.where, f"{os.path.basename(abi)} exports no such function", call.name)
    write(directory, emit_client.FILES, api, spec, load(control), symbols)


def wire_text(*paths):
    print("\n".join(line for path in paths for line in wire.dump(load(path))))


def check(golden, *paths):
    with open(golden, encoding="utf-8") as file:
        lines = file.read().splitlines()
    complaints = list(wire.compare(lines, [line for path in paths for line in wire.dump(load(path))]))
    if complaints:
        sys.exit("\n".join(f"{golden}: {complaint}" for complaint in complaints))


def hash_source(*paths):
    values = ", ".join(f"{byte:#04x}" for byte in wire.digest([load(path) for path in paths]))
    print(f'#include "protocol_hash.h"\n\nconst unsigned char cricket_protocol_hash[32] = {{{values}}};')


def coverage(cuda, abi):
    api, symbols = understand(load(cuda)), abi_symbols(abi)
    kinds = {call.name: call.kind for call in api.calls if "internal" not in call.flags}

    def kind(symbol):
        return kinds.get(symbol, kinds.get(re.sub(r"_pt[ds][sz]$", "", symbol), "unsupported"))

    print("# Driver API coverage\n\nHow each exported function of libcuda.so.1 is served by the remote library: "
          "*async*, *deferred*, *sync* and *blocking* calls travel, *local* ones are answered by the client, the "
          "others return CUDA_ERROR_NOT_SUPPORTED.\n\n| function | class |\n|---|---|")
    for symbol in sorted(symbols):
        print(f"| {symbol} | {kind(symbol)} |")


def cbid(cuda, header):
    with open(header, encoding="utf-8") as file:
        numbers = dict(re.findall(r"CUPTI_DRIVER_TRACE_CBID_(\w+)\s*=\s*(\d+)", file.read()))
    for call in understand(load(cuda)).calls:
        if call.procedure and "internal" not in call.flags and numbers.get(call.name) != str(call.procedure.number):
            raise SpecError(call.procedure.where, f"number {call.procedure.number}, but its CUPTI id is "
                            f"{numbers.get(call.name)}", call.name)


COMMANDS = {"server": (server, 2), "client": (client, 4), "wire": (wire_text, 1), "check": (check, 2),
            "hash": (hash_source, 1), "coverage": (coverage, 2), "cbid": (cbid, 2)}


def main(argv):
    command, least = COMMANDS.get(argv[1] if len(argv) > 1 else "", (None, 0))
    if not command or len(argv) - 2 < least:
        sys.exit(__doc__)
    try:
        command(*argv[2:])
    except SpecError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv)
