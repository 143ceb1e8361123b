#!/usr/bin/env python3
"""What a market tells in numbers, what docs/operator.md says that it tells, and what the dashboard
asks for are the same names."""
from __future__ import annotations

import json
import pathlib
import re
import unittest

import harness

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
NAME = re.compile(r"shoal_[a-z_]+")
SAMPLE = re.compile(r"(shoal_[a-z_]+)(\{[a-z_]+=\"[a-z_]+\"\})? -?[0-9]+")


def documented() -> set[str]:
    rows = re.findall(r"^\| `(shoal_[a-z_]+)", (DOCS / "operator.md").read_text(), re.MULTILINE)
    return set(rows)


def told(text: str) -> set[str]:
    """The names of all samples; each is of the family that was declared last (OpenMetrics 1.0)."""
    names, family, kind = set(), "", ""
    lines = text.splitlines()
    assert lines.pop() == "# EOF", "the text does not end as OpenMetrics does"
    for line in lines:
        if line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
        if line.startswith("#"):
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"not a sample: {line}"
        wanted = family + ("_total" if kind == "counter" else "")
        assert sample[1] == wanted, f"{line}: stands below {family}, a {kind}"
        names.add(sample[1])
    return names


class MetricsTest(unittest.TestCase):
    def test_names_are_documented_and_on_the_dashboard(self) -> None:
        with harness.World() as world:
            world.provider()
            world.wait_ended(world.submit(command=["/bin/true"]))
            answer = world.ask("GET", "/metrics")
            names = told(answer.body.decode())
        self.assertEqual(names, documented())
        board = json.loads((DOCS / "grafana.json").read_text())
        asked = {name for panel in board["panels"] for target in panel.get("targets", [])
                 for name in NAME.findall(target["expr"])}
        self.assertLessEqual(asked, names)
        self.assertGreater(len(asked), len(names) // 2)
        ids = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        for panel in board["panels"]:
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24, panel["title"])


if __name__ == "__main__":
    harness.main()
