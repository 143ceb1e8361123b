#!/usr/bin/env python3
"""From a submission to the job's first instruction, on a warm idle provider: beside one durable
append and one launch of the sandbox, all in the same run.

usage: latency.py BUILD [RUNS]
"""
import hashlib
import json
import pathlib
import random
import socket
import statistics
import subprocess
import sys
import time

from common import Disk, Installation, demand, main, scratch, show, verdict

RUNS = 60
WARM_UP = 5
MARK = 3
HOPS = ("total", "answer", "shim", "launch")  # of one job, see follow()


class Submitter:
    """A connection that is open already: nothing but the request lies between stamp and market."""

    def __init__(self, url, key, body):
        host, _, port = url.removeprefix("http://").partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = json.dumps(body)
        self.request = (f"POST /v1/jobs HTTP/1.1\r\nHost: {host}:{port}\r\n"
                        f"Authorization: Bearer {key}\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(text)}\r\n\r\n{text}").encode()

    def submit(self):
        """When it was sent and when the answer was there, in microseconds, and the job."""
        sent = time.monotonic_ns()
        self.socket.sendall(self.request)
        answer = self.socket.recv(65536)
        answered = time.monotonic_ns()
        head, _, body = answer.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n")
                      if line.lower().startswith(b"content-length:"))
        while len(body) < length:
            body += self.socket.recv(65536)
        demand(b" 201 " in head.split(b"\r\n")[0], f"refused: {answer!r}")
        return sent / 1000, answered / 1000, json.loads(body)["job"]


class Launches:
    """The sandbox alone, launched whenever it is asked for."""

    def __init__(self, build, folder):
        self.process = subprocess.Popen(
            [build / "bench/launch_bench", folder, build / "bench/first_instruction"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        demand(self.process.stdout.readline() == "ready\n", "launch_bench did not start")

    def launch(self):
        """Until the program's first instruction and until nothing was left, in microseconds."""
        self.process.stdin.write("\n")
        line = self.process.stdout.readline()
        demand(line, "launch_bench ended")
        began, gone = line.split()
        return int(began), int(gone)

    def close(self):
        self.process.stdin.close()
        demand(self.process.wait() == 0, "launch_bench failed")


def upload(rest, program):
    data = program.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    rest.raw("PUT", f"/v1/blobs/{digest}", data)
    return {"as": "job", "blob": digest, "size_bytes": len(data), "executable": True}


def follow(rest, sent, answered, job):
    """The hops of one job in microseconds, from what the sandbox and the job itself stamped."""
    view = rest.when_over(job)
    demand(view["state"] == "finished", f"{job}: {view['sentence']}")
    attempts = rest.ask("GET", f"/v1/jobs/{job}/attempts")["items"]
    demand(len(attempts) == 1, f"{job} took {len(attempts)} attempts")
    outcome = attempts[0]["outcome"]
    shim = outcome["shim_at_us"]
    began = int(rest.raw("GET", f"/v1/attempts/{attempts[0]['lease']}/log")) / 1000
    demand(sent < answered and sent < shim < began, f"{job}: stamps out of order: {outcome}")
    return {"total": began - sent, "answer": answered - sent, "shim": shim - sent,
            "launch": began - shim}


def idle():
    """Before each measurement alike, and never in step with a timer.

    A move into a version 1 control group waits for every processor unless another one has just
    done so: what is launched right behind a job would be four times as fast as a job that finds
    the machine idle, and no measure for it.
    """
    time.sleep(random.uniform(0.05, 0.1))


def sample(installation, build, folder, runs):
    """The three kinds of measurement take turns, so that all see the same machine."""
    rest = installation.rest("buyer")
    job = {"name": "first instruction", "command": ["./job"],
           "inputs": [upload(rest, build / "bench/first_instruction")],
           "resources": {"cores": 1, "memory": "64MiB", "disk": "64MiB"},
           "limits": {"time": "1m", "log": "64KiB"}}
    submitter = Submitter(installation.url, installation.keys["buyer"], job)
    (folder / "launches").mkdir()
    launches = Launches(build, folder / "launches")
    disk = Disk(installation.market_folder)
    samples = {name: [] for name in ("append", "began", "gone", *HOPS)}
    for turn in range(-WARM_UP, runs):
        idle()
        measured = follow(rest, *submitter.submit())
        idle()
        measured["append"] = disk.append_us()
        idle()
        measured["began"], measured["gone"] = launches.launch()
        if turn >= 0:
            for name, value in measured.items():
                samples[name].append(value)
    launches.close()
    books = installation.rest("operator").ask("GET", "/v1/books")
    demand(int(books["sum"]) == 0, f"the books do not add up: {books}")
    demand(all(int(v) >= 0 for k, v in books["balances"].items() if k != "issuer"),
           f"an account is overdrawn: {books}")
    return samples


def measure(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    runs = int(arguments[1]) if len(arguments) > 1 else RUNS
    with scratch("latency") as folder:
        with Installation(build / "shoal", folder, "--providers", "1") as installation:
            samples = sample(installation, build, folder, runs)
    median = {name: statistics.median(values) for name, values in samples.items()}
    ninth = {name: statistics.quantiles(values, n=10)[-1] for name, values in samples.items()}
    total = median["total"]

    def row(words, name):
        return words, f"{median[name] / 1000:.2f} ms", f"{ninth[name] / 1000:.2f} ms"

    def hop(words, name, earlier=None):
        values = [a - b for a, b in zip(samples[name], samples[earlier])] if earlier \
            else samples[name]
        value = statistics.median(values)
        return words, f"{value / 1000:.2f} ms", f"{value / total:.0%}"

    show(f"from submission to first instruction, {runs} runs: median and 90th percentile",
         [row("submit to first instruction", "total")])
    show("in the same run, alone",
         [row("append 4 KiB, fdatasync", "append"),
          row("sandbox launch to first instruction", "began"),
          row("sandbox launch until nothing is left", "gone")])
    show("where the time goes: medians, and shares of the whole",
         [hop("client to durable in the market and back", "answer"),
          hop("from there: provider, folder, shim's start", "shim", "answer"),
          hop("shim: files, sandbox, job's first instruction", "launch")])
    base = median["append"] + median["began"]
    print()
    return verdict(total <= MARK * base,
                   f"{total / 1000:.2f} ms is {total / base:.2f} times one append and one launch "
                   f"({base / 1000:.2f} ms); at most {MARK} times is wanted")


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
