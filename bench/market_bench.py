#!/usr/bin/env python3
"""What a durable lifecycle of a job costs: by the core and the journal alone, by HTTP and WebSocket
with and without TLS, and beside that two queues, on SQLite and on PostgreSQL.

usage: market_bench.py BUILD [SECONDS a measurement, 10 if absent]
"""
import contextlib
import json
import os
import pathlib
import pwd
import sqlite3
import statistics
import subprocess
import sys

from common import (Disk, Market, cpu_seconds, demand, main, scratch, show, thread_seconds,
                    verdict)

ROUNDS = 3
CALLERS = 256  # without sockets: callers cost nothing, and a batch is as large as they are many
CLIENTS = 64
SECONDS = 10
CREDIT = 10**15
LIFECYCLES_ALONE = 15_000
SHARE_OF_QUEUE = 0.5
LIFECYCLES_BY_HTTP = 4_000
CPU_US = 120


def run_json(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          check=False)
    demand(done.returncode == 0, f"{pathlib.Path(words[0]).name}: {done.stderr}")
    return json.loads(done.stdout)


def rate(figures):
    return figures["lifecycles"] / figures["seconds"]


# --- without sockets ------------------------------------------------------------------------------

def alone(build, seconds):
    """The core and its journal; it checks its books itself."""
    with scratch("durable") as folder:
        return run_json(build / "bench/market_durable", folder / "journal", CALLERS, seconds)


def sqlite_queue(build, callers, seconds):
    with scratch("queue") as folder:
        return run_json(build / "bench/sqlite_queue", folder / "queue.db", callers, seconds)


# --- by HTTP --------------------------------------------------------------------------------------

def certificate(folder):
    """The options of a market with a certificate of its own, whose pin its address then has."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                    "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                    folder / "key.pem", "-out", folder / "cert.pem"],
                   check=True, capture_output=True)
    return ["--tls-cert", str(folder / "cert.pem"), "--tls-key", str(folder / "key.pem")]


def by_http(build, seconds, tls):
    with scratch("load") as folder:
        options = certificate(folder) if tls else []
        with Market(build / "shoal", folder, *options) as market:
            buyer, buyer_key = market.account("buyer", CREDIT)
            provider, provider_key = market.account("provider")
            disk = Disk(folder / "market").median_us()
            before = thread_seconds(market.process.pid)
            figures = run_json(build / "bench/market_load", market.url, buyer_key,
                               provider_key, CLIENTS, seconds)
            after = thread_seconds(market.process.pid)
            check_books(market, buyer, provider, figures)
        figures["threads_us"] = {name: (value - before.get(name, 0)) * 1e6 / figures["lifecycles"]
                                 for name, value in after.items()}
        figures["cpu_us"] = sum(figures["threads_us"].values())
        figures["append_us"] = disk
        figures.update(journal_facts(folder / "market", figures["lifecycles"]))
    return figures


def check_books(market, buyer, provider, figures):
    """Every job finished once, paid once, and no lamport is lost."""
    count, price = figures["lifecycles"], figures["start_price"]
    books = market.operator.ask("GET", "/v1/books")
    balances = {name: int(value) for name, value in books["balances"].items()}
    demand(int(books["sum"]) == 0 and sum(balances.values()) == 0, f"the sum is not zero: {books}")
    demand(balances[f"available:{buyer}"] == CREDIT - count * price,
           f"{count} jobs at {price} were not what the buyer paid: {balances}")
    earned = balances[f"available:{provider}"] + balances["fees"]
    demand(earned == count * price, f"provider and fees got {earned}: {balances}")
    held = sum(value for name, value in balances.items() if name.startswith("held:"))
    demand(held == 0, f"{held} is still held")
    open_jobs = market.operator.ask("GET", "/v1/jobs?state=open")["items"]
    demand(not open_jobs, f"{len(open_jobs)} jobs are open")


def journal_facts(folder, count):
    """What a job leaves in the journal, whose segments are not packed here. The market has ended:
    nobody else reads it."""
    events = size = 0
    for file in (folder / "journal").glob("events-*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            events += database.execute("SELECT count(*) FROM events").fetchone()[0]
        size += file.stat().st_size
    return {"events": events / count, "journal_bytes": size / count}


# --- PostgreSQL -----------------------------------------------------------------------------------

def postgres_programs():
    """The newest ones that are installed; nothing if there are none."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    return found[-1].parent if found else None


class Postgres:
    """A server of its own, as durable as the market: synchronous_commit and fsync are on."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        self.user = {}
        if os.geteuid() == 0:  # which PostgreSQL refuses to be
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
            self.user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def __enter__(self):
        data = self.folder / "data"
        subprocess.run([self.programs / "initdb", "-D", data, "-U", "bench", "-A", "trust"],
                       check=True, capture_output=True, **self.user)
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [self.programs / "postgres", "-D", data, "-k", self.folder, "-c",
             "listen_addresses=", "-c", "shared_buffers=256MB", "-c", "max_wal_size=4GB"],
            stdout=self.log, stderr=self.log, **self.user)
        ready = subprocess.run(["sh", "-c", f"for i in $(seq 300); do {self.programs}/pg_isready "
                                f"-q -h {self.folder} && exit 0; sleep 0.1; done; exit 1"],
                               check=False)
        demand(ready.returncode == 0, f"PostgreSQL did not start: see {self.folder}/log")
        return self

    def connection(self):
        return f"host={self.folder} user=bench dbname=postgres"

    def cpu_seconds(self):
        """Of the server and its children that live."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        pids = [self.process.pid, *map(int, children.read_text().split())]
        return sum(cpu_seconds(pid) for pid in pids)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.log.close()


