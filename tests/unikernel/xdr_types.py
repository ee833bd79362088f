#!/usr/bin/env python3
"""xdr_types.py HEADER...: C rows TYPE(name) for every XDR function that rpcgen's headers declare."""
import re
import sys

names = set()
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        names |= set(re.findall(r"bool_t xdr_(\w+) \(XDR \*, \1 ?\*\);", file.read()))
assert len(names) > 50, "rpcgen's headers look different"
print("\n".join(f"TYPE({name})" for name in sorted(names)))
