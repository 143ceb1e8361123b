#!/usr/bin/env python3
"""What is wrong is refused with a clear word and an exit code, and nothing is lost by it."""
from __future__ import annotations

import hashlib
import json
import os
import threading
import unittest

import harness
import wire

USAGE, REFUSED, UNREACHABLE, NO_FUNDS = 2, 3, 4, 5
GOOD = "name: x\ncommand: [/bin/true]\n"
BOMB = ("a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [*{chr(97 + i)}, *{chr(97 + i)}]\n" for i in range(20)))

# The job file, the exit code, and what the message must say.
FILES: list[tuple[str, bytes, int, list[str]]] = [
    ("an unknown key", b"name: x\ncomand: [a]\n", USAGE, ["comand", "did you mean command?"]),
    ("an unknown key below", GOOD.encode() + b"resources: {memroy: 1GiB}\n", USAGE,
     ["resources.memroy", "did you mean memory?"]),
    ("a wrong unit of size", GOOD.encode() + b"resources: {memory: 4Gb}\n", USAGE,
     ["resources.memory", '"4Gb"', "4GiB"]),
    ("a wrong unit of time", GOOD.encode() + b"limits: {time: 5 parsecs}\n", USAGE,
     ["limits.time", "5 parsecs"]),
    ("a wrong unit of money", GOOD.encode() + b"price: {max_total: 1EUR}\n", USAGE,
     ["price.max_total", "1EUR"]),
    ("a negative size", GOOD.encode() + b"resources: {memory: -4GiB}\n", USAGE,
     ["resources.memory", "-4GiB"]),
    ("a negative count", GOOD.encode() + b"retries: -1\n", USAGE, ["retries", "-1"]),
    ("a negative price", GOOD.encode() + b"price: {max_total: -1SOL}\n", USAGE,
     ["price.max_total", "above zero"]),
    ("a huge count", GOOD.encode() + b"resources: {cores: 99999999999999999999}\n", USAGE,
     ["resources.cores", "a whole number from 0 to 4294967295"]),
    ("a huge size", GOOD.encode() + b"resources: {memory: 99999999999TiB}\n", USAGE,
     ["resources.memory", "99999999999TiB"]),
    ("too many tasks", GOOD.encode() + b"tasks: {matrix: {" + b", ".join(
        b"v%d: [1,2,3,4,5,6,7,8,9,10]" % i for i in range(12)) + b"}}\n", USAGE, ["tasks"]),
    ("bytes that are no UTF-8", b'name: "a\xff"\ncommand: [a]\n', USAGE, ["UTF-8"]),
    ("a name with control characters", b'name: "a\\u202eb"\ncommand: [a]\n', USAGE, ["name"]),
    ("an anchor", b"name: &a x\ncommand: [*a]\n", USAGE, ["anchor", ":1:"]),
    ("a bomb of aliases", BOMB.encode(), USAGE, ["anchor"]),
    ("a tag", b"name: !!python/object x\ncommand: [a]\n", USAGE, ["tag"]),
    ("a key twice", b"name: x\nname: y\ncommand: [a]\n", USAGE, ["name"]),
    ("nesting without end", b"name: " + b"[" * 5_000 + b"]" * 5_000 + b"\n", USAGE, ["deep"]),
    ("a file without end", GOOD.encode() + b"# " + b"x" * (2 << 20), USAGE, []),
    ("no command", b"name: x\n", USAGE, ["command"]),
    ("an input that does not exist", GOOD.encode() + b"inputs: [{path: ./nothere}]\n", USAGE,
     ["inputs[0]", "nothere", "does not exist"]),
    ("an input's name that leads out", GOOD.encode() + b"inputs: [{path: job.yaml, as: ../up}]\n",
     USAGE, ["inputs[0]"]),
    ("a price cap below every offer", GOOD.encode() + b"price: {max_hour: 0.000000001SOL}\n",
     REFUSED, ["price.max_hour", "below every offer"]),
]


