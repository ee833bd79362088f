#!/usr/bin/env python3
"""seeds.py PROTO FOLDER PTX...: one call of each procedure, alone and behind a few others, as records for the server;
replies of each shape for the client; each function of the PTX files by itself, since short inputs are tried more often.
Records begin with the byte that tests/fuzz/server.c and receiver.c take first."""
import pathlib
import re
import struct
import sys

CONTROL, CUDA = 0x20008098, 0x20008099
CONTEXT, STREAM, EVENT = 1, 5, 6
KINDS = 16  # and more than there are


def u32(*values):
    return struct.pack(f">{len(values)}I", *values)


def u64(*values):
    return struct.pack(f">{len(values)}Q", *values)


def record(body):
    return u32(0x80000000 | len(body)) + body


def call(program, procedure, arguments, xid=7):
    return record(u32(xid, 0, 2, program, 1, procedure, 0, 0, 0, 0) + arguments)


def handle(kind, index=0, generation=1):
    return kind << 56 | generation << 32 | index


def opaque(data):
    return u32(len(data)) + data + bytes(-len(data) % 4)


def procedures(path):
    text = path.read_text(encoding="utf-8")
    return {name: int(number, 0) for name, number in re.findall(r"\bRPC_(\w+)\(.*\) = (\w+);", text)}


def server_seeds(numbers, link):
    """What most sessions begin with, then each procedure with zeros, and with handles that are live."""
    image = b".version 8.0\n"
    begin = b"".join((
        call(CUDA, numbers["cuDevicePrimaryCtxRetain"], u32(0)),
        call(CUDA, numbers["cuCtxSetCurrent"], u64(handle(CONTEXT, 0, 0))),
        call(CUDA, numbers["cuStreamCreate"], u64(handle(STREAM)) + u32(0)),
        call(CUDA, numbers["cuEventCreate"], u64(handle(EVENT)) + u32(0)),
        call(CONTROL, 5, u64(1, len(image), 0) + opaque(image)),
        call(CUDA, numbers["cuLibraryLoadData"], u64(1) + u32(0, 0)),
        call(CUDA, numbers["cuLinkCreate_v2"], u32(0)),
        call(CONTROL, 5, u64(2, len(image), 0) + opaque(image)),
        call(CUDA, numbers["cuLinkAddData_v2"], u64(handle(link, 0, 0)) + u32(1) + u64(2) + opaque(b"x") + u32(0)),
        call(CUDA, numbers["cuLinkComplete"], u64(handle(link, 0, 0))),
    ))
    yield "begin", b"\1" + begin
    for name, number in numbers.items():
        yield name, b"\0" + call(CUDA, number, bytes(96))
        arguments = [u64(handle(kind, 0, generation)) + bytes(80)
                     for kind in range(1, KINDS) for generation in (0, 1)]
        yield name + "-live", b"\1" + begin + b"".join(call(CUDA, number, a) for a in arguments)
    for number in range(9):
        yield f"control-{number}", b"\0" + call(CONTROL, number, bytes(64))


def receiver_seeds():
    head = u32(1, 0, 0, 0, 0)
    for xid in range(4):
        good = u32(xid) + head
        yield f"ok-{xid}", b"\x40" + record(good + u32(0) + opaque(bytes(120)))
        yield f"error-{xid}", b"\0" + record(good + u32(700))
        yield f"empty-{xid}", b"\xff" + record(good)
    yield "denied", b"\x10" + record(u32(0, 1, 1, 0, 2, 2))
    body = u32(0) + head + u32(0, 1, 2, 3)
    yield "fragments", b"\x20" + u32(len(body) - 8) + body[:-8] + u32(0x80000008) + body[-8:]


def ptx_seeds(paths):
    for path in paths:
        head, *functions = re.split(r"(?m)^(?=(?:\.visible |\.weak )?\.(?:entry|func))", path.read_text(encoding="utf-8"))
        head = "\n".join(line for line in head.splitlines() if not line.startswith("//"))
        for number, function in enumerate(functions):
            yield f"{path.stem}-{number}", (head + function).encode()


def kind_of(name):
    """The number of a handle's kind in common/handle.h."""
    text = (pathlib.Path(__file__).parents[2] / "common" / "handle.h").read_text(encoding="utf-8")
    return 1 + re.findall(r"CR_KIND_(\w+)", text).index(name)


def main():
    proto, folder, *texts = map(pathlib.Path, sys.argv[1:])
    for target, seeds in (("server", server_seeds(procedures(proto / "rpc_cuda.x"), kind_of("LINK"))), ("receiver", receiver_seeds()),
                          ("ptx", ptx_seeds(texts))):
        (folder / target).mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (folder / target / name).write_bytes(data)


if __name__ == "__main__":
    main()
