#!/usr/bin/env python3
"""Runs the example programs by hand, as a provider would: metrics on file descriptor 3.

usage: examples_test.py FOLDER    # with the built programs
"""
import gzip
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

PROGRAMS = None
HERE = pathlib.Path(__file__).resolve().parent
DATA = pathlib.Path("/usr/share/datasets/fashion-mnist")


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_program(self, name, *arguments):
        """How the program ended, and the lines it wrote to file descriptor 3."""
        command = ["/bin/sh", "-c", 'exec "$@" 3>lines', "sh", PROGRAMS / name, *arguments]
        done = subprocess.run(command, cwd=self.folder, check=False, capture_output=True, text=True)
        lines = (self.folder / "lines").read_text().splitlines()
        return done, [json.loads(line) for line in lines]

    def softmax(self, **changes):
        options = {"data": DATA, "rate": 0.1, "l2": 0, "epochs": 2, "out": "model.bin", **changes}
        words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
        return self.run_program("softmax", *words)

    def test_softmax_learns_and_reports_what_it_measured(self):
        done, lines = self.softmax()
        self.assertEqual(done.returncode, 0, done.stderr)
        metrics = [line["metric"] for line in lines if "metric" in line]
        losses = [metric["loss"] for metric in metrics if "loss" in metric]
        self.assertAlmostEqual(losses[0], 2.302585, places=5)  # ln 10: it knows nothing yet
        self.assertLess(losses[-1], 1)
        self.assertGreater(metrics[-1]["accuracy"], 0.80)
        self.assertLess(metrics[-1]["accuracy"], 0.86)
        self.assertEqual((self.folder / "model.bin").stat().st_size, 785 * 10 * 4)

    def test_softmax_gives_the_same_model_again(self):
        models = []
        for _ in range(2):
            self.softmax(epochs=1)
            models.append((self.folder / "model.bin").read_bytes())
        self.assertEqual(models[0], models[1])

    def assert_refused(self, what, **changes):
        done, lines = self.softmax(**changes)
        self.assertEqual((done.returncode, lines), (1, []))
        self.assertIn(what, done.stderr)
        self.assertFalse((self.folder / "model.bin").exists())

    def test_softmax_refuses_missing_and_wrong_data(self):
        self.assert_refused("cannot open", data=self.folder / "nowhere")
        shutil.copytree(DATA, self.folder / "data")
        images = self.folder / "data/train-images-idx3-ubyte.gz"
        shutil.copy(DATA / "t10k-images-idx3-ubyte.gz", images)
        self.assert_refused("not the Fashion-MNIST file", data=self.folder / "data")
        images.write_bytes((DATA / images.name).read_bytes()[:1_000_000])
        self.assert_refused("damaged", data=self.folder / "data")
        labels = self.folder / "data/t10k-labels-idx1-ubyte.gz"
        shutil.copy(DATA / images.name, images)
        with gzip.open(DATA / labels.name) as whole:
            labels.write_bytes(gzip.compress(whole.read()[:-1] + b"\x0a"))
        self.assert_refused("a label above 9", data=self.folder / "data")

    def test_softmax_refuses_a_setting_that_is_no_number(self):
        self.assert_refused("not a number", rate="fast")
        self.assert_refused("not a number", l2=-1)

    def test_the_shards_of_the_option_combine_to_its_price(self):
        for seed in ("1", "2", "3"):
            (self.folder / seed).mkdir()
            done, lines = self.run_program("asian_option", seed, "50000", f"{seed}/shard.json")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertLess(lines[-2]["metric"]["half_width"], 0.1)
        combined = subprocess.run([sys.executable, HERE / "monte-carlo/combine.py", self.folder],
                                  capture_output=True, text=True, check=True).stdout
        price = float(combined.split()[0])
        self.assertAlmostEqual(price, 6.42, delta=0.1)  # of 1.6 million paths: 6.417 ± 0.015
        self.assertIn("from 3 shards, 150000 paths", combined)

    def test_the_workflow_combines_shards_as_the_script_does(self):
        shards = []
        for seed in ("1", "2"):
            done, _ = self.run_program("asian_option", seed, "50000", "shard.json")
            self.assertEqual(done.returncode, 0, done.stderr)
            shards.append((self.folder / "shard.json").read_text())
        said = subprocess.run(["awk", "-f", HERE / "workflow/combine.awk"], text=True, check=True,
                              input="".join(shards), capture_output=True).stdout
        self.assertAlmostEqual(float(said.split()[0]), 6.42, delta=0.15)
        self.assertIn("from 100000 paths", said)

    def test_frames_are_pictures_and_differ(self):
        pictures = []
        for frame in ("0", "1"):
            done, lines = self.run_program("render", frame, "12", "frame.ppm")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(lines[-1], {"progress": 1.0})
            pictures.append((self.folder / "frame.ppm").read_bytes())
        self.assertEqual({len(picture) for picture in pictures}, {640 * 360 * 3 + 15})
        self.assertNotEqual(*pictures)

    def test_a_frame_outside_the_animation_is_refused(self):
        done, _ = self.run_program("render", "12", "12", "frame.ppm")
        self.assertEqual(done.returncode, 1)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAMS = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
