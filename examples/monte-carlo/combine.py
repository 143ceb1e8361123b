#!/usr/bin/env python3
"""Joins the shards of the option-pricing job into one price.

usage: combine.py FOLDER    # with a shard.json of each task somewhere below it
"""
import json
import math
import pathlib
import sys


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: combine.py FOLDER")
    shards = [json.loads(path.read_text()) for path in pathlib.Path(sys.argv[1]).rglob("shard.json")]
    if not shards:
        sys.exit(f"combine.py: no shard.json below {sys.argv[1]}")
    paths, total, squares = (sum(shard[key] for shard in shards)
                             for key in ("paths", "sum", "squares"))
    mean = total / paths
    half_width = 1.96 * math.sqrt((squares / paths - mean * mean) / (paths - 1))
    print(f"{mean:.4f} ± {half_width:.4f} (95 %) from {len(shards)} shards, {paths} paths")


if __name__ == "__main__":
    main()
