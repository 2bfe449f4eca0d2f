#!/usr/bin/python3
"""Draws what bench/run measured, as PNG and SVG, with gnuplot.

Usage: plot.py CSV DIR

CSV is what `table --csv` writes, with the lines about echo servers that bench/run adds to it.
"""

import csv
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

COLOURS = {
    "hawser": "#c0392b",
    "bound": "#bbbbbb",
    "floor": "#bbbbbb",
    "memcpy": "#555555",
    "unmask alone": "#bbbbbb",
    "simdutf": "#8e44ad",
    "two passes, unmask then simdutf": "#8e44ad",
    "two passes, both hawser's": "#e59866",
    "uWebSockets": "#2471a3",
    "Beast": "#1e8449",
    "websocketpp": "#b7950b",
    "wslay": "#5d6d7e",
    "libwebsockets": "#48c9b0",
}


def colour(name):
    return next((each for key, each in COLOURS.items() if name.startswith(key)), "#000000")


def read(path):
    """For each plot: name -> list of (x, unit, median)."""
    plots = defaultdict(lambda: defaultdict(list))
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            plots[row["plot"]][row["name"]].append(
                (float(row["x"]), row["unit"], float(row["median_ns"])))
    return plots


def quoted(text):
    return '"' + text.replace('"', "'") + '"'


def draw(folder, name, width, height, commands):
    for terminal, suffix in (("pngcairo", "png"), ("svg", "svg")):
        head = (f"set terminal {terminal} noenhanced size {width},{height} font 'sans,11' background '#ffffff'\n"
                f"set output {quoted(str(folder / f'{name}.{suffix}'))}\n")
        subprocess.run(["gnuplot"], input=head + commands, text=True, check=True)


def speed(x, unit, median):
    """GB/s of a figure that is nanoseconds for a byte, or for a message of x bytes."""
    return 1 / median if unit == "byte" else x / median


def lines_against_size(folder, name, panels):
    """Panels beside each other: a title, and name -> points."""
    commands = [f"set multiplot layout 1,{len(panels)}",
                "set logscale x 2", "set logscale y", "set grid",
                "set key below maxrows 2 samplen 2", "set yrange [0.3:200]",
                "set xlabel 'bytes of a message'", "set ylabel 'GB/s'",
                "set format x '%.0b%B'"]
    for panel, (title, series) in enumerate(panels):
        commands.append(f"set title {quoted(title)}")
        parts = []
        for number, (who, points) in enumerate(series.items()):
            block = f"$data{panel}_{number}"
            rows = "\n".join(f"{x} {speed(x, unit, median)}"
                             for x, unit, median in sorted(points) if x > 0)
            commands.append(f"{block} << EOD\n{rows}\nEOD")
            parts.append(f"{block} using 1:2 with linespoints pt 7 ps 0.5 lw 2 "
                         f"lc rgb {quoted(colour(who))} title {quoted(who)}")
        commands.append("plot " + ", ".join(parts))
    commands.append("unset multiplot")
    draw(folder, name, 620 * len(panels), 480, "\n".join(commands))


def bars(folder, name, label, groups):
    """Clusters of bars: a cluster's title, and name -> nanoseconds."""
    names = list(dict.fromkeys(who for _, cluster in groups for who in cluster))
    rows = []
    for title, cluster in groups:
        values = [f"{cluster[who]:.4g}" if who in cluster else "NaN" for who in names]
        rows.append(" ".join([quoted(title)] + values))
    commands = ["$data << EOD\n" + "\n".join(rows) + "\nEOD",
                "set style data histograms", "set style histogram clustered gap 1",
                "set style fill solid 0.9 border -1", "set boxwidth 0.9", "set logscale y",
                "set grid ytics", "set key outside top center horizontal",
                f"set ylabel {quoted(label)}", "set xtics nomirror"]
    parts = [f"$data using {number + 2}:xtic(1) title {quoted(who)} lc rgb {quoted(colour(who))}"
             for number, who in enumerate(names)]
    commands.append("plot " + ", ".join(parts))
    draw(folder, name, max(700, 230 * len(groups)), 480, "\n".join(commands))


def clusters(plots, prefix, scale):
    return [(plot.removeprefix(prefix).replace(" connections x", " x").replace(" outstanding", ""),
             {who: points[0][2] * scale for who, points in series.items()})
            for plot, series in plots.items() if plot.startswith(prefix)]


def main():
    plots = read(sys.argv[1])
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    if "mask" in plots:
        lines_against_size(folder, "mask", [("masking in place", plots["mask"])])
        drawn.append("mask")
    for name, prefix in (("utf8", "utf8 "), ("unmask_utf8", "unmask utf8 ")):
        panels = [(plot.removeprefix(prefix), series) for plot, series in plots.items()
                  if plot.startswith(prefix) and not plot.endswith("emoji")]
        if panels:
            lines_against_size(folder, name, panels)
            drawn.append(name)
    for name, prefix, label, scale in (
            ("frames", "frames ", "ns for a frame", 1),
            ("echo", "echo ", "server CPU for a message, us", 1e-3)):
        groups = clusters(plots, prefix, scale)
        if groups:
            bars(folder, name, label, groups)
            drawn.append(name)
    print(f"{folder}: {', '.join(drawn)} as .png and .svg", file=sys.stderr)


if __name__ == "__main__":
    main()
