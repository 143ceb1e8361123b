#!/usr/bin/env python3
"""What open provider sessions cost: sessions.py BUILD [SESSIONS, 5000 if absent]

Each is a TCP connection of its own with TLS and a WebSocket, whose provider has proved its key and
made an offer. Printed is how much memory the market needs more for each, which must be at most
64 KiB, and what they cost while nobody says anything but what keeps them open.
"""
from __future__ import annotations

import base64
import json
import os
import pathlib
import select
import socket
import ssl
import struct
import sys
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

import common  # noqa: E402  pylint: disable=wrong-import-position
import ed25519  # noqa: E402  pylint: disable=wrong-import-position
import wire  # noqa: E402  pylint: disable=wrong-import-position
from attacks import frame, sized  # noqa: E402  pylint: disable=wrong-import-position

SESSIONS = 5_000
PER_ACCOUNT = 1_000  # as many providers may an account have
PER_ADDRESS = 2_000  # the market bounds the connections of one address
BYTES_MAX = 64 << 10
IDLE_S = 30
PING, PONG = 9, 10


class Session:
    """A provider that has nothing to do. Its frames are small, so each comes whole or is waited for."""

    def __init__(self, url: str, key: str, number: int, context: ssl.SSLContext) -> None:
        place = urllib.parse.urlsplit(url)
        plain = socket.create_connection((place.hostname or "", place.port or 0), timeout=30,
                                         source_address=(f"127.0.0.{2 + number // PER_ADDRESS}", 0))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(plain, server_hostname="localhost")
        self.heard = b""
        self.socket.sendall(wire.head("GET", "/v1/session", url, {
            "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Authorization": f"Bearer {key}"}))
        while b"\r\n\r\n" not in self.heard:
            self.heard += self.receive()
        head, _, self.heard = self.heard.partition(b"\r\n\r\n")
        common.demand(head.startswith(b"HTTP/1.1 101 "), f"refused: {head!r}")
        self.prove(number)

    def receive(self) -> bytes:
        data = self.socket.recv(1 << 16)
        common.demand(bool(data), f"the market closed a session: {self.heard!r}")
        return data

    def next_frame(self) -> tuple[int, bytes] | None:
        """What has come whole: its kind and its content."""
        if len(self.heard) < 2:
            return None
        size, at = self.heard[1] & 0x7F, 2
        if size == 126:
            if len(self.heard) < 4:
                return None
            size, at = struct.unpack_from("!H", self.heard, 2)[0], 4
        if len(self.heard) < at + size:
            return None
        kind, content = self.heard[0] & 0xF, self.heard[at:at + size]
        self.heard = self.heard[at + size:]
        return kind, content

    def message(self) -> dict[str, object]:
        while True:
            found = self.next_frame()
            if found is None:
                self.heard += self.receive()
            elif found[0] == 1:
                return dict(json.loads(found[1]))

    def say(self, message: object) -> None:
        self.socket.sendall(frame(1, json.dumps({"sequence": 0, "message": message}).encode()))

    def prove(self, number: int) -> None:
        seed = number.to_bytes(32, "big")
        key = ed25519.public_key(seed)
        self.say({"hello": {"protocol_min": 1, "protocol_max": 1, "release": "bench",
                            "key": key.hex()}})
        asked = self.message()["challenge"]
        assert isinstance(asked, dict)
        signed = b"".join([sized(b"shoal.session"), b"\x01", sized(asked["market"].encode()),
                           sized(asked["nonce"].encode()), sized(key)])
        self.say({"proof": {"signature": ed25519.sign(seed, signed).hex(), "offer": {
            "name": f"machine {number}", "capacity": {"cores": 8, "memory": "16GiB", "disk": "1TiB"},
            "attempts_max": 8, "tier": "b", "price": {"core_hour": str(1000 + number)}}}})
        welcome = self.message()
        common.demand("welcome" in welcome, f"not welcomed: {welcome}")

    def answer_pings(self) -> None:
        self.heard += self.receive()
        while found := self.next_frame():
            if found[0] == PING:
                self.socket.sendall(frame(PONG, found[1]))


class Keeper(threading.Thread):
    """Answers the market's pings on all sessions, so that they stay open."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.poll = select.epoll()
        self.sessions: dict[int, Session] = {}
        self.stopping = threading.Event()
        self.lost: list[str] = []

    def add(self, session: Session) -> None:
        self.sessions[session.socket.fileno()] = session
        self.poll.register(session.socket.fileno(), select.EPOLLIN)

    def run(self) -> None:
        while not self.stopping.is_set():
            for number, _ in self.poll.poll(0.2):
                try:
                    self.sessions[number].answer_pings()
                except (OSError, common.Missed) as error:
                    self.lost.append(str(error))
                    self.poll.unregister(number)


def measure(arguments: list[str]) -> bool:
    from market_bench import certificate  # pylint: disable=import-outside-toplevel
    shoal = pathlib.Path(arguments[0]).resolve() / "shoal"
    count = int(arguments[1]) if len(arguments) > 1 else SESSIONS
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the market is the benchmark's own
    with common.scratch("sessions") as folder, \
            common.Market(shoal, folder, *certificate(folder)) as market:
        pid = market.process.pid
        before = common.memory_bytes(pid)[0]
        keeper = Keeper()
        keeper.start()
        begun = time.monotonic()
        for number in range(count):
            if number % PER_ACCOUNT == 0:
                _, key = market.account("provider")
            keeper.add(Session(market.url, key, number, context))
        opened = time.monotonic() - begun
        each = (common.memory_bytes(pid)[0] - before) / count
        cpu = common.cpu_seconds(pid)
        time.sleep(IDLE_S)
        cpu = common.cpu_seconds(pid) - cpu
        online = sum(1 for one in market.operator.pages("/v1/providers") if one["online"])
        common.demand(online == count and not keeper.lost,
                      f"{online} of {count} are online; {keeper.lost[:3]}")
        keeper.stopping.set()
        keeper.join()
        common.show("Provider sessions by TLS", [
            ("sessions", f"{count:,}"), ("opened in", f"{opened:.0f} s"),
            ("KiB of the market for each", f"{each / 1024:.1f}"),
            ("the market's CPU while they idle", f"{100 * cpu / IDLE_S:.1f} % of a core"),
        ])
        return bool(common.verdict(each <= BYTES_MAX, f"at most {BYTES_MAX >> 10} KiB each"))


if __name__ == "__main__":
    sys.exit(common.main(measure, sys.argv[1:]))
