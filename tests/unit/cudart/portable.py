#!/usr/bin/env python3
"""portable.py OBJECT...: the runtime is also built for systems without a C library. Every object but platform.c's may
use only mem*() and str*() beside what the objects define together and what the compiler itself asks for."""
import os
import re
import subprocess
import sys

ALLOWED = re.compile(r"(mem(cpy|set|cmp|move)|str(len|cmp|ncmp|chr))$|_GLOBAL_OFFSET_TABLE_$|__tls_get_addr$|__stack_chk")


def symbols(path, *options):
    listing = subprocess.run(["nm", *options, path], check=True, capture_output=True, text=True).stdout
    return {line.split()[-1] for line in listing.splitlines() if line.strip()}


def main():
    paths = sys.argv[1:]
    defined = set().union(*(symbols(path, "--defined-only", "--extern-only") for path in paths))
    foreign = {
        (os.path.basename(path), name)
        for path in paths
        if os.path.basename(path) != "platform.c.o"
        for name in symbols(path, "--undefined-only") - defined
        if not ALLOWED.match(name)
    }
    print(f"{len(paths)} objects; foreign: {sorted(foreign)}")
    return 1 if foreign or len(paths) < 2 else 0


if __name__ == "__main__":
    sys.exit(main())
