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
PEERS = ["floor", "uWebSockets", "Beast", "websocketpp", "libwebsockets", "io_uring"]


class Answer:
    """One of the numbers that a load gives: its name there, what the question calls it, its unit."""

    def __init__(self, key, name, unit):
        self.key = key
        self.name = name
        self.unit = unit

    def ratio(self, pair):
        ours, theirs = pair
        if self.key == "cpu_us":
            slices = zip(ours["slices_cpu_us"], theirs["slices_cpu_us"])
            return statistics.median(their / our for our, their in slices)
        return theirs[self.key] / ours[self.key]


CPU = Answer("cpu_us", "server CPU", "us")


class Server:
    """One of the servers: its program and how it is called, and what the load must know of it."""

    def __init__(self, program, arguments=(), load=()):
        self.program = program
        self.arguments = list(arguments)
        self.load = list(load)


PLAIN = Server(OURS, ["--no-deflate"])  # as none of the others compresses


class Question:
    """A load of some servers, and which of the numbers that it gives are the answers."""

    def __init__(self, name, answers, arguments, quick_arguments, pairs):
        self.name = name
        self.answers = answers
        self.arguments = arguments
        self.quick_arguments = quick_arguments  # None: it is not among the quick ones
        self.pairs = pairs
        self.load = "load"
        self.ours = PLAIN
        self.peers = {peer: Server(peer) for peer in PEERS}
        self.quick_peers = len(PEERS)  # so many of them are asked for where it must be quick
        self.is_echo = CPU in answers


def echo(connections, outstanding, size, words):
    load = ["--connections", connections, "--outstanding", outstanding, "--size", size]
    return Question(
        f"echo, {connections} connections x {outstanding} outstanding, {words}",
        [CPU],
        load + ["--slices", 15, "--slice", 0.08],
        load + ["--slices", 5, "--slice", 0.03],
        11,
    )


# Ways to compress: our server, what all servers are told, the peers, and what the load is told.
# uWebSockets has no windows that go on: see its server.
OTHERS = ["Beast", "websocketpp"]
WAYS = {
    "no takeover, zlib": ("hawser_deflate", "shared", ["uWebSockets"] + OTHERS, []),
    "no takeover, libdeflate": ("hawser_libdeflate", "shared", ["uWebSockets"], []),
    "takeover": ("hawser_deflate", "takeover", OTHERS, ["--takeover"]),
}


def compress(question, way):
    program, mode, peers, load = WAYS[way]
    question.load = "load_deflate"
    question.ours = Server(program, ["--deflate", mode], load)
    question.peers = {peer: Server(peer, ["--deflate", mode], load) for peer in peers}
    question.quick_peers = 1
    return question


def compressed_echo(way, connections, size):
    words = {128: "128 B", 1024: "1 KiB", 16384: "16 KiB"}[size]
    outstanding = 16 if connections == 1 else 1
    # About what takes a server a tenth of a second, and at least one for each connection: that may
    # take it a second.
    usual = {128: 4000, 1024: 2000, 16384: 256}[size]
    messages = max(connections, usual)
    slices = 10 if messages == usual else 3
    load = ["--connections", connections, "--outstanding", outstanding, "--size", size]
    is_quick = connections == 64 and size == 1024
    question = Question(
        f"compressed echo, {way}, {connections} x {outstanding}, {words}",
        [CPU, Answer("reply_bytes", "output", "B")],
        load + ["--messages", messages, "--slices", slices],
        load + ["--messages", 500, "--slices", 3, "--pool", 1 << 20] if is_quick else None,
        5,
    )
    return compress(question, way)


def compressed_memory(way, answer, count, quick_count):
    load = ["--size", 1024, "--memory"]
    question = Question(
        f"compressed, {way}",
        [answer],
        load + [count],
        load + [quick_count, "--pool", 1 << 20],
        3,
    )
    return compress(question, way)


def idle_compressed_memory():
    idle = Answer("idle_bytes", "resident memory of an idle connection", "B")
    question = compressed_memory("no takeover, zlib", idle, 10000, 2000)
    without = Server(PLAIN.program, PLAIN.arguments, ["--plain"])
    question.peers = {"hawser without compression": without} | question.peers
    return question


