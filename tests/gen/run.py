#!/usr/bin/env python3
"""Tests proto/gen.py: what it makes of a small description, and what it says to mistakes.

    run.py golden GEN TESTDIR            compares every output for small.x with golden/
    run.py bad GEN TESTDIR               each bad/*.x must fail with the message in its first line
    run.py update GEN TESTDIR            writes golden/ anew, to be looked at before it is committed
"""
import pathlib
import subprocess
import sys
import tempfile


def run(generator, *arguments):
    return subprocess.run([sys.executable, generator, *map(str, arguments)], capture_output=True, text=True, check=False)


def generate(generator, folder, out):
    """All outputs for small.x as files in `out`."""
    cuda, control, abi = folder / "small.x", folder / "small_control.x", folder / "small.abi"
    commands = [("server", cuda, out), ("client", cuda, control, abi, out)]
    texts = {"wire.txt": ("wire", cuda), "coverage.md": ("coverage", cuda, abi), "hash.c": ("hash", cuda)}
    for arguments in commands:
        result = run(generator, *arguments)
        assert result.returncode == 0, result.stderr
    for name, arguments in texts.items():
        result = run(generator, *arguments)
        assert result.returncode == 0, result.stderr
        (out / name).write_text(result.stdout, encoding="utf-8")


def golden(generator, folder):
    with tempfile.TemporaryDirectory() as directory:
        out = pathlib.Path(directory)
        generate(generator, folder, out)
        made, kept = ({path.name for path in place.iterdir()} for place in (out, folder / "golden"))
        assert made == kept, f"files made {sorted(made)}, golden {sorted(kept)}"
        different = [name for name in sorted(made)
                     if (out / name).read_text(encoding="utf-8") != (folder / "golden" / name).read_text(encoding="utf-8")]
        assert not different, f"not as in golden/: {', '.join(different)}; look at `run.py update` and git diff"
        print(f"{len(made)} files as expected")


def bad(generator, folder):
    cases = sorted((folder / "bad").glob("*.x"))
    assert len(cases) >= 20, f"only {len(cases)} bad inputs found"
    for case in cases:
        first = case.read_text(encoding="utf-8").split("\n", 1)[0]
        expected = first.removeprefix("/* expect: ").removesuffix(" */")
        with tempfile.TemporaryDirectory() as out:
            result = run(generator, "client", case, folder / "small_control.x", folder / "small.abi", out)
        assert result.returncode == 1, f"{case.name}: exit status {result.returncode}, not 1"
        assert result.stderr.startswith(expected), f"{case.name}: says {result.stderr!r}, not {expected!r}"
    print(f"{len(cases)} mistakes reported as expected")


def update(generator, folder):
    generate(generator, folder, folder / "golden")


if __name__ == "__main__":
    {"golden": golden, "bad": bad, "update": update}[sys.argv[1]](sys.argv[2], pathlib.Path(sys.argv[3]))
