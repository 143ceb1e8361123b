#!/usr/bin/env python3
"""What the event feed costs: feed.py BUILD [SECONDS]

5,000 subscribers hear of 100 transfers a second. Each must be told every one of them, within what the
feed gathers (100 ms) and a little; the market's memory must not grow by more than 256 KiB for each.
Printed beside it: the CPU time of the market, and how long after its answer a transfer is heard of.
"""
from __future__ import annotations

import multiprocessing
import pathlib
import select
import socket
import statistics
import sys
import time
import urllib.parse
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

import common  # noqa: E402  pylint: disable=wrong-import-position
import harness  # noqa: E402  pylint: disable=wrong-import-position
import wire  # noqa: E402  pylint: disable=wrong-import-position
from attacks import frame  # noqa: E402  pylint: disable=wrong-import-position

SUBSCRIBERS = 5_000
PER_ADDRESS = 2_000  # the market bounds the connections of one address
EVENTS_PER_S = 100
STAY_S = 10  # the market closes what is silent for 30
LATE_MAX_S = 0.2  # at the median: 100 ms of gathering, and what a busy machine adds
BYTES_MAX = 256 << 10
MARK = b'"transfer_posted"'


class Subscriber:
    """Counts what it is told of; reads only when there is something to read."""

    def __init__(self, world: harness.World, number: int) -> None:
        place = urllib.parse.urlsplit(world.market.url)
        address = f"127.0.0.{2 + number // PER_ADDRESS}"
        self.socket = socket.create_connection((place.hostname or "", place.port or 0), timeout=30,
                                               source_address=(address, 0))
        self.socket.sendall(wire.head("GET", "/v1/events?name=transfer_posted", world.market.url, {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
            "Authorization": f"Bearer {world.keys['operator']}"}))
        head = self.socket.recv(4096)
        common.demand(head.startswith(b"HTTP/1.1 101 "), f"refused: {head!r}")
        self.socket.setblocking(False)
        self.told = head.count(MARK)
        self.messages = 0
        self.rest = b""

    def read(self) -> int:
        """How many transfers it was told of now."""
        data = self.socket.recv(1 << 18)
        common.demand(bool(data), "a subscriber was cut off")
        heard = self.rest + data
        told = heard.count(MARK)
        self.rest = heard[1 - len(MARK):]  # too short for a whole one
        self.told += told
        self.messages += 1
        return told


    def stay(self) -> None:
        """Says that it is there: a pong that nobody asked for, as RFC 6455 (5.5.3) allows."""
        self.socket.send(frame(10, b""))


def transfer(world: harness.World, seconds: float, answered: Any) -> None:
    """Issues credit at a steady pace, in a process of its own; says when each was answered."""
    market = common.Rest(world.market.url, world.keys["operator"])
    path = f"/v1/accounts/{world.accounts['buyer']}/credit"
    begun = time.monotonic()
    times = []
    for number in range(int(seconds * EVENTS_PER_S)):
        time.sleep(max(0.0, begun + number / EVENTS_PER_S - time.monotonic()))
        market.ask("POST", path, {"amount": str(1000 + number)})
        times.append(time.monotonic())
    answered.send(times)


def listen(subscribers: list[Subscriber], old: int, wanted: int) -> list[float]:
    """Reads until everybody has heard of everything: when the last one heard of each new transfer."""
    poll = select.epoll()
    known = {one.socket.fileno(): one for one in subscribers}
    for number in known:
        poll.register(number, select.EPOLLIN)
    last = subscribers[-1]
    heard = [0.0] * last.told
    end = time.monotonic() + wanted / EVENTS_PER_S + 60
    left = len(subscribers)
    staying = time.monotonic()
    while left > 0:
        if time.monotonic() > staying:
            staying += STAY_S
            for one in subscribers:
                one.stay()
        common.demand(time.monotonic() < end, f"{left} subscribers have not heard of everything")
        for number, _ in poll.poll(1.0):
            one = known[number]
            told = one.read()
            if one is last:
                heard += [time.monotonic()] * told
            left -= told > 0 and one.told == wanted
            common.demand(one.told <= wanted, "a subscriber was told something twice")
    return heard[old:]


def run(world: harness.World, seconds: float) -> bool:
    pid = world.market.pid
    before = common.memory_bytes(pid)[0]
    subscribers = [Subscriber(world, number) for number in range(SUBSCRIBERS)]
    opened = common.memory_bytes(pid)[0]
    old = sum(1 for name, _ in world.journal() if name == "transfer_posted")
    new = int(seconds * EVENTS_PER_S)
    cpu, begun = common.cpu_seconds(pid), time.monotonic()
    answered, told = multiprocessing.Pipe(duplex=False)
    transfers = multiprocessing.Process(target=transfer, args=(world, seconds, told))
    transfers.start()
    heard = listen(subscribers, old, old + new)
    late = sorted(at - done for at, done in zip(heard, answered.recv(), strict=True))
    transfers.join()
    took = time.monotonic() - begun
    cpu = common.cpu_seconds(pid) - cpu
    grown = (common.memory_bytes(pid)[0] - before) / SUBSCRIBERS
    messages = sum(one.messages for one in subscribers) / SUBSCRIBERS
    median, p99 = statistics.median(late), late[len(late) * 99 // 100]
    print(f"{SUBSCRIBERS:,} subscribers, {EVENTS_PER_S} events/s for {took:.1f} s: each was told of "
          f"all {len(late)}, in {messages:.0f} reads")
    print(f"late by {1e3 * median:.0f} ms at the median (at most {1e3 * LATE_MAX_S:.0f}), "
          f"{1e3 * p99:.0f} ms at the 99th percentile")
    print(f"memory of one: {(opened - before) / SUBSCRIBERS / 1024:.1f} KiB silent, "
          f"{grown / 1024:.1f} KiB after the run (at most {BYTES_MAX >> 10})")
    print(f"the market's CPU: {100 * cpu / took:.0f} % of a core")
    for one in subscribers:
        one.socket.close()
    print(f"events a second, while all were told of them: {new / took:.0f}")
    return median <= LATE_MAX_S and grown <= BYTES_MAX and new / took >= 0.9 * EVENTS_PER_S


def main() -> int:
    harness.program = str(pathlib.Path(sys.argv[1]).resolve() / "shoal")
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 20.0
    print("\n".join(common.machine()))
    with harness.World(time_limit_s=0) as world:
        good = run(world, seconds)
    print("good" if good else "MISSED")
    return not good


if __name__ == "__main__":
    sys.exit(main())
