#!/usr/bin/env python3
"""A market whose disk, port or folder is not what it hoped for."""
from __future__ import annotations

import hashlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import unittest

import harness

REFUSED = 3


def refused_market(world: harness.World, data: pathlib.Path, listen: str
                   ) -> subprocess.CompletedProcess[str]:
    return world.run("market", "--data", str(data), "--listen", listen)


class BadMarket(unittest.TestCase):
    def test_a_port_in_use_is_named(self) -> None:
        with harness.World() as world:
            done = refused_market(world, world.folder / "second", world.market.listen)
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn("in use", done.stderr)
            self.assertIn(world.market.listen.rpartition(":")[2], done.stderr)

    def test_a_second_market_on_the_same_folder_is_refused(self) -> None:
        with harness.World() as world:
            done = refused_market(world, world.market.data, "127.0.0.1:0")
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn(str(world.market.data), done.stderr)
            self.assertEqual(world.ask("GET", "/v1/books").status, 200)

    def test_a_second_provider_on_the_same_folder_is_refused(self) -> None:
        with harness.World() as world:
            provider = world.provider()
            done = subprocess.run([harness.program, *provider.words], env=world.environment,
                                  capture_output=True, check=False, timeout=harness.WAIT_S,
                                  encoding="utf-8", stdin=subprocess.DEVNULL)
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn(str(provider.data), done.stderr)

    def test_a_folder_of_a_newer_release_is_left_alone(self) -> None:
        with harness.World() as world:
            world.market.stop()
            mark = world.market.data / "shoal.json"
            kept = mark.read_bytes()
            newer = {name: value + 1 if isinstance(value, int) else "99.0.0"
                     for name, value in json.loads(kept).items()}
            mark.write_text(json.dumps(newer))
            (table,) = (world.market.data / "journal").glob("events-*.db")
            before = hashlib.sha256(table.read_bytes()).digest()
            done = refused_market(world, world.market.data, "127.0.0.1:0")
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn("newer", done.stderr)
            after = hashlib.sha256(table.read_bytes()).digest()
            self.assertEqual(after, before)
            mark.write_bytes(kept)
            world.market.start()
            world.check_books()

    def test_an_address_beyond_this_machine_without_tls_is_refused(self) -> None:
        with harness.World() as world:
            done = refused_market(world, world.folder / "second", "0.0.0.0:0")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("demands TLS (--tls-cert and --tls-key)", done.stderr)

    def test_a_full_disk_refuses_new_work_and_lets_the_running_settle(self) -> None:
        with harness.World() as world:
            self._move_to_small_disk(world)
            try:
                self._fill_and_check(world)
            finally:
                if world.market.process:
                    world.market.stop()
                subprocess.run(["umount", str(world.market.data)], check=True)
            world.market.process = None
            world.market.stop = lambda: None  # type: ignore[method-assign]

    def _move_to_small_disk(self, world: harness.World) -> None:
        """The market's folder becomes a small file system of its own."""
        world.market.stop()
        aside = world.folder / "aside"
        world.market.data.rename(aside)
        world.market.data.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1200m", "shoal-e2e",
                                  str(world.market.data)], check=False, capture_output=True)
        if mounted.returncode != 0:
            world.market.data.rmdir()
            aside.rename(world.market.data)
            world.market.start()
            raise unittest.SkipTest(f"no tmpfs can be mounted: {mounted.stderr!r}")
        shutil.copytree(aside, world.market.data, dirs_exist_ok=True)
        world.market.data.chmod(0o700)
        world.market.start()

    def _fill_and_check(self, world: harness.World) -> None:
        world.provider()
        running = world.submit(command=harness.WAITING, outputs=[{"path": "starts"}])
        world.wait_running(running)
        self._fill(world, "little", leave=(1 << 30) - (8 << 20))  # of 1200 MiB: the larger guard
        self._check_refusals(world)
        self._fill(world, "much", leave=0)
        self._use_up_reserve(world)
        world.let_go(running)
        harness.until("the running job's end is known", lambda: world.attempts(running)[0]["exited"]
                      if "exited" in world.attempts(running)[0] else None)
        self._check_refusals(world)
        for name in ("little", "much"):  # its outputs have waited for space
            (world.market.data / name).unlink()
        self.assertEqual(world.wait_ended(running)["state"], "finished")
        self.assertEqual(len(world.attempts(running)), 1)
        world.check_books()
        again = world.wait_ended(world.submit(command=["/bin/true"]))
        self.assertEqual(again["state"], "finished")
        world.market.stop()
        world.market.start()
        self.assertEqual(self._reserve(world).stat().st_size, 64 << 20)

    def _fill(self, world: harness.World, name: str, leave: int) -> None:
        """Leaves only so many bytes of the market's disk free."""
        space = os.statvfs(world.market.data)
        with open(world.market.data / name, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, space.f_bavail * space.f_frsize - leave)

    def _reserve(self, world: harness.World) -> pathlib.Path:
        return world.market.data / "reserve"

    def _check_refusals(self, world: harness.World) -> None:
        before = world.balance()
        done = world.run("run", "--", "/bin/true")
        self.assertEqual(done.returncode, REFUSED, done.stderr)
        self.assertIn("1 GiB have to stay free", done.stderr)
        data = os.urandom(1 << 10)
        sent = world.ask("PUT", f"/v1/blobs/{hashlib.sha256(data).hexdigest()}", "buyer", body=data)
        self.assertEqual(sent.status, 507, sent.body)
        self.assertEqual(world.balance(), before)

    def _use_up_reserve(self, world: harness.World) -> None:
        """The journal grows on the full disk until the market gives its reserve back."""
        self.assertEqual(self._reserve(world).stat().st_blocks * 512, 64 << 20)
        account = world.accounts["provider"]
        for _ in range(1_000):
            issued = world.ask("POST", f"/v1/accounts/{account}/credit", body=b'{"amount":"1"}')
            self.assertEqual(issued.status, 200, issued.body)
            if not self._reserve(world).exists():
                break
        self.assertFalse(self._reserve(world).exists())
        self.assertIn("gave back", world.market.said())

    def test_a_market_told_to_end_twice_ends_and_starts_again_whole(self) -> None:
        with harness.World() as world:
            job = world.submit(command=["/bin/true"], price={"max_total": "1000000"})
            assert world.market.process
            process, world.market.process = world.market.process, None
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGTERM)
            process.wait(harness.WAIT_S)
            world.market.start()
            world.provider()
            self.assertEqual(world.wait_ended(job)["state"], "finished")
            world.check_books()


if __name__ == "__main__":
    harness.main()
