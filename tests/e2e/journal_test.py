#!/usr/bin/env python3
"""The journal of a market that serves: segments, snapshots, packs, retention, backup and restore."""
from __future__ import annotations

import hashlib
import json
import pathlib
import shutil
import time
import unittest
from typing import Any

import harness

OLD_FOLDER = pathlib.Path(__file__).parent / "testdata/market_format_1"
REFUSED = 3
SMALL = ["--journal-segment", "64KiB"]
KEEPER_S = 400.0  # it goes last on a busy machine


def journal_of(world: harness.World) -> pathlib.Path:
    return world.market.data / "journal"


def files(world: harness.World, pattern: str) -> list[pathlib.Path]:
    return sorted(journal_of(world).glob(pattern))


def submit_many(world: harness.World, count: int) -> list[str]:
    """Jobs that nobody takes, each with some KiB of words."""
    words = ["/bin/true", *(f"{number:064}" for number in range(20))]
    return [world.submit(name=f"job {number}", command=words, price={"max_total": "0.01SOL"})
            for number in range(count)]


def check(world: harness.World) -> Any:
    return world.cli("journal", "check", "--data", str(world.market.data))


def fill_segments(world: harness.World) -> None:
    """Until the keeper has made a snapshot, and the market has taken its packs."""
    def is_kept() -> bool:
        if len(files(world, "events-*")) < 4:
            submit_many(world, 10)
        return bool(files(world, "snapshot-*") and files(world, "*.zst"))
    harness.until("a snapshot and a pack", is_kept, KEEPER_S)
    first = files(world, "*.zst")[0].with_suffix(".db")
    harness.until("the pack replaces its table", lambda: not first.exists(), KEEPER_S)


