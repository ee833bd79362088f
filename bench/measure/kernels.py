"""How fast the CPU device executes kernels: on one core, on two, and beside the same algorithm compiled by gcc -O2."""
from .figures import take_turns
from .processes import Worker

# In the order of programs/kernels.cu; what an issue of the interpreter costs shows in the first, divergence in the second.
KERNELS = ["tiled matrix product", "Collatz lengths (divergent)", "vector addition", "sum", "histogram", "stencil", "n-body"]
TARGETS = {"tiled matrix product": 4, "Collatz lengths (divergent)": 2}


def measure_kernels(bed, figures):
    rounds = 5 if bed.quick else 11
    command = bed.command("native", bed.program("kernels"))
    with Worker(command, CRICKET_CPU_THREADS="1") as one, Worker(command, CRICKET_CPU_THREADS="2") as two:
        for number, name in enumerate(KERNELS):
            work = one.ask("device", number)[1] * 1e6
            taken = take_turns(rounds, {"one core": lambda n=number: one.ask("device", n)[0],
                                        "two cores": lambda n=number: two.ask("device", n)[0],
                                        "host": lambda n=number: one.ask("host", n)[0]})
            rate = [work / seconds for seconds in taken["one core"]]
            target = TARGETS.get(name)
            figures.add("kernels", name, "one core", "G lane-instructions/s", rate, 1e-9,
                        limit=target and (">=", target, False))
            figures.add("kernels", f"{name}, time", "one core", "ms", taken["one core"], 1e3, ("gcc -O2", taken["host"]))
            speedup = [a / b for a, b in zip(taken["one core"], taken["two cores"])]
            figures.add("kernels", f"{name}, speed-up", "two cores", "×", speedup, 1,
                        limit=(">=", 1.8, False) if number == 0 else None)
