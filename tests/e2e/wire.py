"""HTTP and WebSocket by hand, so that tests can also say what no honest client says."""
from __future__ import annotations

import base64
import dataclasses
import json
import os
import socket
import struct
import urllib.parse
from typing import Any

TIMEOUT_S = 30.0
FRAME_BYTES_MAX = 1 << 24


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


def connect(url: str, receive_bytes: int = 0) -> socket.socket:
    """receive_bytes: how much the system keeps of what is not read yet, if not what it likes."""
    place = urllib.parse.urlsplit(url)
    assert place.hostname and place.port
    if receive_bytes == 0:
        return socket.create_connection((place.hostname, place.port), timeout=TIMEOUT_S)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    connection.settimeout(TIMEOUT_S)
    connection.connect((place.hostname, place.port))
    return connection


def head(method: str, target: str, url: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {urllib.parse.urlsplit(url).netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def read_head(stream: Any) -> tuple[int, dict[str, str]]:
    status = stream.readline().split()
    if len(status) < 2:
        raise ConnectionError("the market closed the connection without an answer")
    headers: dict[str, str] = {}
    for line in iter(stream.readline, b"\r\n"):
        if not line:
            raise ConnectionError("the answer was cut short")
        name, _, value = line.decode().partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(status[1]), headers


def request(url: str, method: str, target: str, *, key: str = "", body: bytes = b"",
            headers: dict[str, str] | None = None) -> Answer:
    """One request on a connection of its own."""
    sent = {"Connection": "close", **(headers or {})}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    if body or method in ("POST", "PUT"):
        sent.setdefault("Content-Length", str(len(body)))
        sent.setdefault("Content-Type", "application/json")
    with connect(url) as connection, connection.makefile("rb") as stream:
        try:
            connection.sendall(head(method, target, url, sent) + body)
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before all of it was sent; the answer says why
        status, answered = read_head(stream)
        size = int(answered.get("content-length", "0"))
        return Answer(status, answered, stream.read(size) if method != "HEAD" else b"")


class WebSocket:
    """The client's end of RFC 6455, text frames only. Pings are answered, fragments are joined."""

    def __init__(self, url: str, target: str, key: str = "", receive_bytes: int = 0) -> None:
        self._socket = connect(url, receive_bytes)
        self._stream = self._socket.makefile("rb")
        headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode()}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        try:
            self._socket.sendall(head("GET", target, url, headers))
            self.status, answered = read_head(self._stream)
        except OSError:
            self.close()
            raise
        self.body = b""
        if self.status != 101:
            self.body = self._stream.read(int(answered.get("content-length", "0")))

    def send(self, text: str | bytes, opcode: int = 1) -> None:
        payload = text.encode() if isinstance(text, str) else text
        mask = os.urandom(4)
        size = len(payload)
        if size < 126:
            start = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        elif size < 1 << 16:
            start = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            start = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self._socket.sendall(start + mask + masked)

    def _exactly(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) != count:
            raise ConnectionError("the market closed the WebSocket")
        return data

    def receive(self, timeout_s: float = TIMEOUT_S) -> str:
        """The next text message. ConnectionError: closed. TimeoutError: none came."""
        self._socket.settimeout(timeout_s)
        message = b""
        while True:
            first, second = self._exactly(2)
            size = second & 0x7F
            if size == 126:
                size = struct.unpack("!H", self._exactly(2))[0]
            elif size == 127:
                size = struct.unpack("!Q", self._exactly(8))[0]
            assert size <= FRAME_BYTES_MAX
            payload = self._exactly(size)
            opcode = first & 0x0F
            if opcode == 8:
                raise ConnectionError(f"closed: {payload[2:].decode(errors='replace')}")
            if opcode == 9:
                self.send(payload, 10)
                continue
            if opcode == 10:
                continue
            message += payload
            if first & 0x80:
                return message.decode()

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
