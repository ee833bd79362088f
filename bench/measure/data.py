"""Copies of every size, each way, from every kind of host memory."""
from .figures import take_turns

MEMORY = {"pageable": 0, "pinned": 1, "pinned, asynchronous": 2}
DIRECTIONS = {"up": "to the device", "down": "to the host"}
LARGE = 64 << 20


def sizes(bed):
    if bed.quick:
        return [4, 4 << 10, 1 << 20, LARGE]
    return [4, 64, 1 << 10, 16 << 10, 256 << 10, 4 << 20, LARGE, 256 << 20, 1 << 30]


def size_name(size):
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size} {unit}"
        size //= 1024
    return f"{size} GiB"


def repeats(size):
    """Copies per measurement: about 64 MiB of them, neither too few nor too many."""
    return max(1, min(1000, LARGE // 2 // size))


def measure_copy(bed, figures):
    with bed.workers("copy") as programs, bed.raw_clients() as raw, bed.stock() as stock:
        for size in sizes(bed):
            for direction in DIRECTIONS:
                measure_size(bed, figures, programs, raw, stock, direction, size)


def measure_size(bed, figures, programs, raw, stock, direction, size):
    rounds, count = (5 if size <= LARGE else 3), repeats(size)
    sources = {"memcpy": lambda: raw["tcp"].ask("memcpy", size, count)[0]}
    if size <= LARGE:  # it is too slow for more
        sources["stock tcp"] = lambda: stock.ask(direction, size, count)[0]
    for kind, worker in raw.items():
        sources[f"raw {kind}"] = lambda w=worker: w.ask(direction, size, count)[0]
        if direction == "down":
            sources[f"raw {kind}, asked for"] = lambda w=worker: w.ask("fetch", size, count)[0]
    for place, worker in programs.items():
        for memory, number in MEMORY.items():
            if not skipped(bed, size, memory):
                sources[place, memory] = lambda w=worker, n=number: w.ask(direction, size, count, n)[0]
    taken = take_turns(rounds, sources)
    what = f"{size_name(size)} {DIRECTIONS[direction]}"
    for label, seconds in taken.items():
        place, memory = label if isinstance(label, tuple) else (label, "")
        report(bed, figures, f"{what}, {memory}" if memory else what, place, memory, size, seconds, taken)


def skipped(bed, size, memory):
    """A quick run leaves out what differs least from the others."""
    return bed.quick and memory == "pinned" and size < LARGE


def report(bed, figures, what, place, memory, size, seconds, taken):
    """Bandwidth for large copies, time for small ones."""
    large = size >= 64 << 10

    def shown(values):
        return [size / value for value in values] if large else values

    baseline = baseline_of(bed, place, memory, size, taken)
    figures.add("copy", what, place, "GB/s" if large else "µs", shown(seconds), 1e-9 if large else 1e6,
                (baseline, shown(taken[baseline])) if baseline else None, limit_of(place, memory, size))


def baseline_of(bed, place, memory, size, taken):
    """What a copy is compared with; a small copy to the host that is waited for needs a question and an answer."""
    if place == "native":
        return "memcpy"
    if place == "shm" and size >= LARGE:
        return "memcpy"
    if place not in bed.servers and not place.startswith("stock"):
        return None
    socket = "raw " + ("tcp" if place.startswith("stock") else bed.raw_kind(place))
    asked = f"{socket}, asked for"
    return asked if asked in taken and size < LARGE and "asynchronous" not in memory else socket


def limit_of(place, memory, size):
    if size >= LARGE and (place, memory) in (("tcp", "pageable"), ("shm", "pinned")):
        return ">=", 0.9, True
    return None