class BadInput(unittest.TestCase):
    def test_a_wrong_job_file_is_refused_with_its_place_and_nothing_is_lost(self) -> None:
        with harness.World() as world:
            world.provider()
            before = world.balance()
            for title, text, code, said in FILES:
                with self.subTest(title):
                    (world.folder / "job.yaml").write_bytes(text)
                    done = world.run("submit", "job.yaml")
                    self.assertEqual(done.returncode, code, done.stderr)
                    self.assertTrue(done.stderr.startswith("shoal: "), done.stderr)
                    for word in said:
                        self.assertIn(word, done.stderr)
                    self.assertLess(len(done.stderr), 2_000)
            self.assertEqual(world.balance(), before)
            self.assertEqual(world.get("/v1/jobs", "buyer")["items"], [])
            self.assertEqual(world.wait_ended(world.submit(command=["/bin/true"]))["state"],
                             "finished")

    def test_an_input_that_changes_while_it_is_sent_is_noticed(self) -> None:
        with harness.World() as world:
            world.provider()
            path = world.folder / "data"
            path.write_bytes(bytes(32 << 20))
            stop = threading.Event()

            def rewrite() -> None:
                with open(path, "r+b", buffering=0) as file:
                    count = 0
                    while not stop.is_set():
                        count += 1
                        os.pwrite(file.fileno(), count.to_bytes(8, "little"), count % (31 << 20))

            writer = threading.Thread(target=rewrite)
            writer.start()
            try:
                done = world.run("run", "--input", str(path), "--", "/bin/true")
            finally:
                stop.set()
                writer.join()
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn("changed", done.stderr)
            self.assertEqual(world.get("/v1/jobs", "buyer")["items"], [])
            world.check_books()

    def test_an_output_that_was_not_made_fails_its_task_and_spares_the_others(self) -> None:
        with harness.World() as world:
            world.provider()
            job = world.submit(
                command=["/bin/sh", "-c", "[ ${made} = no ] || echo made > /out/result"],
                outputs=[{"path": "result"}], tasks={"matrix": {"made": ["yes", "no"]}}, retries=0)
            view = world.wait_ended(job)
            self.assertEqual((view["state"], view["reason"]), ("failed", "output_missing"))
            (artifact,) = world.get(f"/v1/jobs/{job}/artifacts")["items"]
            body = world.ask("GET", f"/v1/blobs/{artifact['blob']}", "buyer").body
            self.assertEqual(body, b"made\n")
            self.assertIn("result", json.dumps(world.attempts(job)))
            world.check_books()

    def test_a_job_that_costs_more_than_there_is_is_refused_with_its_own_exit_code(self) -> None:
        with harness.World(credit="0.000001") as world:
            world.provider()
            before = world.balance()
            done = world.run("run", "--time", "10h", "--", "/bin/true")
            self.assertEqual(done.returncode, NO_FUNDS, done.stderr)
            self.assertIn("credit", done.stderr)
            self.assertEqual(world.balance(), before)
            world.check_books()

    def test_a_wrong_or_revoked_key_opens_nothing(self) -> None:
        with harness.World() as world:
            world.keys["wrong"] = "0" * 64
            world.key_file("wrong").write_text("0" * 64)
            world.key_file("wrong").chmod(0o600)
            for target in ("/v1/accounts/me", "/v1/jobs", "/v1/books", "/v1/jobs/job_1"):
                self.assertEqual(world.ask("GET", target, "wrong").status, 401)
            done = world.run("jobs", role="wrong")
            self.assertEqual(done.returncode, REFUSED, done.stderr)
            self.assertIn("key", done.stderr)

            world.open_account("second", "buyer")
            self.assertEqual(world.run("jobs", role="second").returncode, 0)
            (key,) = world.cli("account", "key", "list", role="second")
            self.assertEqual(world.run("account", "key", "revoke", key["key"],
                                       role="operator").returncode, 0)
            self.assertEqual(world.ask("GET", "/v1/jobs", "second").status, 401)
            self.assertEqual(world.run("jobs", role="second").returncode, REFUSED)
            self.assertEqual(world.ask("GET", "/v1/books", "buyer").status, 403)
            self.assertEqual(world.ask("GET", "/v1/jobs", "buyer").status, 200)

    def test_what_is_another_tenants_looks_as_if_it_did_not_exist(self) -> None:
        with harness.World() as world:
            world.provider()
            world.open_account("second", "buyer")
            job = world.submit(command=["/bin/sh", "-c", "echo mine > /out/a"],
                               outputs=[{"path": "a"}])
            world.wait_ended(job)
            blob = world.get(f"/v1/jobs/{job}/artifacts", "buyer")["items"][0]["blob"]
            lease = world.attempts(job)[0]["lease"]
            account = world.accounts["buyer"]
            nothing = hashlib.sha256(b"nobody has this").hexdigest()
            pairs = [(f"/v1/jobs/{job}{part}", f"/v1/jobs/job_999{part}")
                     for part in ("", "/tasks", "/attempts", "/artifacts", "/why", "/receipt")]
            pairs += [(f"/v1/attempts/{lease}/log", "/v1/attempts/lease_999/log"),
                      (f"/v1/blobs/{blob}", f"/v1/blobs/{nothing}"),
                      (f"/v1/accounts/{account}", "/v1/accounts/acc_999"),
                      (f"/v1/accounts/{account}/statement", "/v1/accounts/acc_999/statement")]
            for theirs, unknown in pairs:
                with self.subTest(theirs):
                    answers = [world.ask("GET", target, "second") for target in (theirs, unknown)]
                    self.assertEqual([one.status for one in answers], [404, 404])
                    shapes = [{k: v for k, v in one.json().items() if k != "request_id"}
                              for one in answers]
                    for shape, name in zip(shapes, ((job, lease, blob, account),
                                                    ("job_999", "lease_999", nothing, "acc_999"))):
                        for word in name:
                            shape["message"] = shape["message"].replace(word, "ID")
                    self.assertEqual(*shapes)
            cancelled = world.ask("POST", f"/v1/jobs/{job}/cancel", "second")
            self.assertEqual(cancelled.status, 404)

    def test_a_blob_whose_bytes_are_others_than_its_name_says_is_not_kept(self) -> None:
        with harness.World() as world:
            name = hashlib.sha256(b"right").hexdigest()
            sent = world.ask("PUT", f"/v1/blobs/{name}", "buyer", body=b"wrong")
            self.assertEqual(sent.status, 400, sent.body)
            self.assertIn(f"expected sha256 {name}", sent.json()["message"])
            self.assertEqual(world.ask("GET", f"/v1/blobs/{name}", "buyer").status, 404)
            self.assertEqual(world.ask("PUT", f"/v1/blobs/{name}", "buyer",
                                       body=b"right").status, 201)
            self.assertEqual(world.ask("GET", f"/v1/blobs/{name}", "buyer").body, b"right")

    def test_requests_that_are_no_requests_are_refused_and_the_market_goes_on(self) -> None:
        with harness.World() as world:
            for body in (b"{", b"\xff\xfe", b"[" * 100_000, b'{"name":1}', b"null", b""):
                answer = world.ask("POST", "/v1/jobs", "buyer", body=body)
                self.assertEqual(answer.status, 400, answer.body)
                self.assertEqual(answer.json()["code"], "invalid")
            self.assertEqual(world.ask("POST", "/v1/jobs", "buyer",
                                       body=b" " * (1 << 20) + b"{}").status, 413)
            strange = world.ask("GET", "/v1/jobs", "buyer", headers={"Host": "evil.example"})
            self.assertIn(strange.status, (400, 403, 421))
            with wire.connect(world.market.url) as connection:
                connection.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
                connection.recv(4096)
            self.assertEqual(world.ask("GET", "/v1/jobs", "buyer").status, 200)

    def test_a_market_that_is_not_there_has_its_own_exit_code(self) -> None:
        with harness.World() as world:
            world.market.stop()
            done = world.run("jobs")
            self.assertEqual(done.returncode, UNREACHABLE)
            self.assertIn("cannot reach the market", done.stderr)
            world.market.start()


if __name__ == "__main__":
    harness.main()
