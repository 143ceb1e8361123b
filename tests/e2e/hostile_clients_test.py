#!/usr/bin/env python3
"""What a hostile client does ends with a clear refusal, for that client alone."""
from __future__ import annotations

import contextlib
import functools
import multiprocessing
import os
import socket
import time
import unittest
from typing import Callable, Iterator

import attacks
import harness
import wire

PATIENCE_S = 30.0  # of an honest client beside an attack, on a busy machine with sanitizers
MEMORY_MAX = 256 << 20

# What a sanitized program has freed stays resident for a while, by default as much as MEMORY_MAX.
os.environ["ASAN_OPTIONS"] = ":".join(
    filter(None, (os.environ.get("ASAN_OPTIONS"), "quarantine_size_mb=16")))


def target_of(world: harness.World) -> attacks.Target:
    return attacks.Target(world.market.url,
                          {**world.keys, "buyer_account": world.accounts["buyer"]})


def resident(world: harness.World) -> int:
    with open(f"/proc/{world.market.pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) << 10


@contextlib.contextmanager
def attacked(world: harness.World, attack: Callable[[attacks.Target, float], None],
             seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds
    process = multiprocessing.get_context("fork").Process(
        target=attack, args=(target_of(world), end))
    process.start()
    try:
        yield
    finally:
        process.join(seconds + harness.WAIT_S)
        if process.is_alive():
            process.kill()
            process.join()


class HostileClients(unittest.TestCase):
    def assert_serves(self, world: harness.World) -> float:
        """The longest that an honest client waits for one of its requests."""
        longest = 0.0
        for path, role in (("/v1/accounts/me", "buyer"), ("/v1/providers", "provider"),
                           ("/v1/jobs", "operator")):
            begun = time.monotonic()
            self.assertEqual(world.ask("GET", path, role).status, 200)
            longest = max(longest, time.monotonic() - begun)
        self.assertLess(longest, PATIENCE_S)
        return longest

    def test_while_one_client_attacks_the_others_are_served_and_memory_is_bounded(self) -> None:
        fewer = {"slow heads": functools.partial(attacks.slow_heads, count=200),
                 "slow bodies": functools.partial(attacks.slow_bodies, count=200)}
        for name, attack in {**attacks.ATTACKS, **fewer}.items():
            if name == "a million tasks":
                continue  # that takes its time: scripts/verify hostile
            with self.subTest(name), harness.World() as world:
                before = resident(world)
                with attacked(world, attack, 3):
                    end = time.monotonic() + 3
                    while time.monotonic() < end:
                        self.assert_serves(world)
                        time.sleep(0.05)
                self.assert_serves(world)
                self.assertLess(resident(world) - before, MEMORY_MAX)

    def test_a_client_that_says_its_head_or_body_slowly_is_cut_off(self) -> None:
        with harness.World() as world:
            target = target_of(world)
            head = attacks.open_many(target, 1, b"GET /v1/market HTTP/1.1\r\nX: ")[0]
            body = attacks.open_many(target, 1, target.head(
                "POST", "/v1/jobs", Content_Length="1000000"))[0]
            begun = time.monotonic()
            for one, most in ((head, 20), (body, 45)):
                one.settimeout(0.5)
                while True:
                    try:
                        one.sendall(b"x")
                        if not one.recv(1):
                            break
                    except TimeoutError:
                        self.assertLess(time.monotonic() - begun, most)
                    except ConnectionError:
                        break
            self.assert_serves(world)

    def test_a_request_in_another_ones_body_is_never_done(self) -> None:
        with harness.World() as world:
            accounts = len(world.get("/v1/accounts")["items"])
            for head in attacks.smuggling_heads():
                with self.subTest(head):
                    answered = attacks.smuggle(target_of(world), head, world.keys["operator"])
                    self.assertTrue(answered.startswith(b"HTTP/1.1 400 "), answered)
                    self.assertEqual(answered.count(b"HTTP/1.1 "), 1, answered)
            self.assertEqual(len(world.get("/v1/accounts")["items"]), accounts)

    def test_frames_that_are_too_long_or_no_text_end_the_connection(self) -> None:
        with harness.World() as world:
            target = target_of(world)
            for path, role in (("/v1/session", "provider"), ("/v1/events", "buyer")):
                for said in (attacks.frame(1, b"x", size=1 << 62),
                             attacks.frame(1, b"x" * 700_000, final=False) * 2,
                             attacks.frame(2, b"\0"), b"\x81\x01x"):
                    with self.subTest(path=path, said=said[:8]), \
                            attacks.websocket(target, path, world.keys[role]) as connection:
                        self.assertIn(b"101", connection.recv(4096))
                        try:
                            connection.sendall(said)
                            while connection.recv(65536):
                                pass
                        except ConnectionError:
                            pass  # it was closed while it still spoke
            self.assert_serves(world)

    def test_guessing_is_slow_and_nobody_else_waits_behind_the_same_address(self) -> None:
        with harness.World() as world:
            target = target_of(world)
            for _ in range(12):
                begun = time.monotonic()
                self.assertEqual(target.ask("GET", "/v1/accounts/me", "shoal_wrong").status, 401)
            self.assertGreater(time.monotonic() - begun, 1.5)
            begun = time.monotonic()
            self.assertEqual(target.ask("GET", "/v1/accounts/me", world.keys["buyer"]).status, 200)
            self.assertLess(time.monotonic() - begun, 1.0)

    def test_idempotency_keys_are_bounded_and_say_one_thing(self) -> None:
        with harness.World() as world:
            path = f"/v1/accounts/{world.accounts['buyer']}/keys"

            def ask(key: str, role: str = "buyer") -> wire.Answer:
                return world.ask("POST", path, "operator", body=f'{{"role":"{role}"}}'.encode(),
                                 headers={"Idempotency-Key": key})
            self.assertEqual(ask("k").status, 201)
            again = ask("k")
            self.assertEqual(again.headers.get("idempotent-replay"), "true")
            self.assertNotIn("secret", again.json())
            self.assertEqual(ask("k", "provider").status, 409)
            for key in ("x" * 201, "\u00e9\u009b"):
                self.assertEqual(ask(key).status, 400, key)

    def test_cursors_that_were_made_up_or_belong_to_another_list_are_refused(self) -> None:
        with harness.World() as world:
            for number in range(3):
                world.submit(name=f"job {number}", command=["true"], price={"max_total": "1000"})
            real = world.get("/v1/jobs?limit=1", "buyer")["next"]
            self.assertEqual(world.ask("GET", f"/v1/jobs?cursor={real}", "buyer").status, 200)
            tampered = [real[:-1] + ("0" if real[-1] != "0" else "1"), real[1:], real + "0", "0",
                        "9" * 40, "-1", "%00", ""]
            for cursor in tampered:
                answer = world.ask("GET", f"/v1/jobs?cursor={cursor}", "buyer")
                self.assertEqual(answer.status, 400, cursor)
            self.assertEqual(world.ask("GET", f"/v1/providers?cursor={real}", "buyer").status, 400)

    def test_a_session_that_proves_nothing_is_closed(self) -> None:
        with harness.World() as world, \
                attacks.websocket(target_of(world), "/v1/session",
                                  world.keys["provider"]) as connection:
            connection.settimeout(45)
            heard = b""
            while piece := connection.recv(4096):
                heard += piece
            self.assertIn(b"no proof", heard)

    def test_one_address_cannot_have_all_connections(self) -> None:
        with harness.World() as world:
            held = attacks.open_many(target_of(world), 3_000, b"")
            taken = 0
            for one in held:
                one.setblocking(False)
            time.sleep(1)
            for one in held:
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    taken += one.recv(1) == b""
            self.assertGreater(taken + 3_000 - len(held), 0)
            self.assert_serves(world)
            for one in held:
                one.close()


if __name__ == "__main__":
    socket.setdefaulttimeout(wire.TIMEOUT_S)
    harness.main()
