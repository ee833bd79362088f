"""The figures of a run as Markdown, JSON and plots."""
import dataclasses
import json
import os
import platform
import shutil
import subprocess


def describe_run(root):
    """Where and of what this run is."""
    commit = subprocess.run(["git", "-C", root, "describe", "--always", "--dirty"], capture_output=True, text=True)
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"commit": commit.stdout.strip() or "unknown", "processor": model, "cores": os.cpu_count(),
            "kernel": platform.release(), "load": os.getloadavg()[0]}


def number(value):
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def rows(figures):
    for figure in figures:
        compared = f"{number(figure.ratio)} × {figure.baseline}" if figure.ratio is not None else ""
        verdict = {None: "", True: "met", False: "**not met**"}[figure.met]
        yield (f"| {figure.what} | {figure.where} | {number(figure.value)} {figure.unit} | {compared} | "
               f"{figure.target} | {verdict} |")


def write_markdown(path, about, figures):
    lines = ["# Benchmarks", "", ", ".join(f"{name} {value}" for name, value in about.items()), ""]
    for subject in dict.fromkeys(figure.subject for figure in figures):
        lines += [f"## {subject}", "", "| what | where | median | ratio | target | |", "|---|---|---|---|---|---|"]
        lines += rows([figure for figure in figures if figure.subject == subject])
        lines.append("")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def write_json(path, about, figures):
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"about": about, "figures": [dataclasses.asdict(figure) for figure in figures]}, file, indent=1,
                  ensure_ascii=False)
        file.write("\n")


def ratios_data(figures):
    """gnuplot's input: a label and a ratio per line."""
    lines = []
    for figure in figures:
        if figure.ratio is not None:
            text = f"{figure.what}, {figure.where} / {figure.baseline}".replace('"', "").replace("_", " ")
            lines.append(f'"{text}" {figure.ratio:.9g}')
    return lines


def plot_subject(folder, subject, lines):
    """One bar for each ratio, on a logarithmic scale; the same speed as the baseline is 1."""
    script = "\n".join([
        f"set terminal pngcairo size 1100,{140 + 22 * len(lines)} noenhanced",
        f"set output '{folder}/{subject}.png'", f"set title '{subject}: ratio to the baseline'",
        "$data << END", *lines, "END", "set logscale x", "set grid x", f"set yrange [{len(lines) - 0.5}:-0.5]",
        "set style fill solid", "unset key", "set lmargin 60",
        "plot $data using (0.5*($2+1)):0:(0.5*abs($2-1)):(0.35):ytic(1) with boxxyerror lc rgb '#4477aa'", ""])
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def write_plots(folder, figures, tell):
    if not shutil.which("gnuplot"):
        tell("no plots: gnuplot is not installed")
        return
    for subject in dict.fromkeys(figure.subject for figure in figures):
        lines = ratios_data([figure for figure in figures if figure.subject == subject])
        if lines:
            plot_subject(folder, subject, lines)


def write(folder, root, figures, tell):
    os.makedirs(folder, exist_ok=True)
    about = describe_run(root)
    write_markdown(os.path.join(folder, "report.md"), about, figures)
    write_json(os.path.join(folder, "report.json"), about, figures)
    write_plots(folder, figures, tell)
    tell(f"written: {folder}/report.md, report.json")
