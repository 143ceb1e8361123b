#!/usr/bin/env python3
"""A secret is seen by the job that names it and found nowhere else: in no file of the market or a
provider, no journal, snapshot or backup, no log, no answer, no command line or environment."""
from __future__ import annotations

import base64
import hashlib
import json
import os
import pathlib
import secrets
import subprocess
import unittest

import harness
import processes

NAME = "WANDB_KEY"
# Says the secret whole, in two pieces and by descriptor 3, then waits.
TELLING = ["/bin/sh", "-c",
           "printf %s \"$WANDB_KEY\" | sha256sum | cut -c1-64 > /out/digest; echo key=$WANDB_KEY;"
           " printf %s \"$WANDB_KEY\" | head -c 20; sleep 0.2;"
           " printf %s \"$WANDB_KEY\" | tail -c +21; echo;"
           " echo \"{\\\"log\\\": \\\"told $WANDB_KEY\\\"}\" >&3;"
           " echo \"{\\\"metric\\\": {\\\"step\\\": 1, \\\"$WANDB_KEY\\\": 2}}\" >&3;"
           " echo start >> /out/starts; while [ ! -e /work/go ]; do sleep 0.05; done; echo went"]


def shapes(value: str) -> list[bytes]:
    """The value as any of Shoal's own files might hold it."""
    raw = value.encode()
    return [raw, raw.hex().encode(), base64.b64encode(raw)[:-4]]


def set_secret(world: harness.World, value: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(world.command("secret", "set", NAME), env=world.environment, check=False,
                          input=value + "\n", capture_output=True, encoding="utf-8",
                          timeout=harness.WAIT_S, cwd=world.folder)


class Secrets(unittest.TestCase):
    def setUp(self) -> None:
        self.value = secrets.token_hex(20)

    def assert_nowhere(self, world: harness.World, *texts: str) -> None:
        for shape in shapes(self.value):
            for path in [path for path in world.folder.rglob("*") if path.is_file()]:
                self.assertNotIn(shape, read(path), path)
            for text in texts:
                self.assertNotIn(shape.decode(), text)
            for pid in processes.marked(world.mark):
                for part in ("cmdline", "environ"):
                    self.assertNotIn(shape, read(pathlib.Path(f"/proc/{pid}/{part}")))

    def said_of(self, world: harness.World, job: str) -> str:
        """All that the market answers about a job, and its journal."""
        parts = [world.ask("GET", f"/v1/jobs/{job}{part}", "buyer").body.decode()
                 for part in ("", "/tasks", "/attempts", "/artifacts", "/why", "/metrics",
                              "/receipt")]
        parts += [world.ask("GET", f"/v1/attempts/{one['lease']}/log", "buyer").body.decode()
                  for one in world.attempts(job)]
        parts.append(world.ask("GET", "/v1/secrets", "buyer").body.decode())
        return "\n".join([*parts, json.dumps(world.journal())])

    def test_a_job_has_its_secret_and_nothing_else_has(self) -> None:
        with harness.World() as world:
            world.provider()
            done = set_secret(world, self.value)
            self.assertEqual(done.returncode, 0, done.stderr)
            listed = world.run("secret", "list").stdout
            self.assertIn(NAME, listed)
            job = world.submit(command=TELLING, secrets=[NAME], outputs=[{"path": "digest"}])
            world.wait_running(job)
            self.assert_nowhere(world, done.stdout + done.stderr + listed, self.said_of(world, job))
            self.assertEqual(world.run("secret", "remove", NAME).returncode, 3)
            world.market.kill()  # what was not yet in a snapshot is read from the journal
            world.market.start()
            world.let_go(job)
            self.assertEqual(world.wait_ended(job)["state"], "finished")
            said = self.said_of(world, job)
            self.assertIn(f"key=[secret {NAME}]\n[secret {NAME}]\n", said)
            self.assertIn(f"told [secret {NAME}]\n", said)
            self.assertIn("went\n", said)
            self.assert_nowhere(world, said, world.run("logs", job).stdout)
            digest = world.get(f"/v1/jobs/{job}/artifacts")["items"][0]["blob"]
            seen = hashlib.sha256(self.value.encode()).hexdigest() + "\n"
            self.assertEqual(digest, hashlib.sha256(seen.encode()).hexdigest())
            self.assertEqual(world.run("secret", "remove", NAME).returncode, 0)
            world.market.stop()
            world.market.start()
            self.assert_nowhere(world)

    def test_a_provider_that_was_killed_goes_on_with_secrets(self) -> None:
        with harness.World() as world:
            provider = world.provider("--attempts", "1")
            set_secret(world, self.value)
            first = world.submit(command=TELLING, secrets=[NAME], outputs=[{"path": "digest"}])
            world.wait_running(first)
            second = world.submit(command=TELLING, secrets=[NAME], outputs=[{"path": "digest"}])
            provider.kill()
            self.assert_nowhere(world)
            provider.start()
            world.wait_online(provider)
            for job in (first, second):
                world.wait_running(job)
                world.let_go(job)
                self.assertEqual(world.wait_ended(job)["state"], "finished")
            self.assert_nowhere(world, self.said_of(world, first), self.said_of(world, second))

    def test_a_job_that_names_a_missing_secret_is_refused(self) -> None:
        with harness.World() as world:
            body = json.dumps({"name": "job", "command": ["true"], "secrets": [NAME]}).encode()
            answer = world.ask("POST", "/v1/jobs", "buyer", body=body)
            self.assertEqual(answer.status, 404)
            self.assertIn(NAME, answer.json()["message"])

    def test_a_market_whose_key_is_lost_does_not_start_unless_it_is_told_to_forget(self) -> None:
        with harness.World() as world:
            set_secret(world, self.value)
            job = world.submit(command=["true"], secrets=[NAME], price={"max_total": "1000"})
            done = world.run("backup", "--data", str(world.market.data), "copy", role="operator")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertFalse((world.folder / "copy/secrets.key").exists())
            done = world.run("restore", "copy", "--to", "again", role="operator")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("1 secret cannot be opened", done.stderr)
            self.assert_nowhere(world)
            world.market.stop()
            self.assertEqual(os.stat(world.market.data / "secrets.key").st_mode & 0o777, 0o600)
            (world.market.data / "secrets.key").unlink()
            with self.assertRaisesRegex(AssertionError, "--forget-secrets"):
                world.market.start()
            world.market.options = ["--forget-secrets"]
            world.market.start()
            view = world.wait_ended(job)
            self.assertEqual((view["state"], view["reason"]), ("failed", "secret_lost"))
            self.assertEqual(world.get("/v1/secrets", "buyer")["items"], [])
            world.check_books()


def read(path: pathlib.Path) -> bytes:
    """What a file holds; nothing if it went meanwhile."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


if __name__ == "__main__":
    harness.main()
