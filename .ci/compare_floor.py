#!/usr/bin/env python3
"""compare_floor.py FLOOR FIGURES: fails when a figure lies below its floor.

A floor is a line `suite dialect figure count`, e.g. `django postgresql text 5120`; the figures are what the conformance
run prints: `django      postgresql  text 5123/7461 (68.66%)   rows …`.
"""
import re
import sys


def figures(text):
    found = {}
    for line in text.splitlines():
        head = re.match(r"(schema +\w+|\w+) +(\w+) +(?=\w[\w ]* \d+/\d+)", line)
        if not head:
            continue
        for name, count in re.findall(r"([a-z][a-z ]*?) (\d+)/\d+", line[head.end():]):
            found[" ".join(head.group(1).split()), head.group(2), name.split()[-1]] = int(count)
    return found


def main():
    floor_path, figures_path = sys.argv[1:]
    got = figures(open(figures_path).read())
    low = 0
    for line in open(floor_path):
        words = line.split("#")[0].split()
        if not words:
            continue
        *suite, dialect, figure, least = words
        have = got.get((" ".join(suite), dialect, figure), 0)
        if have < int(least):
            print(f"below its floor: {' '.join(suite)} {dialect} {figure}: {have} < {least}")
            low += 1
    sys.exit(1 if low else 0)


if __name__ == "__main__":
    main()
