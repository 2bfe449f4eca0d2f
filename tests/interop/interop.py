#!/usr/bin/python3
"""Lets hawser's servers and clients talk to other implementations, directly and through nginx, and
prints what held. `run` installs and builds what it takes; README.md says what the cases are.

    interop.py FOLDER_OF_PROGRAMS FOLDER_OF_INTEROP_PROGRAMS NODE_MODULES SCRATCH
"""

import concurrent.futures
import contextlib
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

import deflate_mixes
from deflate_play import Ours

HERE = Path(__file__).resolve().parent
PATIENCE = 100  # seconds for all cases of one client
KEY, ACCEPT = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
ROUTES = {"direct": "direct", "kept": "nginx, Host kept", "default": "nginx as it is"}
REFUSED_IN_THE_LOG = "refused: the Origin is not allowed"

# How many cases each column of the tables has. One that is missing is a failure.
CLIENTS_OF_OURS = {"ws": (51, 51, 51), "websockets": (50, 50, 50), "chromium": (45, 44, 45),
                   "curl": (22, 13, 13)}
SERVERS_FOR_OURS = {"ws": (58, 58, 58), "websockets": (58, 58, 58)}
# How many connections that compress each peer has, as a client of ours and as a server for ours.
DEFLATING = {"zlib": (254, 218), "websockets": (193, 173), "ws": (193, 173), "chromium": (6,)}


# ---- Processes

