#!/usr/bin/env python3
"""What the event feed costs: feed.py BUILD [SECONDS]

5,000 subscribers hear of 100 transfers a second. Each must be told every one of them, within what the
feed gathers (100 ms) and a little; the market's memory must not grow by more than 256 KiB for each.
Printed beside it: the CPU time of the market, and how long after its answer a transfer is heard of.
"""
from __future__ import annotations

import json
import pathlib
import select
import socket
import statistics
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

import common  # noqa: E402  pylint: disable=wrong-import-position
import harness  # noqa: E402  pylint: disable=wrong-import-position
import wire  # noqa: E402  pylint: disable=wrong-import-position

SUBSCRIBERS = 5_000
PER_ADDRESS = 2_000  # the market bounds the connections of one address
EVENTS_PER_S = 100
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
        """How many transfers it was told of now. Pings are let be: the run is short."""
        data = self.socket.recv(1 << 18)
        common.demand(bool(data), "a subscriber was cut off")
        heard = self.rest + data
        told = heard.count(MARK)
        self.rest = heard[1 - len(MARK):]  # too short for a whole one
        self.told += told
        self.messages += 1
        return told


class Transfers(threading.Thread):
    """Issues credit at a steady pace, and knows when each was answered."""

    def __init__(self, world: harness.World, seconds: float) -> None:
        super().__init__()
        self.world, self.seconds = world, seconds
        self.answered: list[float] = []

    def run(self) -> None:
        body = json.dumps({"amount": "0.000001"}).encode()
        path = f"/v1/accounts/{self.world.accounts['buyer']}/credit"
        begun = time.monotonic()
        for number in range(int(self.seconds * EVENTS_PER_S)):
            time.sleep(max(0.0, begun + number / EVENTS_PER_S - time.monotonic()))
            answer = self.world.ask("POST", path, body=body,
                                    headers={"Idempotency-Key": f"feed {number}"})
            assert answer.status in (200, 201), answer
            self.answered.append(time.monotonic())


def listen(subscribers: list[Subscriber], transfers: Transfers) -> list[float]:
    """Reads until everybody has heard of everything. How late the last subscriber heard of each."""
    poll = select.epoll()
    known = {one.socket.fileno(): one for one in subscribers}
    for number in known:
        poll.register(number, select.EPOLLIN)
    last = subscribers[-1]
    heard: list[float] = []
    wanted = int(transfers.seconds * EVENTS_PER_S)
    end = time.monotonic() + transfers.seconds + 60
    transfers.start()
    left = len(subscribers)
    while left > 0:
        common.demand(time.monotonic() < end, f"{left} subscribers have not heard of everything")
        for number, _ in poll.poll(1.0):
            one = known[number]
            told = one.read()
            if one is last:
                heard += [time.monotonic()] * told
            left -= told > 0 and one.told == wanted
            common.demand(one.told <= wanted, "a subscriber was told something twice")
    transfers.join()
    return [heard[i] - transfers.answered[i] for i in range(wanted)]


def run(world: harness.World, seconds: float) -> bool:
    pid = world.market.pid
    before = common.memory_bytes(pid)[0]
    subscribers = [Subscriber(world, number) for number in range(SUBSCRIBERS)]
    opened = common.memory_bytes(pid)[0]
    transfers = Transfers(world, seconds)
    cpu, begun = common.cpu_seconds(pid), time.monotonic()
    late = sorted(listen(subscribers, transfers))
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
    return median <= LATE_MAX_S and grown <= BYTES_MAX


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
