"""Calls without much data: null calls, launches, allocation, events, a training loop."""
import os

from .bed import Bed
from .figures import take_turns
from .processes import place

MICRO = 1e6

# So many launches fit into the client's buffer: none waits for the device to keep up.
BURST = 1000


def column(rounds, index):
    return [results[index] for results in rounds]


def measure_rpc(bed, figures):
    """Where the two sides of a round trip run decides more than anything else, so it is decided here: both on one
    processor, or on two. Each has servers of its own, for their threads keep to the processor, too."""
    processors = sorted(os.sched_getaffinity(0))
    placements = {"one processor": (processors[0], processors[0])}
    if len(processors) > 1:
        placements["two processors"] = processors[:2]
    else:
        figures.tell("rpc: not on two processors: there is one")
    for name, (near, far) in placements.items():
        with Bed(bed.build, bed.quick, bed.tell) as own:
            measure_placed(own, figures, name, near, far)


def measure_placed(bed, figures, placement, near, far):
    rounds, count = (9, 1000) if bed.quick else (15, 5000)
    with bed.workers("rpc") as programs, bed.raw_clients() as raw, bed.stock() as stock:
        for process in (*programs.values(), *raw.values(), stock):
            place(process, near)
        for process in bed.listeners:
            place(process, far)
        sources = {f"raw {kind}": lambda w=w: w.ask("echo", 64, count) for kind, w in raw.items()}
        sources.update({where: lambda w=w: w.ask("sync", count) for where, w in programs.items()})
        sources["stock"] = lambda: stock.ask("null", count)
        taken = {label: column(values, 0) for label, values in take_turns(rounds, sources).items()}
        calls = take_turns(rounds, {where: lambda w=w: w.ask("async", 10 * count) for where, w in programs.items()})
    for kind in raw:
        figures.add("rpc", f"64-byte ping-pong, {placement}", f"raw {kind}", "µs", taken[f"raw {kind}"], MICRO)
    figures.add("rpc", f"call with an answer, {placement}", "native", "µs", taken["native"], MICRO)
    for transport in bed.servers:
        kind = f"raw {bed.raw_kind(transport)}"
        limit = ("<=", 1.25, True) if transport != "shm" else ("<=", 3, False) if near != far else None
        figures.add("rpc", f"call with an answer, {placement}", transport, "µs", taken[transport], MICRO,
                    (kind, taken[kind]), limit)
    figures.add("rpc", f"NULL procedure, {placement}", "stock tcp", "µs", taken["stock"], MICRO,
                ("raw tcp", taken["raw tcp"]))
    for where, values in calls.items():
        figures.add("rpc", f"call without an answer, in the program's thread, {placement}", where, "µs",
                    column(values, 0), MICRO)


def measure_launch(bed, figures):
    rounds, count, stock_count = (5, 100000, 2000) if bed.quick else (9, 100000, 10000)
    with bed.workers("launch") as programs, bed.stock() as stock:
        sources = {place: lambda w=w: w.ask("launch", count) for place, w in programs.items()}
        sources["stock"] = lambda: stock.ask("launch", stock_count)
        taken = take_turns(rounds, sources)
        burst = take_turns(10 * rounds, {place: lambda w=w: w.ask("launch", BURST) for place, w in programs.items()})
    native, slow = column(taken["native"], 1), column(taken["stock"], 0)
    figures.add("launch", "empty kernel, in the program's thread", "native", "µs", column(taken["native"], 0), MICRO)
    figures.add("launch", "empty kernel, in all", "native", "µs", native, MICRO)
    figures.add("launch", "empty kernel, in all", "stock tcp", "µs", slow, MICRO, ("native", native))
    for place in bed.servers:
        total = column(taken[place], 1)
        figures.add("launch", "empty kernel, in the program's thread", place, "µs", column(taken[place], 0), MICRO,
                    limit=("<=", 0.5, False))
        figures.add("launch", "empty kernel, in all", place, "µs", total, MICRO, ("native", native), ("<=", 1.3, True))
        speed = [1 / value for value in total]
        figures.add("launch", "launches per second", place, "1/s", speed, 1,
                    ("stock tcp", [1 / value for value in slow]), (">=", 25, True))
    for place, values in burst.items():
        figures.add("launch", f"{BURST} launches, in the program's thread", place, "µs", column(values, 0), MICRO)


def measure_memory(bed, figures):
    rounds, count = (7, 500) if bed.quick else (9, 2000)
    with bed.workers("memory") as programs:
        for what, command, index in (("cudaMalloc of 4 KiB", ("allocate", 4096, count), 0),
                                     ("cudaFree", ("allocate", 4096, count), 1),
                                     ("cudaMallocAsync with cudaFreeAsync", ("pool", 4096, count), 0)):
            compare_places(figures, "allocation", what, programs, command, index, rounds)


def measure_event(bed, figures):
    rounds, count = (7, 500) if bed.quick else (9, 2000)
    with bed.workers("memory") as programs:
        compare_places(figures, "event", "record two, wait, elapsed time", programs, ("event", count), 0, rounds)


def measure_training(bed, figures):
    rounds, steps, layers = (5, 100, 16) if bed.quick else (7, 200, 16)
    with bed.workers("training") as programs:
        taken = take_turns(rounds, {place: lambda w=w: w.ask("train", steps, layers) for place, w in programs.items()})
    losses = {loss for values in taken.values() for loss in column(values, 1)}
    if len(losses) != 1:
        raise AssertionError(f"the training's loss depends on where it runs: {losses}")
    native = column(taken["native"], 0)
    for place, values in taken.items():
        figures.add("training", f"a step of {3 * layers} kernels and one read", place, "µs", column(values, 0), MICRO,
                    None if place == "native" else ("native", native))


def compare_places(figures, subject, what, programs, command, index, rounds):
    """The same command on every program; those that answer with -1 lack the function."""
    able = {place: w for place, w in programs.items() if w.ask(*command)[index] >= 0}
    for place in programs.keys() - able.keys():
        figures.tell(f"{subject}: {what}, {place}: not supported")
    taken = take_turns(rounds, {place: lambda w=w: w.ask(*command)[index] for place, w in able.items()})
    for place, values in taken.items():
        other = ("native", taken["native"]) if place != "native" and "native" in taken else None
        figures.add(subject, what, place, "µs", values, MICRO, other)
