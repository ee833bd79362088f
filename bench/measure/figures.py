"""Figures: medians over rounds in which the things compared take turns, so that what else the machine does hits all."""
import dataclasses
import statistics


@dataclasses.dataclass
class Figure:
    """One number of the report."""
    subject: str             # the benchmark
    what: str                # what was measured
    where: str               # native, tcp, unix, …
    unit: str                # of value
    value: float             # median of rounds
    rounds: list             # every round's value, in unit
    baseline: str = ""       # what it is compared with
    ratio: float = None      # median over the rounds of the ratio to the baseline in the same round
    target: str = ""         # what the ratio, or the value where there is no ratio, must keep
    met: bool = None         # does it?


def take_turns(rounds, sources):
    """{label: function} → {label: [result of each round]}, after one round that does not count."""
    for source in sources.values():
        source()
    results = {label: [] for label in sources}
    for _ in range(rounds):
        for label, source in sources.items():
            results[label].append(source())
    return results


def ratio(over, under):
    return statistics.median(a / b for a, b in zip(over, under))


class Figures:
    """All figures of a run. Progress is told to `tell`."""

    def __init__(self, tell):
        self.list = []
        self.tell = tell

    def add(self, subject, what, where, unit, values, scale=1.0, baseline=None, limit=None):
        """Adds a figure of `values`, given in base units and shown times `scale`.

        baseline is (name, values of the same rounds). limit is ("<=" or ">=", number, True for the ratio or False
        for the value as shown).
        """
        shown = [value * scale for value in values]
        figure = Figure(subject, what, where, unit, statistics.median(shown), shown)
        if baseline:
            figure.baseline, figure.ratio = baseline[0], ratio(values, baseline[1])
        if limit:
            sign, bound, of_ratio = limit
            number = figure.ratio if of_ratio else figure.value
            figure.target = f"{sign} {bound:g}{' ×' if of_ratio else ' ' + unit}"
            figure.met = number <= bound if sign == "<=" else number >= bound
        self.list.append(figure)
        self.tell(describe(figure))
        return figure


def describe(figure):
    text = f"{figure.subject}: {figure.what}, {figure.where}: {figure.value:.4g} {figure.unit}"
    if figure.ratio is not None:
        text += f", {figure.ratio:.3g} × {figure.baseline}"
    if figure.target:
        text += f" (target {figure.target}: {'met' if figure.met else 'NOT met'})"
    return text
