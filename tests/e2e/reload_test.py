#!/usr/bin/env python3
"""SIGHUP: a market reads its certificate again, and goes on with the old one if that is broken."""
from __future__ import annotations

import contextlib
import http.client
import os
import pathlib
import signal
import ssl
import subprocess
import unittest
from collections.abc import Iterator

import harness


def make_certificate(folder: pathlib.Path, name: str) -> tuple[bytes, bytes]:
    """A self-signed certificate and its key, PEM."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key),
                    "-out", str(certificate)], check=True, capture_output=True)
    return certificate.read_bytes(), key.read_bytes()


class TlsMarket(harness.Service):
    """One more market, with a certificate."""

    def __init__(self, world: harness.World) -> None:
        super().__init__(world, "tls-market", [])
        self.certificate, self.key = world.folder / "tls.pem", world.folder / "tls.key"
        self.address = ("", 0)

    def put(self, pair: tuple[bytes, bytes]) -> None:
        for path, text in zip((self.certificate, self.key), pair):
            new = path.with_suffix(".new")
            new.write_bytes(text)
            new.chmod(0o600)
            new.rename(path)

    @contextlib.contextmanager
    def serving(self) -> Iterator[TlsMarket]:
        reading, writing = os.pipe()
        self.start(writing, ["market", "--data", str(self.world.folder / "tls"), "--listen",
                             "127.0.0.1:0", "--tls-cert", str(self.certificate), "--tls-key",
                             str(self.key), "--ready-fd", str(writing)])
        os.close(writing)
        with open(reading, "rb") as pipe:
            url = pipe.readline().decode().strip()
        assert url.startswith("https://127.0.0.1:"), self.said()
        self.address = ("127.0.0.1", int(url.removeprefix("https://127.0.0.1:").split("#")[0]))
        yield self
        self.stop()

    def connect(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(*self.address, context=context,
                                                 timeout=harness.WAIT_S)
        connection.connect()
        return connection

    def shown(self) -> bytes:
        """The certificate that a new connection is shown, DER."""
        connection = self.connect()
        der = connection.sock.getpeercert(binary_form=True)
        connection.close()
        return bytes(der)


class Reload(unittest.TestCase):
    def _ask(self, connection: http.client.HTTPSConnection) -> int:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def test_a_new_certificate_is_shown_after_sighup_and_a_broken_one_is_not(self) -> None:
        with harness.World() as world:
            first, second = (make_certificate(world.folder, name) for name in ("one", "two"))
            ders = [ssl.PEM_cert_to_DER_cert(pair[0].decode()) for pair in (first, second)]
            market = TlsMarket(world)
            market.put(first)
            with market.serving():
                self.assertEqual(market.shown(), ders[0])
                before = market.connect()
                self.assertEqual(self._ask(before), 200)
                market.put(second)
                os.kill(market.pid, signal.SIGHUP)
                harness.until("the new certificate is shown", lambda: market.shown() == ders[1])
                self.assertEqual(self._ask(before), 200)  # who was there already stays
                before.close()
                market.put((b"no certificate", second[1]))
                os.kill(market.pid, signal.SIGHUP)
                harness.until("it is refused", lambda: "stays as it is" in market.said())
                self.assertEqual(market.shown(), ders[1])

    def test_a_market_without_a_certificate_goes_on_after_sighup(self) -> None:
        with harness.World() as world:
            os.kill(world.market.pid, signal.SIGHUP)
            world.market.stop()  # unless it has died
            world.market.start()
            self.assertEqual(world.ask("GET", "/v1/books").status, 200)


if __name__ == "__main__":
    harness.main()
