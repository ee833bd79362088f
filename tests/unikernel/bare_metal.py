#!/usr/bin/env python3
"""bare_metal.py IMAGE: boots a sample that has no operating system under it, in QEMU, against a live cricket-server.

What it prints must be what the same sample prints on Linux.
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
import harness
import samples

QEMU = "qemu-system-x86_64"
SUCCEEDED = 33
MACHINE = (QEMU, "-M", "microvm,rtc=on", "-accel", "tcg", "-cpu", "max", "-m", "64", "-nodefaults", "-no-user-config",
           "-no-reboot", "-global", "virtio-mmio.force-legacy=off", "-display", "none", "-serial", "stdio",
           "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
           "-device", "virtio-serial-device", "-device", "virtserialport,nr=1,chardev=server")


def boot(image, uri, *arguments):
    host, port = re.fullmatch(r"tcp://(.*):(\d+)", uri).groups()
    return harness.run(*MACHINE, "-chardev", f"socket,id=server,host={host},port={port},nodelay=on", "-kernel", image,
                       "-append", " ".join(("CRICKET_LOG=error CRICKET_CLIENT=image --", *arguments)), timeout=90)


def main():
    image, = sys.argv[1:]
    name = os.path.basename(image)
    if not shutil.which(QEMU):
        print(f"SKIP: there is no {QEMU} (package qemu-system-x86)")
        sys.exit(harness.SKIPPED)
    arguments = samples.arguments_of(name)
    with harness.Server() as server:
        linux = harness.run(harness.sample(f"unikernel/{name}"), *arguments, CRICKET_SERVER=server.uri)
        bare = boot(image, server.uri, *arguments)
        text = bare.stdout.replace("\r", "")
        if bare.returncode != SUCCEEDED or "Result = PASS" not in text.splitlines() or bare.stderr:
            sys.exit(f"{name}: QEMU's exit status {bare.returncode}\n{bare.stdout}\n{bare.stderr}\n{server.text()}")
        bare.stdout = text
        if samples.comparable(bare) != samples.comparable(linux):
            sys.exit(f"{name}: differs from Linux:\n{linux.stdout}\n{text}")
    if not re.search(r'client "image"', server.text()):
        sys.exit(f"the server did not see the image's client:\n{server.text()}")


if __name__ == "__main__":
    main()