QUESTIONS = [
    echo(64, 16, 20, "20 B"),
    echo(64, 1, 20, "20 B"),
    echo(64, 16, 1024, "1 KiB"),
    echo(64, 1, 65536, "64 KiB"),
    Question(
        "idle connection",
        [Answer("bytes_per_connection", "resident memory of the server", "B")],
        ["--idle", 10000],
        ["--idle", 1000],
        3,
    ),
    *(
        compressed_echo(way, connections, size)
        for way in WAYS
        for size in (128, 1024, 16384)
        for connections in (1, 64, 1000)
    ),
    idle_compressed_memory(),
    compressed_memory(
        "takeover", Answer("active_bytes", "resident memory of an active connection", "B"), 1000, 100
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

    def has(self, question, peer):
        return self.why_not(question, peer) is None

    def why_not(self, question, peer):
        for each in (question.ours, question.peers[peer]):
            if each.program in self.missing:
                return self.missing[each.program]
        return None

    def run(self, load, contenders, arguments):
        """One result for each of the contenders, which have turns while they all run."""
        names = " and ".join(each.program for each in contenders)
        running = []
        try:
            for each in contenders:
                port = free_port()
                command = [self.programs[each.program], "--port", str(port)] + each.arguments
                running.append((port, subprocess.Popen(command, **self.surroundings())))
                await_listening(running[-1][1], port)
            command = [self.programs[load], "--core", self.load_core] + arguments
            for port, server in running:
                command += ["--server", f"{port}:{server.pid}"]
            command = [str(each) for each in command]
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=180)
            except subprocess.TimeoutExpired:
                raise RuntimeError(f"{names}: no answer in three minutes") from None
            if done.returncode != 0:
                raise RuntimeError(f"{names}: {done.stderr.strip()}")
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
    ours, theirs = question.ours, question.peers[peer]
    if question.is_echo:
        return servers.run(question.load, [ours, theirs], arguments + theirs.load)
    fewer = list(arguments)
    if peer in MOST_IDLE:
        fewer[1] = min(arguments[1], MOST_IDLE[peer])
    return servers.run(question.load, [ours], arguments + ours.load) + servers.run(
        question.load, [theirs], fewer + theirs.load
    )


def show(value):
    return f"{value:.3g}" if value < 100 else f"{value:.0f}"


def report(answer, name, pairs):
    ours = statistics.median(pair[0][answer.key] for pair in pairs)
    theirs = statistics.median(pair[1][answer.key] for pair in pairs)
    ratios = sorted(answer.ratio(pair) for pair in pairs)
    print(
        name,
        f"{show(ours)} {answer.unit}",
        f"{show(theirs)} {answer.unit}",
        f"{statistics.median(ratios):.3f}",
        sep="\t",
        flush=True,
    )
    spread = " ".join(f"{ratio:.3f}" for ratio in ratios)
    print(f"{name}: {spread}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path, metavar="BUILD_DIR")
    parser.add_argument("--quick", action="store_true", help="end within 30 seconds")
    parser.add_argument("--details", type=pathlib.Path, metavar="FILE", help="every run, as CSV")
    parser.add_argument("--peers", help="only these, with commas")
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
        arguments = question.quick_arguments if chosen.quick else question.arguments
        if chosen.questions not in question.name or arguments is None:
            continue
        wanted = list(question.peers)[: question.quick_peers if chosen.quick else None]
        if chosen.peers is not None:
            wanted = [peer for peer in wanted if peer in chosen.peers.split(",")]
        peers = [peer for peer in wanted if servers.has(question, peer)]
        pairs = chosen.pairs or (1 if chosen.quick else question.pairs)
        found, failed = ask(question, servers, peers, arguments, pairs, record)
        failures += len(failed)
        for peer, answer in ((peer, answer) for peer in wanted for answer in question.answers):
            name = f"{question.name}: {answer.name}, against {peer}"
            if peer in failed:
                print(name, "", f"failed: {failed[peer]}", "", sep="\t", flush=True)
            elif peer in peers:
                report(answer, name, found[peer])
            else:
                print(name, "", servers.why_not(question, peer), "", sep="\t", flush=True)

    if chosen.details:
        names = list(dict.fromkeys(key for row in rows for key in row))
        with chosen.details.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
