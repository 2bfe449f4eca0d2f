#!/usr/bin/python3
"""What it costs to compile an echo server, and how much code comes out of it.

Prints lines of the benchmarks' table: question, hawser, peer, ratio, with tabs between them.

Usage: measure.py [--quick] [--compiler CXX] [--uwebsockets DIR [--usockets DIR]]

--quick compiles each server once, all at the same time; else one after the other, three times, of
which the median counts, and again with what a library can compile once compiled elsewhere. A second
is one that the processor ran for the compiler.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parent.parent / "include"
FLAGS = ["-std=c++20", "-O2", "-w", "-c"]
# What says that a library's own code is compiled in another file.
SEPARATE = {
    "hawser": ["-DHAWSER_SEPARATE_COMPILATION"],
    "Beast": ["-DBOOST_BEAST_SEPARATE_COMPILATION", "-DBOOST_ASIO_SEPARATE_COMPILATION"],
    "uWebSockets": [],  # Its application is all templates; uSockets is C, and compiled by itself.
}


def peers(uwebsockets, usockets):
    """Name, source, further flags, and why not: None where it can be compiled."""
    beast = next((None for folder in ("/usr/include", "/usr/local/include")
                  if Path(folder, "boost/beast/websocket.hpp").is_file()),
                 "libboost1.81-dev is not installed")
    other = None
    if uwebsockets is None:
        other = "no -DHAWSER_PEER_UWEBSOCKETS=DIR was given"
    elif not (usockets / "src/libusockets.h").is_file():
        other = "its uSockets are not there, see HAWSER_PEER_USOCKETS"
    flags = ["-DUWS_NO_ZLIB", "-DLIBUS_NO_SSL", f"-I{uwebsockets}/src", f"-I{usockets}/src"]
    return [("Beast", "beast_server.cpp", [], beast),
            ("uWebSockets", "uwebsockets_server.cpp", flags, other)]


def start(compiler, source, flags, out):
    print(f"compiling {source}", file=sys.stderr)
    return subprocess.Popen([compiler, *FLAGS, *flags, str(HERE / source), "-o", out])


def wait_for(process):
    """The seconds of the processor that the compiler used."""
    _, status, used = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("that failed")
    return used.ru_utime + used.ru_stime


def text_size(out):
    lines = subprocess.run(["size", out], check=True, capture_output=True, text=True)
    return int(lines.stdout.splitlines()[1].split()[0])


def line(question, mark, ours, theirs, ratio):
    print(f"{question}{f' [mark {mark:.2f}]' if mark else ''}\t{ours}\t{theirs}\t{ratio}",
          flush=True)


def compile_all(options, sources, folder):
    """The median of the seconds for each, and the size of its code."""
    outs = {name: os.path.join(folder, name + ".o") for name in sources}
    seconds = {name: [] for name in sources}
    for _ in range(1 if options.quick else 3):
        running = {}
        for name, (source, flags) in sources.items():
            running[name] = start(options.compiler, source, flags, outs[name])
            if not options.quick:
                seconds[name].append(wait_for(running[name]))
        if options.quick:
            for name, process in running.items():
                seconds[name].append(wait_for(process))
    took = {name: statistics.median(each) for name, each in seconds.items()}
    return took, {name: text_size(out) for name, out in outs.items()}


def print_seconds(question, marks, took, others):
    ours = f"{took['hawser']:.2f} s"
    for name, _, _, why in others:
        if why is None:
            line(question, marks.get(name, 0), ours, f"{name} {took[name]:.2f} s",
                 f"{took[name] / took['hawser']:.2f}")
        else:
            line(question, marks.get(name, 0), ours, f"{name} not built: {why}", "-")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--compiler", default="c++")
    parser.add_argument("--uwebsockets", type=Path)
    parser.add_argument("--usockets", type=Path)
    options = parser.parse_args()
    if options.uwebsockets and not options.usockets:
        options.usockets = options.uwebsockets / "uSockets"
    others = peers(options.uwebsockets, options.usockets)
    sources = {"hawser": ("hawser_server.cpp", [f"-I{INCLUDE}"])}
    sources |= {name: (source, flags) for name, source, flags, why in others if why is None}
    with tempfile.TemporaryDirectory() as folder:
        took, sizes = compile_all(options, sources, folder)
        if not options.quick:
            apart = {name: (source, flags + SEPARATE[name])
                     for name, (source, flags) in sources.items()}
            took_apart, _ = compile_all(options, apart, folder)

    print_seconds("compile a sans-I/O echo server, -O2", {"Beast": 6, "uWebSockets": 2}, took, others)
    if not options.quick:
        print_seconds("the same, what a library can compile once is compiled elsewhere", {},
                      took_apart, others)

    question = ".text of that server's object"
    ours = f"{sizes['hawser'] / 1024:.1f} KiB"
    line(question, 1, ours, "the limit 32 KiB", f"{32 * 1024 / sizes['hawser']:.2f}")
    marks = {"Beast": 7, "uWebSockets": 0}
    for name, _, _, why in others:
        if why is None:
            line(question, marks[name], ours, f"{name} {sizes[name] / 1024:.1f} KiB",
                 f"{sizes[name] / sizes['hawser']:.2f}")
        else:
            line(question, marks[name], ours, f"{name} not built: {why}", "-")


if __name__ == "__main__":
    main()
