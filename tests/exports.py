#!/usr/bin/env python3
"""exports.py OURS THEIRS: compares what two shared libraries export, names with versions, by nm."""
import os
import subprocess
import sys


def exported(path):
    listing = subprocess.run(["nm", "-D", "--defined-only", path], check=True, capture_output=True, text=True).stdout
    fields = [line.split() for line in listing.splitlines()]
    return {field[-1] for field in fields if field[-2] != "A"}


def main():
    ours, theirs = sys.argv[1:]
    if not os.path.exists(theirs):
        print(f"cannot run: the toolkit has no {theirs}")
        return 77
    missing, extra = exported(theirs) - exported(ours), exported(ours) - exported(theirs)
    print(f"{len(exported(ours))} exported, missing: {sorted(missing)}, too many: {sorted(extra)}")
    return 1 if missing or extra else 0


if __name__ == "__main__":
    sys.exit(main())
