"""Over a long line: how many round trips a program pays, through bench/delay_proxy."""
import statistics

from . import processes
from .figures import take_turns
from .processes import Worker

ROUND_TRIPS_MS = (0.1, 1, 30)
MATRIX = ["--wa", "64", "--ha", "64", "--wb", "64", "--hb", "64", "--iterations", "300"]
LAYERS = 16


def measure_rtt(bed, figures):
    for milliseconds in ROUND_TRIPS_MS:
        options = ("--delay-ms", str(milliseconds / 2))
        with bed.proxy(bed.raw["tcp"], *options) as to_raw, bed.proxy(bed.servers["tcp"], *options) as to_server:
            trip = measure_trip(bed, figures, to_raw.uri, milliseconds)
            measure_matrix(bed, figures, to_server.uri, milliseconds, trip)
            measure_training(bed, figures, to_server.uri, milliseconds, trip)


def label(milliseconds):
    return f"tcp at {milliseconds:g} ms"


def measure_trip(bed, figures, uri, milliseconds):
    """The real round trip in seconds: the proxy's own work comes on top of the delay."""
    with Worker([bed.program("raw_client"), uri]) as client:
        count = max(5, int(200 / milliseconds) if milliseconds > 1 else 200)
        taken = take_turns(3, {"trip": lambda: client.ask("echo", 64, count)[0]})["trip"]
    figures.add("rtt", "64-byte ping-pong", f"raw {label(milliseconds)}", "ms", taken, 1e3)
    return statistics.median(taken)


def measure_matrix(bed, figures, uri, milliseconds, trip):
    """All that matrixMul does, with connecting, loading and 300 launches."""
    command = [bed.sample("matrixMul"), *MATRIX]
    taken = take_turns(3 if bed.quick else 5, {
        "native": lambda: processes.run(bed.command("native", *command))[1],
        "near": lambda: processes.run(bed.command("tcp", *command))[1],
        "far": lambda: processes.run(bed.command(uri, *command))[1]})
    limit = ("<=", 6, False) if milliseconds >= 30 else None
    for other in ("native", "near") if milliseconds >= 1 else ():
        extra = [(far - base) / trip for far, base in zip(taken["far"], taken[other])]
        name = "native" if other == "native" else "tcp without delay"
        figures.add("rtt", f"matrixMul, 300 launches: extra time over {name}", label(milliseconds), "round trips", extra,
                    limit=limit if other == "native" else None)
    figures.add("rtt", "matrixMul, 300 launches: whole program", label(milliseconds), "s", taken["far"], 1,
                ("native", taken["native"]))


def measure_training(bed, figures, uri, milliseconds, trip):
    steps = 20 if milliseconds > 1 else 100
    with bed.worker("training", "native") as native, bed.worker("training", uri) as far:
        taken = take_turns(3 if bed.quick else 5, {"native": lambda: native.ask("train", steps, LAYERS)[0],
                                                   "far": lambda: far.ask("train", steps, LAYERS)[0]})
    trips = [(there - here) / trip for there, here in zip(taken["far"], taken["native"])]
    # A round trip and a step's work overlap little, so what is beyond a round trip is computation that takes longer.
    limit = ("<=", 1.05, False) if milliseconds >= 30 else None
    figures.add("rtt", f"training: extra time of a step of {3 * LAYERS} kernels and one read", label(milliseconds),
                "round trips", trips, limit=limit)
