"""A provider made by hand: it speaks the session's protocol and can say anything in it."""
from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import ed25519
import harness
import wire

GIB = 1 << 30


def sized(data: bytes) -> bytes:
    return len(data).to_bytes(8, "little") + data


class Hostile:
    """Proves a key of its own and offers a machine that it does not have."""

    def __init__(self, world: harness.World, seed: bytes | None = None, role: str = "provider",
                 name: str = "hostile") -> None:
        self.world, self.role, self.name = world, role, name
        self.seed = seed or os.urandom(32)
        self.key = ed25519.public_key(self.seed)
        self.sequence = 0
        self.socket: wire.WebSocket | None = None
        self.heard: list[Any] = []

    def __enter__(self) -> Hostile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.leave()

    def leave(self) -> None:
        if self.socket:
            self.socket.close()
        self.socket = None

    def connect(self, signature: bytes | None = None, offered: Any = None) -> Any:
        """What the market says to the proof: welcome or refused."""
        self.socket = wire.WebSocket(self.world.market.url, "/v1/session",
                                     self.world.keys[self.role])
        assert self.socket.status == 101, self.socket.body
        self.say({"hello": {"protocol_min": 1, "protocol_max": 1, "release": "hostile",
                            "key": self.key.hex()}})
        challenge = self.hear("challenge", "refused")
        if "nonce" not in challenge:
            return challenge
        signed = (sized(b"shoal.session") + b"\x01" + sized(challenge["market"].encode())
                  + sized(challenge["nonce"].encode()) + sized(self.key))
        proof = signature or ed25519.sign(self.seed, signed)
        self.say({"proof": {"signature": proof.hex(), "offer": {**self.offer(), **(offered or {})}}})
        return self.hear("welcome", "refused")

    def offer(self) -> Any:
        return {"name": self.name, "capacity": {"cores": 4, "memory": "4GiB", "disk": "4GiB"},
                "attempts_max": 4, "tier": "b", "hardware": [], "isolation": [],
                "price": {"start": "0", "hour": "1", "core_hour": "1", "gpu_hour": "0",
                          "gib_hour": "1"}}

    def say(self, message: Any, sequence: int = 0) -> None:
        assert self.socket
        self.socket.send(json.dumps({"sequence": sequence, "message": message}))

    def tell(self, message: Any) -> int:
        """Says what must not be lost, under the next number."""
        self.sequence += 1
        self.say(message, self.sequence)
        return self.sequence

    def hear(self, *names: str) -> Any:
        """The body of the next message of one of these names; the others are kept in `heard`."""
        assert self.socket
        while True:
            message = json.loads(self.socket.receive())
            ((name, body),) = message.items()
            if name in names:
                return body
            self.heard.append(message)

    def hear_ack(self, sequence: int) -> None:
        while self.hear("ack")["sequence"] < sequence:
            pass

    def finish(self, lease: str, artifacts: list[Any], reason: str = "completed") -> int:
        return self.tell({"finished": {"lease": lease, "reason": reason, "detail": "",
                                       "artifacts": artifacts, "metrics": {}}})

    def exit(self, lease: str, ran_ms: int = 1, reason: str = "completed") -> int:
        return self.tell({"exited": {"lease": lease, "outcome": {
            "reason": reason, "started": True, "ran_ms": ran_ms}}})

    def deliver(self, lease: str, data: bytes, name: str | None = None) -> wire.Answer:
        """Uploads an attempt's bytes under the name of these or of other bytes."""
        name = name or hashlib.sha256(data).hexdigest()
        return self.world.ask("PUT", f"/v1/blobs/{name}", self.role, body=data,
                              headers={"Shoal-Lease": lease})
