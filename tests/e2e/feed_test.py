#!/usr/bin/env python3
"""The event feed: every item once and in order, many in one message, and none lost to who comes back."""
from __future__ import annotations

import contextlib
import json
import socket
import unittest
from typing import Any, Iterator

import harness
import wire

TASKS = 2_000


@contextlib.contextmanager
def feed(world: harness.World, query: str = "", role: str = "operator",
         receive_bytes: int = 0) -> Iterator[wire.WebSocket]:
    with contextlib.closing(wire.WebSocket(world.market.url, f"/v1/events{query}",
                                           world.keys[role], receive_bytes)) as subscriber:
        if subscriber.status != 101:
            raise AssertionError(f"the feed answered {subscriber.status}: {subscriber.body!r}")
        yield subscriber


def items_of(message: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in message.split("\n")]


def read_until(subscriber: wire.WebSocket, name: str) -> list[list[dict[str, Any]]]:
    """The messages up to the one with an item of that name."""
    messages = []
    while not messages or all(item["name"] != name for item in messages[-1]):
        messages.append(items_of(subscriber.receive()))
    return messages


def sequences(messages: list[list[dict[str, Any]]]) -> list[int]:
    return [item["sequence"] for message in messages for item in message]


def submit_and_cancel(world: harness.World, tasks: int = TASKS) -> str:
    """A great many events at once: each task of a job that nobody can run ends."""
    job = world.submit(name="many", command=["true", "${n}"],
                       tasks={"matrix": {"n": list(range(tasks))}},
                       resources={"cores": 4000}, price={"max_total": "0.01SOL"})
    answer = world.ask("POST", f"/v1/jobs/{job}/cancel", "buyer")
    assert answer.status == 200, answer
    return job


class Feed(unittest.TestCase):
    def test_what_happens_at_once_comes_in_few_messages_whole_and_in_order(self) -> None:
        with harness.World() as world, feed(world, "?after=0") as subscriber:
            submit_and_cancel(world)
            messages = read_until(subscriber, "job_ended")
            told = sequences(messages)
            self.assertEqual(told, sorted(set(told)))
            ended = [item for message in messages for item in message
                     if item["name"] == "task_ended"]
            self.assertEqual(len(ended), TASKS)
            self.assertLess(len(messages), TASKS / 20)
            with feed(world, "?after=0") as late:
                self.assertEqual(sequences(read_until(late, "job_ended")), told)

    def test_who_knows_less_is_told_less_in_the_same_order(self) -> None:
        with harness.World() as world, feed(world, "?after=0", "buyer") as buyer, \
                feed(world, "?after=0") as operator:
            submit_and_cancel(world, 20)
            own = sequences(read_until(buyer, "job_ended"))
            everything = sequences(read_until(operator, "job_ended"))
            self.assertLess(len(own), len(everything))
            self.assertEqual([one for one in everything if one in set(own)], own)

    def test_who_reads_too_slowly_is_cut_off_and_comes_back_without_a_gap(self) -> None:
        with harness.World() as world, feed(world, "?after=0", receive_bytes=4096) as slow:
            first = items_of(slow.receive())
            for _ in range(12):  # more than the queue and both sockets' buffers hold
                newest = submit_and_cancel(world)
            with feed(world, "?after=0") as other:
                everything = []
                while not any(item["name"] == "job_ended" and item["job"] == newest
                              for item in everything):
                    everything += items_of(other.receive())
            heard = first
            with self.assertRaisesRegex(ConnectionError, "closed"):
                while True:
                    heard += items_of(slow.receive())
            with feed(world, f"?after={heard[-1]['sequence']}") as back:
                while heard[-1]["sequence"] < everything[-1]["sequence"]:
                    heard += items_of(back.receive())
            self.assertEqual([item["sequence"] for item in heard],
                             [item["sequence"] for item in everything])


if __name__ == "__main__":
    socket.setdefaulttimeout(wire.TIMEOUT_S)
    harness.main()
