#!/usr/bin/env python3
"""gate.py PORT.H NM SIZE FOLDER: what libcricket.a needs is the platform interface, and nothing else.

PORT.H names it: the functions that every port has, and those for which the archive brings weak ones.
"""
import re
import subprocess
import sys

# Every compiler calls these by itself; libcricket_mem.a has them.
MEMORY = {"memcpy", "memmove", "memset", "memcmp"}
REQUIRED = {f"cricket_port_{name}" for name in ("connect", "send", "receive", "close", "allocate", "free")}
OPTIONAL = {f"cricket_port_{name}" for name in ("nanoseconds", "setting", "write", "read")}
OFFERED = {"cricket_port_parse_tcp", "cricket_port_parse_vsock"}
TEXT_MAX = 150 << 10  # bytes of code of the driver


def symbols(nm, path, *options):
    lines = subprocess.run([nm, *options, path], check=True, capture_output=True, text=True).stdout.splitlines()
    rows = [line.split()[-2:] for line in lines if line.strip() and not line.endswith(":")]
    return {(kind, name) for kind, name in rows if name != "_GLOBAL_OFFSET_TABLE_"}


def defined(nm, path):
    return {name for _, name in symbols(nm, path, "-g", "--defined-only")}


def undefined(nm, path):
    return {name for _, name in symbols(nm, path, "-u")} - defined(nm, path)


def expect(what, found, wanted):
    if found != wanted:
        sys.exit(f"{what}: unexpected {sorted(found - wanted)}, missing {sorted(wanted - found)}")


def text_size(size, path):
    lines = subprocess.run([size, "-A", path], check=True, capture_output=True, text=True).stdout.splitlines()
    return sum(int(line.split()[1]) for line in lines if re.match(r"\.text[. ]", line))


def main():
    header, nm, size, folder = sys.argv[1:]
    with open(header, encoding="utf-8") as file:
        declared = set(re.findall(r"\b(cricket_port_\w+)\(", file.read()))
    archive = f"{folder}/libcricket.a"
    expect("port.h", declared, REQUIRED | OPTIONAL | OFFERED)
    expect("undefined in libcricket.a", undefined(nm, archive), REQUIRED | MEMORY)
    weak = {name for kind, name in symbols(nm, archive, "-g", "--defined-only") if kind == "W"}
    expect("weak functions of the port", {name for name in weak if name.startswith("cricket_")}, OPTIONAL)
    expect("undefined in libcricket_mem.a", undefined(nm, f"{folder}/libcricket_mem.a"), set())
    expect("defined in libcricket_mem.a", defined(nm, f"{folder}/libcricket_mem.a"), MEMORY)
    names = defined(nm, archive)
    expect("names that are nobody's", {name for name in names if not re.match(r"cu|__cuda|cricket_", name)}, set())
    driver, runtime = (text_size(size, f"{folder}/cricket_{part}.o") for part in ("driver", "runtime"))
    print(f"code: driver {driver >> 10} KiB, runtime {runtime >> 10} KiB")
    if driver >= TEXT_MAX:
        sys.exit(f"the driver has {driver} bytes of code, more than {TEXT_MAX}")


if __name__ == "__main__":
    main()
