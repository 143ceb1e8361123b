#!/usr/bin/env python3
"""How the engine was compiled: with the flags that keep its bits, and without foreign mathematics.

usage: build_test.py BUILD OBJECT…
"""
import json
import pathlib
import re
import shlex
import subprocess
import sys
import unittest

BUILD = pathlib.Path(sys.argv[1])
OBJECTS = [pathlib.Path(name) for name in sys.argv[2:] if name.endswith(".o")]  # no .pch
FORBIDDEN = re.compile(r"-Ofast|-ffast-math|-funsafe-math-optimizations|-march=native|-mtune=native"
                       r"|-fassociative-math|-freciprocal-math|-ffp-contract=(?:fast|on)")
OF_ENGINE = re.compile(r"CMakeFiles/engine(?:_test)?\.dir/.*\.o$")
INSTRUCTION_SET = re.compile(r"-m(?:avx|fma|sse|amx)")
# What the C library computes as it likes. Its fma and sqrt are exact.
FOREIGN = re.compile(r"^(?:exp|exp2|expm1|log|log2|log10|log1p|pow|sin|cos|tan|sinh|cosh|tanh|erf"
                     r"|erfc|cbrt|hypot|tgamma|lgamma|atan|atan2)f?$")


def engine_commands():
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    for entry in commands:
        words = shlex.split(entry.get("command") or shlex.join(entry["arguments"]))
        if any(OF_ENGINE.search(word) for word in words):
            yield entry["file"], words


def symbols(file):
    """The symbols of an object as (kind, name)."""
    listed = subprocess.run(["llvm-nm-19", "--demangle", file], check=True,
                            stdout=subprocess.PIPE, text=True).stdout
    for line in listed.splitlines():
        found = re.match(r"^\S*\s+(\w) (.*)$", line)
        if found:
            yield found[1], found[2]


class Flags(unittest.TestCase):
    def test_nothing_is_fused_or_reordered(self):
        seen = 0
        for file, words in engine_commands():
            seen += 1
            with self.subTest(file):
                self.assertIn("-ffp-contract=off", words)
                self.assertFalse([word for word in words if FORBIDDEN.fullmatch(word)])
        self.assertGreater(seen, 10)

    def test_only_kernels_are_compiled_for_an_instruction_set(self):
        for file, words in engine_commands():
            if "kernels_" not in pathlib.Path(file).name:
                with self.subTest(file):
                    self.assertFalse([word for word in words if INSTRUCTION_SET.match(word)])


class Objects(unittest.TestCase):
    def test_no_result_comes_from_the_c_library(self):
        self.assertTrue(OBJECTS)
        for file in OBJECTS:
            foreign = [name for kind, name in symbols(file) if kind == "U" and FOREIGN.match(name)]
            with self.subTest(file.name):
                self.assertEqual(foreign, [])

    def test_kernels_leave_no_function_that_the_linker_could_choose_for_everyone(self):
        """An inline function that is not of this instruction set's lanes would be one."""
        for file in OBJECTS:
            if "kernels_avx" not in file.name:
                continue
            own = "Avx512" if "avx512" in file.name else "Avx2"
            shared = [name for kind, name in symbols(file)
                      if kind in "WV" and own not in name and not name.startswith("asan.")]
            with self.subTest(file.name):
                self.assertEqual(shared, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
