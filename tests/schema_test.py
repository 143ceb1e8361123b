#!/usr/bin/env python3
"""Whether `shoal schema` prints documents that others can use.

Every schema is checked by the validator of JSON Schema, the OpenAPI document as a whole by that of
tests/openapi, which scripts/test installs; every job file of examples/ must fit its schema, and
broken ones must not.

usage: tests/schema_test.py PATH_TO_SHOAL
"""
import copy
import json
import pathlib
import subprocess
import sys
import unittest

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHOAL = "shoal"  # the binary under test


def schema(name):
    """What `shoal schema NAME` prints."""
    done = subprocess.run([SHOAL, "schema", name], capture_output=True, text=True, timeout=60,
                          check=True)
    return json.loads(done.stdout)


def references(part):
    """Every "$ref" below a part of a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def operations(document):
    """The path, the method and the operation of everything that can be asked."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def faults(document):
    """What the validator of OpenAPI has against a document, and the operations without responses,
    which OpenAPI 3.1 allows and this API does not."""
    done = subprocess.run(["node", ROOT / "tests/openapi/check.mjs"], input=json.dumps(document),
                          capture_output=True, text=True, timeout=120, check=False)
    if "ERR_MODULE_NOT_FOUND" in done.stderr:
        raise FileNotFoundError("the validator is not installed: scripts/test does that")
    found = done.stderr.splitlines()
    if bool(found) != bool(done.returncode):
        raise RuntimeError(f"the validator ended with {done.returncode}: {done.stderr}")
    return found + [f"{method} {path}: no responses" for path, method, operation
                    in operations(document) if not operation.get("responses")]


class OpenApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.document = schema("openapi")

    def test_it_is_openapi_3_1(self):
        self.assertTrue(self.document["openapi"].startswith("3.1."))

    def test_the_validator_of_openapi_has_nothing_against_it(self):
        self.assertEqual(faults(self.document), [])

    def test_the_validator_of_openapi_finds_what_is_wrong(self):
        def job(document):
            return document["paths"]["/v1/jobs/{job}"]["get"]

        def refusal(document):
            return job(document)["responses"]["default"]

        for name, change in {
            "a reference to nowhere": lambda it: refusal(it)["content"]["application/json"][
                "schema"].update({"$ref": "#/components/schemas/Nothing"}),
            "no responses": lambda it: job(it).pop("responses"),
            "a list of no responses": lambda it: job(it)["responses"].clear(),
            "a response without a description": lambda it: refusal(it).pop("description"),
            "a parameter that stands nowhere": lambda it: job(it)["parameters"][0].pop("in"),
            "a path without its slash": lambda it: it["paths"].update({"v2": {}}),
            "no title": lambda it: it["info"].pop("title"),
            "another version": lambda it: it.update(openapi="3.0.3"),
        }.items():
            with self.subTest(name):
                broken = copy.deepcopy(self.document)
                change(broken)
                self.assertNotEqual(faults(broken), [])

    def test_every_reference_leads_somewhere_and_nothing_is_left_over(self):
        schemas = self.document["components"]["schemas"]
        prefix = "#/components/schemas/"
        named = {reference.removeprefix(prefix) for reference in references(self.document)}
        self.assertEqual(named, set(schemas))

    def test_every_schema_is_one(self):
        for name, one in self.document["components"]["schemas"].items():
            with self.subTest(name):
                jsonschema.Draft202012Validator.check_schema(one)

    def test_every_operation_has_its_own_name_and_says_what_a_refusal_looks_like(self):
        names = [operation["operationId"] for _, _, operation in operations(self.document)]
        self.assertEqual(len(names), len(set(names)))
        for path, method, operation in operations(self.document):
            with self.subTest(f"{method} {path}"):
                refusal = operation["responses"]["default"]["content"]["application/json"]
                self.assertEqual(refusal["schema"]["$ref"], "#/components/schemas/Problem")
                self.assertTrue(operation["summary"])

    def test_the_parts_of_a_path_are_its_parameters(self):
        for path, method, operation in operations(self.document):
            with self.subTest(f"{method} {path}"):
                named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
                given = {it["name"] for it in operation.get("parameters", [])
                         if it["in"] == "path"}
                self.assertEqual(named, given)

    def test_the_routes_of_a_first_job_are_there(self):
        paths = self.document["paths"]
        for method, path in [("post", "/v1/jobs"), ("get", "/v1/jobs/{job}"),
                             ("get", "/v1/jobs/{job}/receipt"), ("put", "/v1/blobs/{hash}"),
                             ("get", "/v1/events"), ("get", "/metrics")]:
            self.assertIn(method, paths[path])


class JobFile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = schema("job")
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def files(self):
        return sorted((ROOT / "examples").rglob("job.yaml"))

    def test_there_are_examples_and_all_fit(self):
        self.assertGreaterEqual(len(self.files()), 3)
        for path in self.files():
            with self.subTest(path.name):
                self.validator.validate(yaml.safe_load(path.read_text()))

    def test_the_smallest_job_fits(self):
        self.validator.validate({"name": "small", "command": ["true"]})

    def test_broken_jobs_do_not_fit(self):
        whole = {"name": "job", "command": ["./a"], "resources": {"cores": 1, "memory": "1GiB"},
                 "limits": {"time": "1h30m"}, "outputs": [{"path": "out"}],
                 "price": {"max_total": "0.002SOL"}}
        self.validator.validate(whole)

        def broken(change):
            job = copy.deepcopy(whole)
            change(job)
            return job

        for name, change in {
            "no name": lambda job: job.pop("name"),
            "no command": lambda job: job.pop("command"),
            "a command in one text": lambda job: job.update(command="./a"),
            "an unknown key": lambda job: job.update(comand=["./a"]),
            "an unknown key below": lambda job: job["resources"].update(core=2),
            "a size without a unit": lambda job: job["resources"].update(memory=1),
            "a size of an unknown unit": lambda job: job["resources"].update(memory="1GB2"),
            "a length of time in no order": lambda job: job["limits"].update(time="30m1h"),
            "an output without a path": lambda job: job["outputs"].append({"optional": True}),
            "an unknown kind": lambda job: job.update(kind="magic"),
            "cores below zero": lambda job: job["resources"].update(cores=-1),
            "an amount of another money": lambda job: job["price"].update(max_total="3EUR"),
        }.items():
            with self.subTest(name):
                self.assertFalse(self.validator.is_valid(broken(change)))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    SHOAL = sys.argv.pop(1)
    unittest.main()
