"""Whole programs: start-up, loading device code, samples."""
import re

from . import processes
from .figures import take_turns
from .processes import Server

MATRIX = ["--wa", "320", "--ha", "320", "--wb", "320", "--hb", "320"]


def measure_module(bed, figures):
    rounds, functions = (5, 100) if bed.quick else (15, 100)
    number = iter(range(1, 1 << 30))
    with bed.workers("module") as programs:
        cold = take_turns(rounds, {place: lambda w=w: w.ask("load", next(number), functions)[1]
                                   for place, w in programs.items()})
        again = take_turns(rounds, {place: lambda w=w: w.ask("load", 0, functions)[1]
                                    for place, w in programs.items()})
    for what, taken in (("load and first launch", cold), ("load and launch again", again)):
        for place, seconds in taken.items():
            figures.add("module", f"{functions} kernels, {what}", place, "ms", seconds, 1e3,
                        None if place == "native" else ("native", taken["native"]))


def measure_startup(bed, figures):
    rounds = 7 if bed.quick else 15
    taken = take_turns(rounds, {place: lambda place=place: startup(bed, place) for place in bed.places()})
    for place, seconds in taken.items():
        figures.add("startup", "first CUDA call to first result", place, "ms", seconds, 1e3,
                    None if place == "native" else ("native", taken["native"]))
    measure_warm(bed, figures, rounds)


def startup(bed, place):
    return float(processes.run(bed.command(place, bed.program("startup")))[0])


def measure_warm(bed, figures, rounds):
    """The target is for a session that the server has ready; a server without that option shows its cold start."""
    command = bed.server_command("tcp://127.0.0.1:0")
    help_text, _ = processes.run([command[0], "--help"])
    warm = "--warm" in help_text
    what = "first CUDA call to first result, " + ("warm session" if warm else "no warm sessions in this server")
    with Server(command + (["--warm", "4"] if warm else [])) as server:
        taken = take_turns(rounds, {"tcp": lambda: startup(bed, server.uri)})
    figures.add("startup", what, "tcp", "ms", taken["tcp"], 1e3, limit=("<=", 5, False))


def measure_sample(bed, figures, name, arguments, rounds):
    outputs = set()

    def seconds(place):
        text, elapsed = processes.run(bed.command(place, bed.sample(name), *arguments))
        outputs.add(re.search(r"^Checksum = .*$", text, re.MULTILINE).group())
        return elapsed

    taken = take_turns(rounds, {place: lambda place=place: seconds(place) for place in bed.places()})
    if len(outputs) != 1:
        raise AssertionError(f"{name}: the result depends on where it runs: {outputs}")
    for place, values in taken.items():
        figures.add(name, f"whole program ({' '.join(arguments)})", place, "s", values, 1,
                    None if place == "native" else ("native", taken["native"]))


def measure_matrix(bed, figures):
    measure_sample(bed, figures, "matrixMul", MATRIX + ["--iterations", "10" if bed.quick else "100"],
                   5 if bed.quick else 9)


def measure_histogram(bed, figures):
    measure_sample(bed, figures, "histogram", ["--bytes", str((4 if bed.quick else 64) << 20)], 5 if bed.quick else 9)
