#!/usr/bin/env python3
"""How many jobs a second a market takes from submission to settlement, and which of its threads
pays for it, beside a queue on SQLite that does nothing else. No mark: figures and their ratio.

usage: market_load.py BUILD [SECONDS, 10 if absent]
"""
import contextlib
import json
import pathlib
import sqlite3
import subprocess
import sys

from common import Disk, Market, demand, main, scratch, show, thread_seconds

CLIENTS = 64
SECONDS = 10
CREDIT = 10**15


def run_json(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                          check=False)
    demand(done.returncode == 0, f"{words[0].name}: {done.stderr}")
    return json.loads(done.stdout)


def load_market(build, folder, seconds):
    with Market(build / "shoal", folder) as market:
        buyer, buyer_key = market.account("buyer", CREDIT)
        provider, provider_key = market.account("provider")
        disk_before = Disk(folder / "market").median_us()
        before = thread_seconds(market.process.pid)
        figures = run_json(build / "bench/market_load", market.url, buyer_key, provider_key,
                           CLIENTS, seconds)
        after = thread_seconds(market.process.pid)
        check_books(market, buyer, provider, figures)
    figures["threads_us"] = {name: (value - before.get(name, 0)) * 1e6 / figures["lifecycles"]
                             for name, value in after.items()}
    figures["append_us"] = disk_before
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
    """What a job leaves in the journal, whose segments are not packed here. The market has ended: nobody else reads it."""
    events = size = 0
    for file in (folder / "journal").glob("events-*.db"):
        with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as database:
            events += database.execute("SELECT count(*) FROM events").fetchone()[0]
        size += file.stat().st_size
    return {"events": events / count, "journal_bytes": size / count}


def measure(arguments):
    build = pathlib.Path(arguments[0]).resolve()
    seconds = float(arguments[1]) if len(arguments) > 1 else SECONDS
    with scratch("load") as folder:
        market = load_market(build, folder, seconds)
    with scratch("queue") as folder:
        queue = run_json(build / "bench/sqlite_queue", folder / "queue.db", CLIENTS, seconds)
    report(market, queue)
    return True


def report(market, queue):
    market["cpu_us"] = sum(market["threads_us"].values())

    def rate(figures):
        return figures["lifecycles"] / figures["seconds"]

    def row(words, key, form):
        return words, form.format(market[key]), form.format(queue[key])

    print(f"\n{CLIENTS} clients by HTTP, one provider made by hand that runs nothing; the load "
          "shares this machine's cores with the market.")
    show(f"{CLIENTS} callers, each waits for its job", [
        ("", "market", "queue"),
        ("lifecycles a second", f"{rate(market):.0f}", f"{rate(queue):.0f}"),
        row("CPU a lifecycle, µs", "cpu_us", "{:.0f}"),
        row("a job's life, median, ms", "life_p50_ms", "{:.1f}"),
        row("a job's life, 99 %, ms", "life_p99_ms", "{:.1f}"),
        ("submission answered, median, ms", f"{market['answer_p50_ms']:.1f}", ""),
    ])
    show("CPU of the market a lifecycle, by thread", [
        (name, f"{value:.0f} µs", f"{value / market['cpu_us']:.0%}")
        for name, value in sorted(market["threads_us"].items(), key=lambda one: -one[1])
        if value >= 0.5])
    show("beside it", [
        ("CPU of the load a lifecycle", f"{market['load_cpu_us']:.0f} µs"),
        ("events a lifecycle", f"{market['events']:.1f}"),
        ("journal a lifecycle", f"{market['journal_bytes']:.0f} bytes"),
        ("append 4 KiB, fdatasync, median", f"{market['append_us'] / 1000:.2f} ms"),
    ])
    print(f"\nratios, queue to market: {rate(queue) / rate(market):.1f} in lifecycles a second, "
          f"{market['cpu_us'] / queue['cpu_us']:.1f} in CPU a lifecycle")


if __name__ == "__main__":
    sys.exit(main(measure, sys.argv[1:]))
