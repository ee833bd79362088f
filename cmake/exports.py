#!/usr/bin/env python3
"""Turns an export list (abi/*.txt) into the three things a drop-in library needs.

    exports.py stubs LIST HEADER   C: a weak definition of every symbol, which reports itself as
                                   unsupported; an implementation elsewhere in the library overrides it
    exports.py map LIST [NODE]     linker version script that exports exactly the listed symbols
    exports.py procaddress LIST    C: rows {name, version, stream variant, symbol} for cuGetProcAddress

HEADER is included by the stubs and must declare `CRICKET_UNSUPPORTED(symbol)`, the macro that
expands to the body of the stub. A stub declares no parameters: in every ABI that CUDA runs on, the
caller owns the argument area, so ignoring it is sound.
"""
import sys


def rows(path):
    with open(path, encoding="utf-8") as lines:
        return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def symbols(path):
    return sorted({row[-1] for row in rows(path)})


def stubs(path, header):
    yield f'#include "{header}"'
    for symbol in symbols(path):
        yield f"__attribute__((weak, visibility(\"default\"))) int {symbol}(void);"
        yield f"int {symbol}(void) {{ CRICKET_UNSUPPORTED({symbol}) }}"


def version_map(path, node=""):
    yield f"{node} {{".strip()
    yield "global:"
    for symbol in symbols(path):
        yield f"\t{symbol};"
    yield "local:\n\t*;\n};"


def procaddress(path):
    for name, version, variant, symbol in rows(path):
        stream = {"-": "DEFAULT", "_ptsz": "PER_THREAD", "_ptds": "PER_THREAD"}[variant]
        yield f"PROC_ADDRESS({name}, {version}, {stream}, {symbol})"


def main(argv):
    commands = {"stubs": stubs, "map": version_map, "procaddress": procaddress}
    if len(argv) < 3 or argv[1] not in commands:
        sys.exit(__doc__)
    print("\n".join(commands[argv[1]](*argv[2:])))


if __name__ == "__main__":
    main(sys.argv)
