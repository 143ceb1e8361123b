#!/usr/bin/env python3
"""Plants each breach that tools/tidy looks for, in a tree of its own, and wants it found there."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

TIDY = pathlib.Path(__file__).resolve().parent / "tidy"
CMAKE = "shoal_layer(core)\nshoal_layer(market USES core)\nshoal_layer(io\n    USES core)\n"
BODY = "    ++count;\n"


class Tree:
    """A small source tree without a breach."""

    def __init__(self, folder):
        self.root = pathlib.Path(folder)
        self.write("CMakeLists.txt", CMAKE)
        for layer in ("core", "market", "io"):
            self.write(f"{layer}/README.md", f"# {layer}\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())

    def git(self, *arguments):
        subprocess.run(["git", "-C", self.root, "-c", "user.name=t", "-c", "user.email=t@localhost",
                        *arguments], check=True, stdout=subprocess.DEVNULL)

    def tidy(self, *arguments):
        """The exit code and the lines that were printed."""
        done = subprocess.run([sys.executable, TIDY, "--root", self.root, *arguments],
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout.splitlines()


class TidyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Tree(folder.name)

    def assert_clean(self, *arguments):
        self.assertEqual(self.tree.tidy(*arguments), (0, ["tidy"]))

    def assert_found(self, *breaches):
        self.assertEqual(self.tree.tidy(), (1, list(breaches)))

    def test_a_tree_without_a_breach_is_tidy(self):
        self.tree.write("core/a.h", "#pragma once\n\n#include <string>\n")
        self.tree.write("market/b.cpp", '#include "core/a.h"\n#include "market/b.h"\n')
        self.assert_clean()

    def test_an_include_may_not_cross_layers(self):
        self.tree.write("core/a.cpp", '\n#include "market/b.h"\n')
        self.assert_found("core/a.cpp:2: core may not include from market")

    def test_uses_is_read_over_several_lines(self):
        self.tree.write("io/a.cpp", '#include "core/b.h"\n#include "market/b.h"\n')
        self.assert_found("io/a.cpp:2: io may not include from market")

    def test_nested_folders_and_inc_files_are_held_to_their_layer(self):
        self.tree.write("market/deep/er/a.inc", '#include "io/b.h"\n')
        self.assert_found("market/deep/er/a.inc:1: market may not include from io")

    def test_an_include_starts_at_the_root(self):
        self.tree.write("core/a.cpp", '#include "a.h"\n')
        self.assert_found("core/a.cpp:1: write the path from the root: a.h")

    def test_a_pure_layer_names_nothing_impure(self):
        for code in ("#include <thread>", "#include <random>", "#include <sys/socket.h>",
                     "#include <boost/asio.hpp>", "#include <fstream>", "#include <coroutine>",
                     "auto now = std::chrono::system_clock::now();", "int r = rand();",
                     "co_return;", "std::unordered_map<int, int> m;", "#include <unordered_set>",
                     'auto home = getenv("HOME");', "std::mt19937_64 engine;"):
            with self.subTest(code):
                self.tree.write("market/a.cpp", code + "\n")
                exit_code, lines = self.tree.tidy()
                self.assertEqual(exit_code, 1)
                self.assertRegex(lines[0], r"^market/a\.cpp:1: market is pure: .* belongs in io$")

    def test_comments_strings_and_tests_of_a_pure_layer_may_name_what_is_impure(self):
        self.tree.write("core/a.cpp", '// no system_clock, no\n/* rand() */ auto s = "co_await";\n')
        self.tree.write("core/a_test.cpp", "#include <random>\n")
        self.assert_clean()

    def test_a_layer_that_is_not_pure_may_be_impure(self):
        self.tree.write("io/a.cpp", "#include <thread>\n")
        self.assert_clean()

    def test_a_function_has_at_most_70_lines(self):
        self.tree.write("io/a.cpp", "namespace io {\n\nvoid f() {\n" + BODY * 68 + "}\n\n}\n")
        self.assert_clean()
        self.tree.write("io/a.cpp", "namespace io {\n\nvoid f() {\n" + BODY * 69 + "}\n\n}\n")
        self.assert_found("io/a.cpp:3: function is longer than 70 lines: 71")

    def test_methods_constructors_and_lambdas_are_functions(self):
        heads = ("class A {\npublic:\n    int f(\n        int a) const noexcept override {\n",
                 "class A {\n    A(int a)\n        : a_{a},\n          b_(a) {\n",
                 "class A {\n    auto f() -> int {\n",
                 "struct A {\n    int b = [](auto c) {\n")
        for head in heads:
            with self.subTest(head):
                self.tree.write("io/a.cpp", head + BODY * 72 + "    }\n};\n")
                exit_code, lines = self.tree.tidy()
                self.assertEqual(exit_code, 1, head)
                self.assertIn("function is longer than 70 lines", lines[0])

    def test_what_is_no_function_may_be_longer_than_70_lines(self):
        fields = "    int field = 1;\n" * 80
        self.tree.write("io/a.cpp", f"class A : B<f()> {{\n{fields}}};\nnamespace a {{\n{fields}}}\n")
        self.tree.write("io/b.cpp", "const T table[] = {\n" + "    {1, f(2)},\n" * 80 + "};\n")
        self.assert_clean()

    def test_braces_in_strings_comments_and_macros_do_not_count(self):
        odd = "void f() {\n    // {\n    g(\"{\", '{', R\"(\n{\n)\");\n}\n\n#define A {\n\n"
        self.tree.write("io/a.cpp", odd + "int x;\n" * 80 + "void g() {\n}\n")
        self.assert_clean()

    def test_a_header_has_at_most_250_lines(self):
        self.tree.write("io/a.h", "int a;\n" * 250)
        self.assert_clean()
        self.tree.write("io/a.h", "int a;\n" * 251)
        self.assert_found("io/a.h:1: file is longer than 250 lines: 251")

    def test_another_source_has_at_most_500_lines(self):
        self.tree.write("io/a.cpp", "int a;\n" * 500)
        self.assert_clean()
        for path in ("io/a.cpp", "io/a.inc", "tools/a.py"):
            self.tree.write(path, "a = 1;\n" * 501)
        self.assert_found(*(f"{path}:1: file is longer than 500 lines: 501"
                            for path in ("io/a.cpp", "io/a.inc", "tools/a.py")))

    def test_python_functions_have_at_most_70_lines(self):
        self.tree.write("scripts/a", "#!/usr/bin/env python3\ndef f():\n" + "    a = 1\n" * 70)
        self.assert_found("scripts/a:2: function is longer than 70 lines: 71")

    def test_a_leftover_mark_is_found_in_any_text(self):
        self.tree.write("docs/a.md", "# A\n\nFIX" + "ME\n")
        self.assert_found("docs/a.md:3: leftover FIX" + "ME")

    def test_a_markdown_file_starts_with_its_title(self):
        self.tree.write("docs/a.md", "Words\n")
        self.tree.write("docs/b.md", "")
        self.assert_found("docs/a.md:1: a markdown file starts with its title, '# …'",
                          "docs/b.md:1: a markdown file starts with its title, '# …'")

    def test_every_layer_has_a_readme(self):
        (self.tree.root / "market/README.md").unlink()
        self.assert_found("market/README.md:1: the layer market has no README.md")

    def test_no_text_names_a_path_into_somebodys_home(self):
        self.tree.write("scripts/a", "#!/bin/sh\ncd /home" + "/somebody/shoal\n")
        self.tree.write("scripts/b", "#!/bin/sh\ncd /root" + "/shoal\n")
        self.tree.write("scripts/c", "#!/bin/sh\ncd $HOME/home/x; cat /srv/home/x\n")
        self.assert_found("scripts/a:2: names a path into somebody's home folder",
                          "scripts/b:2: names a path into somebody's home folder")

    def test_no_line_ends_with_a_space(self):
        self.tree.write("io/a.cpp", "int a; \nint b;\t\nint c;\n")
        self.assert_found("io/a.cpp:1: space at the end of the line",
                          "io/a.cpp:2: space at the end of the line")

    def test_data_of_tests_and_what_is_no_text_is_left_alone(self):
        self.tree.write("core/testdata/a.json", "{} \n")
        self.tree.write("tests/fuzz/corpus/json/a", "x \n")
        self.tree.write("docs/picture.png", b"\x89PNG \n\0 \n\xff")
        self.assert_clean()

    def test_only_changed_files_are_looked_at_when_asked(self):
        self.tree.write("io/old.cpp", "int a; \n")
        self.tree.write("io/edited.cpp", "int a;\n")
        self.tree.git("init", "-q")
        self.tree.git("add", "-A")
        self.tree.git("commit", "-q", "-m", "first")
        self.assert_clean("--changed", "HEAD")
        self.tree.write("io/edited.cpp", "int a; \n")
        self.tree.write("io/new.cpp", "int a; \n")
        self.assertEqual(self.tree.tidy("--changed", "HEAD"),
                         (1, ["io/edited.cpp:1: space at the end of the line",
                              "io/new.cpp:1: space at the end of the line"]))

    def test_what_git_ignores_is_left_alone(self):
        self.tree.git("init", "-q")
        self.tree.write(".gitignore", "/build/\n")
        self.tree.write("build/a.cpp", "int a; \n")
        self.assert_clean()

    def test_a_base_that_does_not_exist_is_an_error(self):
        self.tree.git("init", "-q")
        exit_code, lines = self.tree.tidy("--changed", "nowhere")
        self.assertEqual((exit_code, lines), (1, []))


if __name__ == "__main__":
    unittest.main()