class Journal(unittest.TestCase):
    def _small(self) -> harness.World:
        world = harness.World(credit="1000", time_limit_s=850)
        world.market.options = list(SMALL)
        return world

    def test_segments_are_closed_snapshots_made_and_packs_read_while_it_serves(self) -> None:
        with self._small() as world:
            fill_segments(world)
            checked = check(world)
            self.assertEqual(checked["first"], 1)
            self.assertGreaterEqual(checked["snapshots"], 1)
            events = world.events()
            self.assertEqual([one["sequence"] for one in events[:checked["last"]]],
                             list(range(1, checked["last"] + 1)))
            jobs = {one["body"]["job"] for one in events if one["name"] == "job_submitted"}
            world.market.kill()
            world.market.start()
            listed = {event["body"]["job"] for event in world.events()
                      if event["name"] == "job_submitted"}
            self.assertEqual(listed, jobs)
            self.assertEqual(int(world.get("/v1/books")["sum"]), 0)
            self.assertEqual(world.job(sorted(jobs)[0])["state"], "open")
            check(world)

    def test_a_damaged_pack_is_found_and_named(self) -> None:
        with self._small() as world:
            fill_segments(world)
            world.market.stop()
            pack = files(world, "*.zst")[0]
            kept = pack.read_bytes()
            pack.write_bytes(kept[:200] + bytes([kept[200] ^ 1]) + kept[201:])
            done = world.run("journal", "check", "--data", str(world.market.data))
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn(pack.name, done.stderr)
            pack.write_bytes(kept)
            world.market.start()
            check(world)

    def test_old_events_are_dropped_behind_a_base_and_nothing_else_changes(self) -> None:
        with self._small() as world:
            fill_segments(world)
            before = world.get("/v1/jobs?limit=500")["items"]
            world.market.stop()
            for _ in range(2):  # the second one finds two snapshots
                future = str(int((time.time() + 3600) * 1000))
                done = world.run("journal", "keep", "--folder", str(journal_of(world)),
                                 "--drop-before", future, seconds=KEEPER_S)
                self.assertEqual(done.returncode, 0, done.stderr)
            world.market.start()
            submit_many(world, 60)
            world.market.stop()
            done = world.run("journal", "keep", "--folder", str(journal_of(world)),
                             "--drop-before", future, seconds=KEEPER_S)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertTrue(files(world, "base-*"))
            world.market.start()
            checked = check(world)
            self.assertGreater(checked["first"], 1)
            for path in files(world, "snapshot-*"):
                path.unlink()
            world.market.kill()
            world.market.start()
            after = {job["job"]: job for job in world.get("/v1/jobs?limit=500")["items"]}
            self.assertLessEqual({job["job"] for job in before}, set(after))
            target = world.folder / "backup"
            world.cli("backup", str(target), "--data", str(world.market.data))
            self._restore(world, target, world.folder / "again")
            check(world)

    def _restore(self, world: harness.World, source: pathlib.Path, folder: pathlib.Path,
                 *options: str) -> Any:
        return world.cli("restore", str(source), "--to", str(folder), *options)

    def _serve(self, world: harness.World, folder: pathlib.Path) -> None:
        world.market.stop()
        world.market.data = folder
        world.market.start()

    def test_a_backup_is_made_while_it_serves_and_restores_a_market(self) -> None:
        with self._small() as world:
            content = b"an input"
            blob = hashlib.sha256(content).hexdigest()
            self.assertIn(world.ask("PUT", f"/v1/blobs/{blob}", "buyer", body=content).status,
                          (200, 201))
            jobs = submit_many(world, 40)
            backup, bare = world.folder / "backup", world.folder / "bare"
            data = str(world.market.data)
            made = world.cli("backup", str(backup), "--blobs", "--data", data)
            self.assertEqual((made["jobs"], made["blobs"], made["missing"]), (40, 1, []))
            world.cli("backup", str(bare), "--data", data)
            later = submit_many(world, 3)
            again = world.run("backup", str(backup), "--data", data)
            self.assertEqual(again.returncode, REFUSED, again.stderr)
            in_use = world.run("restore", str(backup), "--to", data)
            self.assertEqual(in_use.returncode, REFUSED, in_use.stderr)

            (bare / "names.json").unlink()
            told = self._restore(world, bare, world.folder / "bare-market")
            self.assertEqual([one["blob"] for one in told["missing"]], [blob])
            self.assertFalse(told["has_names"])

            told = self._restore(world, backup, world.folder / "restored")
            self.assertEqual((told["last"], told["missing"]), (made["last"], []))
            self._serve(world, world.folder / "restored")
            self.assertEqual(world.job(jobs[0])["state"], "open")
            self.assertEqual(world.ask("GET", f"/v1/jobs/{later[-1]}").status, 404)
            self.assertEqual(world.ask("GET", f"/v1/blobs/{blob}", "buyer").body, content)
            check(world)

    def test_a_market_is_restored_as_it_was_at_an_event_or_a_time(self) -> None:
        with self._small() as world:
            jobs = submit_many(world, 60)
            backup = world.folder / "backup"
            world.cli("backup", str(backup), "--data", str(world.market.data))
            submitted = {one["body"]["job"]: one for one in world.events()
                         if one["name"] == "job_submitted"}
            then = submitted[jobs[19]]
            at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(then["at_ms"] // 1000))
            timely = self._restore(world, backup, world.folder / "at", "--at", at)
            self.assertGreaterEqual(timely["last"], then["sequence"])
            self.assertEqual(timely["last_time_ms"] // 1000, then["at_ms"] // 1000)
            for number in ("0", "1000000"):
                done = world.run("restore", str(backup), "--to", str(world.folder / "no"),
                                 "--sequence", number)
                self.assertNotEqual(done.returncode, 0)
                self.assertFalse((world.folder / "no").exists())
            told = self._restore(world, backup, world.folder / "then", "--sequence",
                                 str(then["sequence"]))
            # With what was committed together with it: the job's hold.
            self.assertGreater(told["last"], then["sequence"])
            self.assertLess(told["last"], submitted[jobs[20]]["sequence"])
            self._serve(world, world.folder / "then")
            self.assertEqual(len(world.get("/v1/jobs?limit=500")["items"]), 20)
            self.assertEqual(world.ask("GET", f"/v1/jobs/{jobs[20]}").status, 404)
            check(world)

    def test_a_damaged_backup_is_refused_and_leaves_nothing(self) -> None:
        with self._small() as world:
            submit_many(world, 5)
            backup = world.folder / "backup"
            world.cli("backup", str(backup), "--data", str(world.market.data))
            (pack,) = (backup / "journal").glob("*.zst")
            kept, manifest = pack.read_bytes(), json.loads((backup / "backup.json").read_text())

            def refuse(why: str) -> None:
                done = world.run("restore", str(backup), "--to", str(world.folder / "no"))
                self.assertEqual(done.returncode, REFUSED, f"{why}: {done.stderr}")
                self.assertEqual(list(world.folder.glob("no*")), [], why)

            pack.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
            refuse("a changed byte")
            pack.write_bytes(kept)
            shutil.copy(OLD_FOLDER / "journal.db", backup / "journal" / f"events-{1:020}.db")
            refuse("a table that is not the backup's")
            (backup / "journal" / f"events-{1:020}.db").unlink()
            for path in ("../market.key", "/etc/passwd", "journal/../../x"):
                evil = {**manifest, "files": [{**manifest["files"][0], "path": path}]}
                (backup / "backup.json").write_text(json.dumps(evil))
                refuse(path)

    def test_a_folder_of_the_format_before_segments_is_migrated_on_a_copy(self) -> None:
        with harness.World() as world:
            folder = world.folder / "old"
            shutil.copytree(OLD_FOLDER, folder)
            folder.chmod(0o700)
            for path in folder.iterdir():
                path.chmod(0o600)
            before = (folder / "journal.db").read_bytes()
            world.market.stop()
            old_key, world.keys["operator"] = (world.keys["operator"],
                                               (folder / "operator.key").read_text().strip())
            kept, world.market.data = world.market.data, folder
            world.market.start()
            self.assertIn("as it was it is in", world.market.said())
            jobs = world.get("/v1/jobs?limit=500")["items"]
            self.assertEqual(sorted(job["name"] for job in jobs), ["old 1", "old 2", "old 3"])
            world.market.kill()
            world.market.start()
            self.assertEqual(len(world.get("/v1/jobs?limit=500")["items"]), 3)
            self.assertGreater(check(world)["last"], 7)
            original = world.folder / "old.format-1"
            self.assertEqual((original / "journal.db").read_bytes(), before)
            self._serve(world, kept)
            world.keys["operator"] = old_key


if __name__ == "__main__":
    harness.main()