class Process:
    """A server that says on its first line where it listens; its log is kept."""

    def __init__(self, scratch, name, *command, **environment):
        self.log = scratch / f"{name}.log"
        self.process = subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=self.log.open("w"), text=True,
            env={**os.environ, **environment})
        line = self.process.stdout.readline()
        self.ports = [int(port) for port in re.findall(r"\b(\d{4,5})\b", line)]
        if not line.startswith("listening on ") or not self.ports:
            self.process.kill()
            raise RuntimeError(f"{name} does not start: {line!r} {self.log.read_text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Nginx:
    """Forwards /default/NAME/, /kept/NAME/ and /plain/NAME/ to the port of that name: with the two
    lines that WebSockets need; with the client's Host, too; and with none of both."""

    def __init__(self, scratch, ports, port):
        folder = scratch / "nginx"
        folder.mkdir(exist_ok=True)
        upgrade = ("proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
                   "proxy_set_header Connection $connection_upgrade;")
        places = "\n".join(
            f"    location /{route}/{name}/ {{ proxy_pass http://127.0.0.1:{port}/; {lines} }}"
            for name, port in ports.items()
            for route, lines in (("default", upgrade), ("plain", ""),
                                 ("kept", upgrade + " proxy_set_header Host $http_host;")))
        temporary = "\n".join(f"  {name}_temp_path {folder}/{name};"
                              for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(f"""\
daemon off;
pid {folder}/pid;
events {{ worker_connections 256; }}
http {{
  access_log off;
{temporary}
  map $http_upgrade $connection_upgrade {{ default upgrade; "" close; }}
  server {{
    listen 127.0.0.1:{port};
{places}
  }}
}}
""")
        self.process = subprocess.Popen(["nginx", "-p", folder, "-e", folder / "error.log",
                                         "-c", folder / "nginx.conf"])
        for _ in range(200):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f"nginx does not start: {(folder / 'error.log').read_text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


class Pages(http.server.ThreadingHTTPServer):
    """Serves page.html and cases.mjs, and takes what the page posts."""

    def __init__(self):
        self.results, self.has_results = "", threading.Event()
        super().__init__(("127.0.0.1", 0), PageHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self):
        return self.server_address[1]


class PageHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.partition("?")[0].lstrip("/")
        kind = {"page.html": "text/html", "cases.mjs": "text/javascript"}.get(name)
        body = (HERE / name).read_bytes() if kind else b"not here\n"
        self.send_response(200 if kind else 404)
        self.send_header("Content-Type", kind or "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.server.results = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(204)
        self.end_headers()
        self.server.has_results.set()

    def log_message(self, *_):
        pass


def run(*command, text=b"", **environment):
    """(exit status, output, standard error), as far as they came within the patience."""
    try:
        done = subprocess.run(list(map(str, command)), input=text, capture_output=True, check=False,
                              timeout=PATIENCE, env={**os.environ, **environment})
        return done.returncode, done.stdout.decode(), done.stderr.decode()
    except subprocess.TimeoutExpired as late:
        return "none", (late.stdout or b"").decode(), "it did not end"


# ---- The outcomes

class Column:
    """The outcomes of one peer in one role over one route."""

    def __init__(self, peer, role, route, expected):
        self.peer, self.role, self.route, self.expected = peer, role, route, expected
        self.outcomes, self.faults = {}, []
        self.start = time.monotonic()

    def note(self, name, fault=None):
        if name in self.outcomes:
            self.faults.append(f"{name}: it is told twice")
        self.outcomes[name] = not fault
        if fault:
            self.faults.append(f"{name}: {fault}")

    def take(self, text):
        """Takes the lines that a client prints."""
        for line in text.splitlines():
            outcome, _, name = line.partition(" ")
            if outcome == "FAILED":
                name, _, fault = name.partition("\t")
                self.note(name, fault or "for no reason")
            elif outcome == "ok":
                self.note(name)
            else:
                self.faults.append(f"it said {line!r}")

    def end(self):
        self.took = time.monotonic() - self.start
        if len(self.outcomes) != self.expected:
            self.faults.append(f"{len(self.outcomes)} cases ran, {self.expected} were expected")


def play(column, name, case):
    """One case that is a function here: it raises what is wrong."""
    try:
        case()
        column.note(name)
    except AssertionError as wrong:
        column.note(name, str(wrong))


def require(holds, what):
    if not holds:
        raise AssertionError(what)


# ---- Clients of our servers

def run_program(column, *command, **environment):
    status, out, said = run(*command, **environment)
    column.take(out)
    if status not in (0, 1):
        column.faults.append(f"exit status {status}: {said[-2000:]}")


def run_chromium(column, pages, address, query, scratch):
    query = urllib.parse.urlencode(query)
    profile = scratch / f"chromium-{column.route}"
    flags = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
             "--disable-background-networking", "--disable-component-update",
             f"--user-data-dir={profile}"]
    if os.geteuid() == 0:
        flags.append("--no-sandbox")
    pages.has_results.clear()
    with (scratch / f"chromium-{column.route}.log").open("w") as log:
        browser = subprocess.Popen(["chromium", *flags, f"{address}/page.html?{query}"], stdout=log,
                                   stderr=log, start_new_session=True)
        came = pages.has_results.wait(PATIENCE)
        os.killpg(browser.pid, signal.SIGTERM)
        browser.wait(20)
    if came:
        column.take(pages.results)
    else:
        column.faults.append("the page told nothing")


class Curl:
    """Handshakes with every detail chosen."""

    def __init__(self, column, urls, plain, bare):
        self.column, self.urls, self.plain, self.bare = column, urls, plain, bare
        self.host = urllib.parse.urlsplit(plain).netloc

    def ask(self, url, *arguments, headers=(), upgrades=True, time_limit=0.6):
        """(exit status, status of the answer, its headers in lower case, what follows it)."""
        lines = ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
                 f"Sec-WebSocket-Key: {KEY}"] if upgrades else []
        names = [line.partition(":")[0] for line in headers]
        lines = [line for line in lines if line.partition(":")[0] not in names] + list(headers)
        options = [part for line in lines for part in ("-H", line)]
        done = subprocess.run(["curl", "-q", "-s", "-i", "-N", "--http1.1", "--noproxy", "*",
                               "--max-time", str(time_limit), *options, *arguments,
                               url.replace("ws:", "http:", 1)],
                              capture_output=True, check=False, timeout=PATIENCE)
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        found = re.match(rb"HTTP/[0-9.]+ (\d+)", head)
        return done.returncode, int(found.group(1)) if found else 0, head.decode("latin-1").lower(), rest

    def status(self, name, expected, url, *arguments, has=(), **more):
        def case():
            exit_status, status, head, _ = self.ask(url, *arguments, **more)
            require(status == expected, f"status {status} (curl: {exit_status})")
            for line in has:
                require(f"\r\n{line}".lower() in head, f"no '{line}' in {head}")
        play(self.column, name, case)

    def run(self):
        is_direct, is_kept = self.column.route == "direct", self.column.route != "default"
        self.status("upgrade with the right answer", 101, self.plain, has=[
            f"Sec-WebSocket-Accept: {ACCEPT}", "Upgrade: websocket", "Connection: Upgrade"])
        self.status("subprotocol: the first that both know", 101, self.urls["play"] + "/subprotocol",
                    headers=["Sec-WebSocket-Protocol: x, chat.v2, chat.v1"],
                    has=["Sec-WebSocket-Protocol: chat.v2"])
        play(self.column, "ping to the client", self.first_frame)
        self.status("no WebSocket asked for", 426, self.plain, upgrades=False,
                    has=["Sec-WebSocket-Version: 13", "Upgrade: websocket"])
        self.status("version that is not 13", 426, self.plain,
                    headers=["Sec-WebSocket-Version: 8"], has=["Sec-WebSocket-Version: 13"])
        self.status("no key", 400, self.plain, headers=["Sec-WebSocket-Key:"])
        self.status("POST", 405, self.plain, "-X", "POST")
        self.status("Origin of the URL's host", 101 if is_kept else 403, self.plain,
                    headers=[f"Origin: http://{self.host}"])
        self.status("Origin that is refused", 403, self.plain, headers=["Origin: https://evil.example"])
        # nginx as it is says its own name for this server: nobody can be lured here by DNS.
        self.status("Host that is not ours", 421 if is_kept else 101, self.plain,
                    headers=["Host: evil.example"])
        for status in (404, 503):
            self.status(f"refused with status {status}", status,
                        f"{self.urls['play']}/status?status={status}")
        if is_direct:
            self.run_directly()
        else:
            # What a person gets who forgot the two lines: the first of both is missed first.
            self.status("proxy without the lines for WebSockets", 505, self.bare)

    def run_directly(self):
        self.status("HEAD", 426, self.plain, "-I", upgrades=False)
        self.status("key that is too short", 400, self.plain, headers=["Sec-WebSocket-Key: dGhl"])
        self.status("HTTP/1.0", 505, self.plain, "--http1.0")
        self.status("no Host", 400, self.plain, headers=["Host:"])
        self.status("head that is too large", 431, self.plain, headers=["X: " + "x" * 20000])
        self.status("absolute target", 101, self.plain, "--request-target", f"http://{self.host}/")
        self.status("HTTP/2 asked for by Upgrade", 426, self.plain, "--http2", upgrades=False)
        for name, arguments, url in (("HTTP/2 at once", ["--http2-prior-knowledge"], self.plain),
                                     ("TLS", ["-k"], self.plain.replace("ws:", "https:"))):
            def case(arguments=arguments, url=url):
                start = time.monotonic()
                exit_status, status, _, _ = self.ask(url, *arguments, upgrades=False, time_limit=8)
                require(exit_status not in (0, 28) and status != 101, f"curl: {exit_status}, {status}")
                require(time.monotonic() - start < 4, "it took long")
            play(self.column, name, case)
        self.status("subprotocol: none in common", 101, self.urls["play"] + "/subprotocol",
                    headers=["Sec-WebSocket-Protocol: x"])

    def first_frame(self):
        _, status, _, rest = self.ask(self.urls["play"] + "/ping")
        require(status == 101 and rest.startswith(b"\x89\x0eare you there?"), f"{status} {rest[:40]}")


# ---- Our clients

def run_wscat(column, program, url):
    def case(name, expected, path, *arguments, text=""):
        def body():
            status, out, said = run(program, "--wait", "inf", *arguments, url + path, text=text.encode())
            found = (status, out, re.sub(r"\d+\.\d\d", "N", said).splitlines()[:1])
            require(found == expected, f"{found}")
        play(column, f"wscat: {name}", body)

    key = f"wscat-{column.route}"
    case("lines", (0, "one\ntw\u00f6\n", []), "/echo", "--wait", 1, text="one\ntw\u00f6\n")
    case("subprotocol", (0, "chat.v2\n", []), "/subprotocol", "--wait", "0.1",
         "--subprotocol", "chat.v2")
    words = "Service Unavailable" if column.peer == "websockets" else "As you asked"
    case("refused", (1, "", [f"wscat: refused: 503 {words}"]), "/status?status=503")
    case("closed by the server", (4, "", ["wscat: closed by the server with 4999: so long"]),
         "/close?code=4999&reason=so%20long")
    case("closes with a code", (0, "", []), f"/echo?id={key}", "--wait", 0, "--close", 4001, "bye")
    case("told of the close", (0, "4001 bye\n", []), f"/closed?id={key}", "--wait", "0.1")
    case("ping", (0, "", ["round trip N ms"]), "/echo", "--wait", "0.2", "--ping", "0.1")


# ---- All of them

def run_all(programs, interop, node_modules, scratch):
    with contextlib.ExitStack() as stack:
        def start(name, *command, **environment):
            return stack.enter_context(Process(scratch, name, *command, **environment)).ports

        pages = Pages()
        stack.callback(pages.shutdown)
        ports = {"page": pages.port}
        echo = programs / "echo_server"
        for name, arguments in {"plain": (), "echo": ("--any-origin", "--threads", 2),
                                "limited": ("--any-origin", "--max-message-size", 1000)}.items():
            ports[name], = start(name, echo, "--port", 0, *arguments)
        ports["strict"], = start("strict", interop / "interop_server")
        ports["ws"], = start("ws", "node", HERE / "ws_server.cjs", NODE_PATH=str(node_modules))
        ports["websockets"], ports["websockets_limited"] = start(
            "websockets", "/usr/bin/python3", HERE / "websockets_server.py")
        # This one is to let in pages that nginx serves, and nginx is to know it.
        with socket.create_server(("127.0.0.1", 0)) as free:
            nginx_port = free.getsockname()[1]
        ports["play"], = start("play", interop / "interop_server",
                               "--origin", f"http://127.0.0.1:{pages.port}",
                               "--origin", f"http://127.0.0.1:{nginx_port}")
        stack.enter_context(Nginx(scratch, ports, nginx_port))

        def url(route, name):
            return (f"ws://127.0.0.1:{ports[name]}" if route == "direct" else
                    f"ws://127.0.0.1:{nginx_port}/{route}/{name}")

        columns = []
        for route in ROUTES:
            columns += run_clients(route, url, pages, scratch, node_modules)
            columns += run_servers(route, url, programs, interop)
        return columns


def run_clients(route, url, pages, scratch, node_modules):
    place = list(ROUTES).index(route)
    urls = {"echo": url(route, "echo") + "/", "limited": url(route, "limited") + "/",
            "strict": url(route, "strict") + "/", "play": url(route, "play")}
    # nginx as it is puts another Host in place of that which the browser's Origin agrees with.
    status = 403 if route == "default" else 101
    origin = "http://" + urllib.parse.urlsplit(urls["strict"]).netloc
    for peer, expected in CLIENTS_OF_OURS.items():
        column = Column(peer, "client", route, expected[place])
        if peer == "ws":
            run_program(column, "node", HERE / "ws_client.mjs", *urls.values(), origin, status,
                        NODE_PATH=str(node_modules))
        elif peer == "websockets":
            run_program(column, "/usr/bin/python3", HERE / "websockets_client.py", *urls.values(), origin,
                        status)
        elif peer == "chromium":
            log = scratch / "strict.log"
            size = len(log.read_text())
            is_direct = route == "direct"
            page = f"http://127.0.0.1:{pages.port}" if is_direct else f"{origin}/{route}/page"
            case = "Origin that is refused" if is_direct else "Origin of the URL's host"
            run_chromium(column, pages, page, {**urls, "status": 403 if is_direct else status,
                                               "origin_case": case}, scratch)
            if is_direct or status == 403:
                play(column, "the log says why", lambda: require(
                    REFUSED_IN_THE_LOG in log.read_text()[size:], log.read_text()[size:] or "it is empty"))
        else:
            bare = url("plain", "plain") + "/" if route != "direct" else ""
            Curl(column, urls, url(route, "plain") + "/", bare).run()
        column.end()
        yield column


def run_servers(route, url, programs, interop):
    place = list(ROUTES).index(route)
    for peer, expected in SERVERS_FOR_OURS.items():
        column = Column(peer, "server", route, expected[place])
        base = url(route, peer)
        limited = base + "/limited" if peer == "ws" else url(route, "websockets_limited") + "/echo"
        run_program(column, interop / "interop_client", base + "/echo", limited, base + "/strict", base)
        run_wscat(column, programs / "wscat", base)
        column.end()
        yield column


# ---- Connections that compress, all of them direct

def run_deflating(peer, role, expected, program, pages, scratch, node_modules):
    column = Column(peer, role, role, expected)
    if peer == "chromium":
        some = deflate_mixes.plan_of_browser()
        with Ours.serving(program, [own for _, own, *_ in some]) as ports:
            run_chromium(column, pages, f"http://127.0.0.1:{pages.port}", {"deflating": json.dumps(
                [{"row": row, "url": f"ws://127.0.0.1:{ports[own]}/", "expected": agreed,
                  "isLarge": is_large} for row, own, agreed, is_large in some])}, scratch)
    elif peer == "ws":
        run_program(column, "node", HERE / "ws_deflate.mjs", role, program,
                    deflate_mixes.plan_as_json(peer, role), NODE_PATH=str(node_modules))
    else:
        run_program(column, "/usr/bin/python3", HERE / f"{peer}_deflate.py", role, program)
    column.end()
    return column


def run_all_deflating(interop, node_modules, scratch):
    pages = Pages()
    with concurrent.futures.ThreadPoolExecutor(2) as two:
        running = [two.submit(run_deflating, peer, role, expected, interop / "interop_deflating", pages,
                              scratch, node_modules)
                   for peer, counts in DEFLATING.items()
                   for role, expected in zip(("client", "server"), counts)]
        columns = [each.result() for each in running]
    pages.shutdown()
    return columns


def print_deflating(columns):
    """As print_table, with a row for each group of connections and their number in it."""
    groups = {}
    for column in columns:
        for name, held in column.outcomes.items():
            group = name.partition(":")[0]
            groups.setdefault(group, {}).setdefault(column, []).append(held)
    print_table("hawser compresses, and its peer is the", columns, {
        group: {column: f"{len(some)} ok" if all(some) else "FAILED" for column, some in found.items()}
        for group, found in groups.items()})


def print_table(title, columns, rows=None):
    """Columns of the same peer side by side, one for each route."""
    peers = list(dict.fromkeys(column.peer for column in columns))
    columns = sorted(columns, key=lambda column: peers.index(column.peer))
    if rows is None:
        rows = {}
        for column in columns:
            for name, held in column.outcomes.items():
                rows.setdefault(name, {})[column] = "ok" if held else "FAILED"
    width = max(map(len, [*rows, "expected"])) + 2
    print(f"\n{title}\n")
    print(" " * width + "".join(
        f"{peer:<{8 * sum(column.peer == peer for column in columns)}}" for peer in peers))
    print(" " * width + "".join(f"{column.route:<8}" for column in columns))
    for name, cells in rows.items():
        print(f"{name:<{width}}" + "".join(f"{cells.get(column, '-'):<8}" for column in columns))
    print(f"{'held':<{width}}" + "".join(f"{sum(column.outcomes.values()):<8}" for column in columns))
    print(f"{'expected':<{width}}" + "".join(f"{column.expected:<8}" for column in columns))
    print(f"{'seconds':<{width}}" + "".join(f"{column.took:<8.1f}" for column in columns))


def main():
    programs, interop, node_modules, scratch = map(Path, sys.argv[1:5])
    columns = run_all(programs, interop, node_modules, scratch)
    deflating = run_all_deflating(interop, node_modules, scratch)
    print("routes: " + ", ".join(f"{name} is {words}" for name, words in ROUTES.items() if name != words))
    print_table("hawser is the server of", [each for each in columns if each.role == "client"])
    print_table("hawser is the client of", [each for each in columns if each.role == "server"])
    print_deflating(deflating)
    print()
    columns += deflating
    for column in columns:
        for fault in column.faults:
            print(f"{column.peer} ({column.role}, {column.route}): {fault}")
    good = sum(sum(column.outcomes.values()) for column in columns)
    expected = sum(sum(counts) for table in (CLIENTS_OF_OURS, SERVERS_FOR_OURS, DEFLATING)
                   for counts in table.values())
    bad = max(expected - good, sum(len(column.faults) for column in columns))
    print(f"{good} passed, {bad} failed")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
