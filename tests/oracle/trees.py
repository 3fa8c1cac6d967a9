#!/usr/bin/env python3
"""Checks (or rewrites, with --update) the golden trees of tests/trees.

    trees.py --tool build/tests/dump_tree [--update] FILE.md…

A case is a fenced `python` block; the `tree` block below it holds its syntax tree as dump.c writes it, the
`diagnostics` block what is said about it, one a line. A case without diagnostics must give none. A tree
is only checked where a `tree` block stands.
"""
import argparse
import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.S | re.M)


def run(tool, text, scratch):
    path = pathlib.Path(scratch) / "case.py"
    path.write_bytes(text.encode())
    result = subprocess.run([tool, str(path)], capture_output=True, check=True)
    return result.stdout.decode(), result.stderr.decode().replace(str(path) + ":", "")


def rewritten(tool, text, scratch):
    out, at, answers = [], 0, {"tree": "", "diagnostics": ""}
    for fence in FENCE.finditer(text):
        kind = fence.group(1)
        if kind == "python":
            if answers["diagnostics"]:
                out.append("")
                out.append("unexpected: " + answers["diagnostics"])
            answers = dict(zip(("tree", "diagnostics"), run(tool, fence.group(2), scratch)))
        elif kind in answers:
            out.append(text[at : fence.start(2)] + answers[kind])
            at = fence.end(2)
            answers[kind] = ""
    if answers["diagnostics"]:
        out.append("unexpected: " + answers["diagnostics"])
    return "".join(out) + text[at:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    options = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for path in options.files:
            text = path.read_text()
            wanted = rewritten(options.tool, text, scratch)
            if wanted == text:
                continue
            if options.update and "unexpected: " not in wanted:
                path.write_text(wanted)
                continue
            failed = True
            sys.stdout.writelines(
                difflib.unified_diff(text.splitlines(True), wanted.splitlines(True), str(path), "ormc")
            )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
