#!/usr/bin/env python3
"""Every function that a drop-in libcuda.so.1 does not implement says so: stubs.py LIBRARY.

A stub is a weak symbol, which an implementation would have overridden; it ignores its arguments.
"""
import ctypes
import subprocess
import sys

CUDA_ERROR_NOT_SUPPORTED = 801


def weak_symbols(path):
    output = subprocess.run(["nm", "-D", "--defined-only", path], capture_output=True, text=True, check=True).stdout
    return [line.split()[2].split("@")[0] for line in output.splitlines() if line.split()[1] == "W"]


def main(path):
    library, names = ctypes.CDLL(path), weak_symbols(path)
    if not names:
        sys.exit(f"{path} has no stubs, which cannot be")
    wrong = [name for name in names if getattr(library, name)() != CUDA_ERROR_NOT_SUPPORTED]
    if wrong:
        sys.exit(f"do not return CUDA_ERROR_NOT_SUPPORTED: {' '.join(wrong)}")
    print(f"{len(names)} functions return CUDA_ERROR_NOT_SUPPORTED")


if __name__ == "__main__":
    main(sys.argv[1])