def by_postgres(build, programs, seconds):
    with scratch("postgres") as folder, Postgres(programs, folder) as server:
        queue = build / "bench/postgres_queue"
        with subprocess.Popen([queue, "serve", server.connection()], text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as front:
            port = front.stdout.readline().strip()
            demand(port, "the queue on PostgreSQL did not start")
            before = server.cpu_seconds() + cpu_seconds(front.pid)
            figures = run_json(queue, "load", f"http://127.0.0.1:{port}", CLIENTS, seconds)
            spent = server.cpu_seconds() + cpu_seconds(front.pid) - before
            front.stdin.close()
        figures["cpu_us"] = spent * 1e6 / figures["lifecycles"]
        done = subprocess.run([programs / "psql", "-At", "-d", server.connection(), "-c",
                               "SELECT count(*) FROM jobs WHERE state = 2"],
                              check=True, capture_output=True, text=True).stdout
        demand(int(done) == figures["lifecycles"], f"{done} jobs were ended, not all")
    return figures


# --- the account ----------------------------------------------------------------------------------

def median_of(rounds, value):
    return statistics.median(value(one) for one in rounds)


def listed(rounds, value, form="{:.0f}"):
    return " ".join(form.format(value(one)) for one in rounds)


def measure(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    seconds = float(arguments[1]) if len(arguments) > 1 else SECONDS
    programs = postgres_programs()
    has_postgres = programs and (build / "bench/postgres_queue").exists()
    runs = {"alone": [], "queue": [], "http": [], "tls": [], "postgres": []}
    for _ in range(ROUNDS):
        runs["alone"].append(alone(build, seconds))
        runs["queue"].append(sqlite_queue(build, CALLERS, seconds))
        runs["http"].append(by_http(build, seconds, tls=False))
        runs["tls"].append(by_http(build, seconds, tls=True))
        if has_postgres:
            runs["postgres"].append(by_postgres(build, programs, seconds))
    report(runs)
    if not has_postgres:
        print("\nPostgreSQL is not installed (postgresql, libpq-dev): it was not compared")
    return judge(runs)


def report(runs):
    def row(words, key):
        rounds = runs[key]
        return (words, listed(rounds, rate), listed(rounds, lambda one: one["cpu_us"]))

    show(f"{ROUNDS} rounds, one after another", [
        ("", "lifecycles a second", "CPU a lifecycle, µs"),
        row(f"core and journal, {CALLERS} callers, no socket", "alone"),
        row(f"queue on SQLite, {CALLERS} callers, no socket", "queue"),
        row(f"market by HTTP, {CLIENTS} clients", "http"),
        row(f"market by HTTPS, {CLIENTS} clients", "tls"),
        *([row(f"queue on PostgreSQL by HTTP, {CLIENTS} clients", "postgres")]
          if runs["postgres"] else [])])
    for key, words in (("http", "HTTP"), ("tls", "HTTPS")):
        last = runs[key][-1]
        show(f"by {words}, CPU of the market a lifecycle, by thread, last round", [
            (name, f"{value:.0f} µs", f"{value / last['cpu_us']:.0%}")
            for name, value in sorted(last["threads_us"].items(), key=lambda one: -one[1])
            if value >= 0.5])
    last = runs["http"][-1]
    show("beside it, by HTTP, last round", [
        ("a job's life, median and 99 %", f"{last['life_p50_ms']:.1f} ms",
         f"{last['life_p99_ms']:.1f} ms"),
        ("submission answered, median", f"{last['answer_p50_ms']:.1f} ms"),
        ("CPU of the load a lifecycle", f"{last['load_cpu_us']:.0f} µs"),
        ("events a lifecycle", f"{last['events']:.1f}"),
        ("journal a lifecycle", f"{last['journal_bytes']:.0f} bytes"),
        ("append 4 KiB, fdatasync, median", f"{last['append_us'] / 1000:.2f} ms")])


def judge(runs):
    print()
    by_itself = median_of(runs["alone"], rate)
    share = by_itself / median_of(runs["queue"], rate)
    http, cpu = median_of(runs["http"], rate), median_of(runs["http"], lambda one: one["cpu_us"])
    return all([
        verdict(by_itself >= LIFECYCLES_ALONE,
                f"core and journal: {by_itself:.0f} durable lifecycles a second, wanted "
                f"{LIFECYCLES_ALONE}"),
        verdict(share >= SHARE_OF_QUEUE,
                f"that is {share:.2f} times what the queue on SQLite does, wanted "
                f"{SHARE_OF_QUEUE}"),
        verdict(http >= LIFECYCLES_BY_HTTP,
                f"by HTTP: {http:.0f} a second, wanted {LIFECYCLES_BY_HTTP}"),
        verdict(cpu <= CPU_US, f"CPU of the market: {cpu:.0f} µs a lifecycle, wanted {CPU_US}")])


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
