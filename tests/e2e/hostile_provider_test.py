#!/usr/bin/env python3
"""A provider that lies, forges and repeats gets nothing by it, and harms nobody."""
from __future__ import annotations

import hashlib
import json
import os
import unittest

import ed25519
import harness
import wire
from hostile import Hostile

CAP = {"max_total": "1000000"}


class HostileProvider(unittest.TestCase):
    def test_the_tests_own_signatures_are_those_of_rfc_8032(self) -> None:
        seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
        self.assertEqual(ed25519.public_key(seed).hex(),
                         "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
        self.assertEqual(ed25519.sign(seed, b"\x72").hex(),
                         "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
                         "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")

    def test_a_session_needs_the_right_role_and_a_right_signature(self) -> None:
        with harness.World() as world, Hostile(world) as hostile:
            socket = wire.WebSocket(world.market.url, "/v1/session", world.keys["buyer"])
            self.assertEqual(socket.status, 403)
            socket.close()
            refused = hostile.connect(signature=bytes(64))
            self.assertEqual(refused["code"], "denied")
            hostile.leave()
            other = ed25519.sign(os.urandom(32), b"something else")
            self.assertEqual(hostile.connect(signature=other)["code"], "denied")
            hostile.leave()
            self.assertIn("provider", hostile.connect())

    def test_a_second_session_of_one_identity_is_refused(self) -> None:
        with harness.World() as world, Hostile(world) as one:
            self.assertIn("provider", one.connect())
            with Hostile(world, seed=one.seed) as two:
                self.assertEqual(two.connect()["code"], "conflict")

    def test_the_identity_of_another_account_cannot_be_taken(self) -> None:
        with harness.World() as world, Hostile(world) as one:
            self.assertIn("provider", one.connect())
            one.leave()
            world.open_account("second", "provider")
            with Hostile(world, seed=one.seed, role="second") as two:
                self.assertIn("code", two.connect())

    def test_an_honest_hand_made_provider_is_paid_by_the_markets_clock_alone(self) -> None:
        with harness.World() as world, Hostile(world) as hostile:
            hostile.connect()
            job = world.submit(command=["a"], outputs=[{"path": "a"}], price=CAP)
            lease = hostile.hear("granted")["order"]["lease"]
            hostile.tell({"started": {"lease": lease}})
            hostile.exit(lease, ran_ms=10**12)
            blob = hashlib.sha256(b"result").hexdigest()
            self.assertEqual(hostile.deliver(lease, b"result").status, 201)
            hostile.hear_ack(hostile.finish(lease, [
                {"path": "a", "blob": blob, "size_bytes": 6}]))
            view = world.wait_ended(job)
            self.assertEqual(view["state"], "finished")
            self.assertLess(int(view["charged"]), 1_000)
            world.check_books()

    def test_words_on_leases_of_others_or_of_nobody_change_nothing(self) -> None:
        with harness.World() as world, Hostile(world) as honest:
            honest.connect()
            job = world.submit(command=["a"], price=CAP)
            lease = honest.hear("granted")["order"]["lease"]
            honest.hear_ack(honest.tell({"started": {"lease": lease}}))
            with Hostile(world, name="liar") as liar:
                liar.connect()
                self.assertEqual(liar.deliver("lease_999", b"forged").status, 404)
                before = world.balance("provider"), world.attempts(job)[0]["phase"]
                for wrong in (lease, "lease_999"):
                    for say in (lambda w: liar.tell({"started": {"lease": w}}), liar.exit,
                                lambda w: liar.finish(w, [])):
                        liar.hear_ack(say(wrong))
                liar.say({"alive": {"leases": [lease, "lease_999"]}})
                liar.say({"said": {"lease": lease, "log": "forged", "log_offset": 0}})
                self.assertEqual((world.balance("provider"), world.attempts(job)[0]["phase"]),
                                 before)
            log = world.ask("GET", f"/v1/attempts/{lease}/log", "buyer")
            self.assertNotIn(b"forged", log.body)
            honest.exit(lease)
            honest.hear_ack(honest.finish(lease, []))
            self.assertEqual(world.wait_ended(job)["state"], "finished")
            world.check_books()

    def test_old_messages_that_are_said_again_are_not_paid_again(self) -> None:
        with harness.World() as world, Hostile(world) as hostile:
            hostile.connect()
            job = world.submit(command=["a"], price=CAP)
            lease = hostile.hear("granted")["order"]["lease"]
            hostile.tell({"started": {"lease": lease}})
            hostile.exit(lease)
            hostile.hear_ack(hostile.finish(lease, []))
            view, money = world.wait_ended(job), world.balance("provider")
            for _ in range(2):
                hostile.tell({"started": {"lease": lease}})
                hostile.exit(lease, reason="exit_code")
                hostile.hear_ack(hostile.finish(lease, [], reason="exit_code"))
                hostile.leave()
                hostile.sequence = 0
                hostile.connect()
            self.assertEqual(world.job(job), view)
            self.assertEqual(world.balance("provider"), money)
            self.assertEqual(len([name for name, _ in world.journal() if name == "job_ended"]), 1)
            world.check_books()

    def test_a_result_with_bytes_that_nobody_has_or_missing_outputs_is_not_accepted(self) -> None:
        nothing = hashlib.sha256(b"never uploaded").hexdigest()
        cases = {
            "bytes that were never delivered": [{"path": "a", "blob": nothing, "size_bytes": 14}],
            "an output that is missing": [],
        }
        with harness.World() as world, Hostile(world) as hostile:
            hostile.connect()
            for title, artifacts in cases.items():
                with self.subTest(title):
                    job = world.submit(command=["a"], outputs=[{"path": "a"}], price=CAP,
                                       retries=0)
                    lease = hostile.hear("granted")["order"]["lease"]
                    hostile.tell({"started": {"lease": lease}})
                    hostile.exit(lease)
                    self.assertEqual(hostile.deliver(lease, b"other", nothing).status, 400)
                    hostile.finish(lease, artifacts)
                    view = world.wait_ended(job)
                    self.assertEqual(view["state"], "failed", view)
                    self.assertEqual(int(view["charged"]), 0, view)
                    self.assertEqual(world.get(f"/v1/jobs/{job}/artifacts")["items"], [])
            world.check_books()

    def test_a_result_whose_path_leads_out_is_refused_and_tried_again_at_once(self) -> None:
        with harness.World() as world, Hostile(world) as hostile:
            hostile.connect()
            job = world.submit(command=["a"], outputs=[{"path": "a"}], price=CAP, retries=1)
            for _ in range(2):  # nobody waits for the lease to run out
                lease = hostile.hear("granted")["order"]["lease"]
                hostile.exit(lease)
                hostile.finish(lease, [{"path": "../../etc/passwd",
                                        "blob": hashlib.sha256(b"").hexdigest()}])
                self.assertEqual(hostile.hear("ended")["reason"], "provider_lost")
            view = world.wait_ended(job)
            self.assertEqual((view["state"], view["reason"]), ("failed", "provider_lost"))
            self.assertEqual(int(view["charged"]), 0)
            world.check_books()

    def test_frames_that_make_no_sense_end_that_session_alone(self) -> None:
        with harness.World() as world, Hostile(world, name="honest") as honest:
            honest.connect()
            for frame in ("{", "[]", '{"sequence":1,"message":{"dance":{}}}', "\u0000", "9" * 999,
                          json.dumps({"sequence": -1, "message": {"alive": {"leases": []}}}),
                          "[" * 50_000, '{"sequence":1,"message":{"hello":{"key":"zz"}}}'):
                with self.subTest(frame[:40]), Hostile(world) as hostile:
                    hostile.connect()
                    assert hostile.socket
                    hostile.socket.send(frame)
                    with self.assertRaises((ConnectionError, AssertionError)):
                        assert "code" not in hostile.hear("refused")
            honest.say({"alive": {"leases": []}})
            job = world.submit(command=["a"], price=CAP)
            lease = honest.hear("granted")["order"]["lease"]
            honest.exit(lease)
            honest.hear_ack(honest.finish(lease, []))
            self.assertEqual(world.job(job)["job"], job)

    def test_an_offer_beyond_all_bounds_is_refused_and_matches_nothing(self) -> None:
        with harness.World() as world:
            for offered in ({"capacity": {"cores": -1, "memory": "1GiB", "disk": "1GiB"}},
                            {"name": "x" * 100_000}, {"name": "a\u202eb"},
                            {"price": {"hour": "-5"}}, {"price": {"hour": "99999999999999999999"}}):
                with self.subTest(str(offered)[:60]), Hostile(world) as hostile:
                    try:
                        self.assertIn("code", hostile.connect(offered=offered))
                    except ConnectionError:
                        pass  # it was shown the door without a word
            self.assertEqual(world.get("/v1/providers")["items"], [])


if __name__ == "__main__":
    harness.main()
