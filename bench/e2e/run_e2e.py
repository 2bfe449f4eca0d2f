#!/usr/bin/env python3
"""Measures the echo servers of a build tree against each other, in interleaved pairs.

    run_e2e.py BUILD_DIR [--quick] [--details FILE] [--peers A,B] [--questions TEXT] [--pairs N]

Each line on stdout is `question<TAB>hawser<TAB>peer<TAB>ratio`: what hawser needs, what the peer
needs, and the median over all pairs of the peer's need divided by ours, so that more than 1 says
that hawser is better. README.md says how to read them.
"""

import argparse
import csv
import json
import os
import pathlib
import resource
import socket
import statistics
import subprocess
import sys
import time

OURS = "hawser"
# It looks at every connection for each event: ten thousand would take it minutes to open.
MOST_IDLE = {"libwebsockets": 2000}
PEERS = ["floor", "uWebSockets", "Beast", "websocketpp", "libwebsockets"]


class Question:
    """A load, and which of the numbers that it gives is the answer."""

    def __init__(self, name, answer, unit, arguments, quick_arguments, pairs):
        self.name = name
        self.answer = answer
        self.unit = unit
        self.arguments = arguments
        self.quick_arguments = quick_arguments
        self.pairs = pairs
        self.is_echo = answer == "cpu_us"


def echo(connections, outstanding, size, words):
    load = ["--connections", connections, "--outstanding", outstanding, "--size", size]
    return Question(
        f"echo, {connections} connections x {outstanding} outstanding, {words}: server CPU",
        "cpu_us",
        "us",
        load + ["--slices", 15, "--slice", 0.08],
        load + ["--slices", 5, "--slice", 0.03],
        11,
    )


QUESTIONS = [
    echo(64, 16, 20, "20 B"),
    echo(64, 1, 20, "20 B"),
    echo(64, 16, 1024, "1 KiB"),
    echo(64, 1, 65536, "64 KiB"),
    Question(
        "idle connection: resident memory of the server",
        "bytes_per_connection",
        "B",
        ["--idle", 10000],
        ["--idle", 1000],
        3,
    ),
]


def cores():
    """The server's core and the load's: two that are far apart, in the hope that they share none."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


class Servers:
    """The programs of a build tree, and one run of one of them under one load."""

    def __init__(self, build):
        self.programs = {}
        self.missing = {}
        for line in (build / "bench/e2e/servers.tsv").read_text().splitlines():
            name, what = line.split("\t")
            if what.startswith("not built: "):
                self.missing[name] = what
            else:
                self.programs[name] = what
        self.server_core, self.load_core = cores()

    def run(self, names, arguments):
        """One result for each of the servers, which have turns while they all run."""
        running = []
        try:
            for name in names:
                port = free_port()
                command = [self.programs[name], "--port", str(port)]
                if name == OURS:
                    command.append("--no-deflate")  # as none of the others compresses
                running.append((port, subprocess.Popen(command, **self.surroundings())))
                await_listening(running[-1][1], port)
            command = [self.programs["load"], "--core", self.load_core] + arguments
            for port, server in running:
                command += ["--server", f"{port}:{server.pid}"]
            command = [str(each) for each in command]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=60)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"{' and '.join(names)}: no answer in a minute") from None
            if done.returncode != 0:
                raise RuntimeError(f"{' and '.join(names)}: {done.stderr.strip()}")
            return [json.loads(line) for line in done.stdout.splitlines()]
        finally:
            for _, server in running:
                server.kill()
                server.wait()

    def surroundings(self):
        core = self.server_core
        return {"stdout": subprocess.DEVNULL, "preexec_fn": lambda: self.prepare(core)}

    @staticmethod
    def prepare(core):
        os.sched_setaffinity(0, {core})
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_listening(server, port):
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if server.poll() is not None:
            raise RuntimeError(f"{server.args[0]} ended with {server.returncode}")
        time.sleep(0.01)
    raise RuntimeError(f"{server.args[0]} does not listen")


def ask(question, servers, peers, arguments, pairs, record):
    """Pairs of (ours, theirs) for each peer; and those that failed.

    Ours and theirs run at the same time and have turns of a fraction of a second, so that what the
    machine does besides hits both. A pair's ratio is the median over the turns.
    """
    found = {peer: [] for peer in peers}
    failed = {}
    for number in range(pairs):
        for peer in peers:
            if peer in failed:
                continue
            try:
                results = run_pair(question, servers, peer, arguments)
            except RuntimeError as wrong:
                failed[peer] = str(wrong)
                continue
            for name, result in zip((OURS, peer), results):
                record(question, name, peer, number, result)
            found[peer].append(tuple(results))
        print(f"{question.name}: {number + 1} of {pairs}", file=sys.stderr)
    return found, failed


def run_pair(question, servers, peer, arguments):
    if question.is_echo:
        return servers.run([OURS, peer], arguments)
    fewer = ["--idle", min(arguments[1], MOST_IDLE.get(peer, arguments[1]))]
    return servers.run([OURS], arguments) + servers.run([peer], fewer)


def ratio_of(question, pair):
    ours, theirs = pair
    if question.is_echo:
        slices = zip(ours["slices_cpu_us"], theirs["slices_cpu_us"])
        return statistics.median(their / our for our, their in slices)
    return theirs[question.answer] / ours[question.answer]


def show(value):
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def report(question, name, pairs):
    ours = statistics.median(pair[0][question.answer] for pair in pairs)
    theirs = statistics.median(pair[1][question.answer] for pair in pairs)
    ratios = sorted(ratio_of(question, pair) for pair in pairs)
    print(
        name,
        f"{show(ours)} {question.unit}",
        f"{show(theirs)} {question.unit}",
        f"{statistics.median(ratios):.3f}",
        sep="\t",
        flush=True,
    )
    spread = " ".join(f"{ratio:.3f}" for ratio in ratios)
    print(f"{name}: {spread}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, metavar="BUILD_DIR")
    parser.add_argument("--quick", action="store_true", help="end within 20 seconds")
    parser.add_argument("--details", type=pathlib.Path, metavar="FILE", help="every run, as CSV")
    parser.add_argument("--peers", default=",".join(PEERS), help="only these, with commas")
    parser.add_argument("--questions", default="", metavar="TEXT", help="only those with TEXT")
    parser.add_argument("--pairs", type=int, help="so many for each question and peer")
    chosen = parser.parse_args()

    servers = Servers(chosen.build)
    rows = []

    def record(question, name, peer, number, result):
        numbers = {key: value for key, value in result.items() if key != "slices_cpu_us"}
        question = question.name
        rows.append(
            {"question": question, "server": name, "against": peer, "pair": number, **numbers}
        )

    failures = 0
    for question in QUESTIONS:
        if chosen.questions not in question.name:
            continue
        wanted = chosen.peers.split(",")
        peers = [peer for peer in wanted if peer in servers.programs]
        pairs = chosen.pairs or (1 if chosen.quick else question.pairs)
        arguments = question.quick_arguments if chosen.quick else question.arguments
        found, failed = ask(question, servers, peers, arguments, pairs, record)
        failures += len(failed)
        for peer in wanted:
            name = f"{question.name}, against {peer}"
            if peer in failed:
                print(name, "", f"failed: {failed[peer]}", "", sep="\t", flush=True)
            elif peer in peers:
                report(question, name, found[peer])
            else:
                why = servers.missing.get(peer, "not built: there is no such peer")
                print(name, "", why, "", sep="\t", flush=True)

    if chosen.details:
        names = list(dict.fromkeys(key for row in rows for key in row))
        with chosen.details.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
