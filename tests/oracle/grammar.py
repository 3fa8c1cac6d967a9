#!/usr/bin/env python3
"""Compares ormc's syntax trees with CPython's `ast`: kinds, positions, names, constants.

    grammar.py --tool build/tests/ormc-dump-tree PATH…      files, directories or .tar.gz archives
    grammar.py --tool … --stdlib                            the modules of this Python's own library
    grammar.py --tool … --speed PATH…                       MB/s of both on the same files

Every `.py` file that CPython reads must give the same tree and no diagnostic; one that CPython refuses is
counted, and listed with --refused where ormc reads it. Before Python 3.12 `ast` gives the parts of an
f-string the place of the whole, so positions inside f-strings are left out there.
"""
import argparse
import ast
import io
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile
import time
import tokenize
import warnings

NO_PLACE = (ast.comprehension, ast.arguments, ast.withitem, ast.match_case)
PLACE = re.compile(r" \d+:\d+-\d+:\d+")
FSTRING_PLACES = sys.version_info >= (3, 12)


def quote(text):
    out = ['"']
    for character in text:
        if character in '"\\':
            out.append("\\" + character)
        elif character < " " or character == "\x7f":
            out.append("\\x%02x" % ord(character))
        else:
            out.append(character)
    return "".join(out) + '"'


def quote_bytes(data):
    out = ['b"']
    for byte in data:
        if byte in b'"\\':
            out.append("\\" + chr(byte))
        elif byte < 0x20 or byte >= 0x7F:
            out.append("\\x%02x" % byte)
        else:
            out.append(chr(byte))
    return "".join(out) + '"'


def constant(value, kind=None):
    if value is None or value is True or value is False:
        return str(value)
    if value is ...:
        return "..."
    if isinstance(value, str):
        return (kind or "") + quote(value)
    if isinstance(value, bytes):
        return quote_bytes(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return "float %.17g" % value
    return "imaginary %.17g" % value.imag


class Dumper:
    """ast to the lines that dump.c writes."""

    def __init__(self, text):
        self.lines = [line.encode("utf-8", "surrogatepass") for line in re.split("\r\n|\r|\n", text)]
        self.out = []

    def column(self, line, offset):
        data = self.lines[line - 1]
        return offset + 1 if data.isascii() else len(data[:offset].decode("utf-8", "replace")) + 1

    def place(self, node):
        return " %d:%d-%d:%d" % (
            node.lineno,
            self.column(node.lineno, node.col_offset),
            node.end_lineno,
            self.column(node.end_lineno, node.end_col_offset),
        )

    def node(self, field, node, depth, placed=True):
        head = "  " * depth + (field + ": " if field else "")
        if node is None:
            self.out.append(head + "None")
            return
        name = type(node).__name__
        words = [head + name]
        if placed and not isinstance(node, NO_PLACE + (ast.Module,)):
            words.append(self.place(node))
        placed = placed and (FSTRING_PLACES or not isinstance(node, ast.JoinedStr))
        children = []
        kind = getattr(node, "kind", None)
        for key, value in ast.iter_fields(node):
            if key in ("type_ignores", "type_comment", "kind", "ctx"):
                continue
            if isinstance(node, (ast.Constant, ast.MatchSingleton)) and key == "value":
                words.append(" value=" + constant(value, kind))
            elif name == "Interpolation" and key == "str":
                words.append(" str=" + constant(value))
            elif isinstance(value, (ast.operator, ast.unaryop, ast.boolop)):
                words.append(" %s=%s" % (key, type(value).__name__))
            elif isinstance(value, ast.AST):
                children.append((key, value))
            elif isinstance(value, list):
                for item in value:
                    if isinstance(item, ast.cmpop):
                        words.append(" %s=%s" % (key, type(item).__name__))
                    elif isinstance(item, str):
                        words.append(" %s=%s" % (key, item))
                    else:
                        children.append((key, item))
            elif isinstance(value, int) or value is not None:
                words.append(" %s=%s" % (key, value))
        self.out.append("".join(words))
        for key, value in children:
            self.node(key, value, depth + 1, placed)


def expected_tree(tree, text):
    dumper = Dumper(text)
    dumper.node(None, tree, 0)
    return dumper.out


def without_fstring_places(lines):
    """Drops the places below every JoinedStr."""
    limit = None
    for index, line in enumerate(lines):
        depth = len(line) - len(line.lstrip(" "))
        if limit is not None and depth <= limit:
            limit = None
        if limit is not None:
            lines[index] = PLACE.sub("", line, count=1)
        elif re.match(r" *(\w+: )?JoinedStr ", line):
            limit = depth
    return lines


def files_of(path, keep):
    path = pathlib.Path(path)
    if path.name.endswith((".tar.gz", ".tgz")):
        target = tempfile.TemporaryDirectory()
        keep.append(target)
        with tarfile.open(path) as archive:
            archive.extractall(target.name)
        path = pathlib.Path(target.name)
    return [path] if path.is_file() else sorted(path.rglob("*.py"))


def read(data):
    """The tree and text of a file, or None where CPython refuses it."""
    try:
        tree = ast.parse(data)
        encoding = tokenize.detect_encoding(io.BytesIO(data).readline)[0]
        return tree, data.decode(encoding), encoding
    except (SyntaxError, ValueError, RecursionError, MemoryError, LookupError, OverflowError):
        return None


def run_tool(tool, paths):
    result = subprocess.run([tool, *map(str, paths)], capture_output=True, check=False)
    if result.returncode:
        sys.exit("%s failed (%d) on %s\n%s" % (tool, result.returncode, paths, result.stderr.decode()[-2000:]))
    trees = []
    for tree in result.stdout.split(b"\f\n"):
        try:
            trees.append(tree.decode("utf-8", "surrogatepass"))
        except UnicodeDecodeError:  # of a file that CPython refuses
            trees.append(tree.decode("utf-8", "replace"))
    said = {}
    for line in result.stderr.decode("utf-8", "replace").splitlines():
        said.setdefault(line.split(":", 1)[0], []).append(line)
    return [tree.split("\n")[:-1] for tree in trees], said


def compare(tool, paths, show, refused):
    counts = {"same": 0, "different": 0, "refused by both": 0, "refused by CPython only": 0}
    with tempfile.TemporaryDirectory() as scratch:
        for start in range(0, len(paths), 40):
            group, inputs = paths[start : start + 40], []
            known = [read(path.read_bytes()) for path in group]
            for index, (path, answer) in enumerate(zip(group, known)):
                if answer and answer[2].lower() not in ("utf-8", "utf-8-sig", "ascii", "us-ascii"):
                    path = pathlib.Path(scratch) / ("%d.py" % (start + index))
                    path.write_bytes(answer[1].encode("utf-8"))
                inputs.append(path)
            trees, said = run_tool(tool, inputs + [inputs[0]])
            for path, given, answer, actual in zip(group, inputs, known, trees):
                diagnostics = said.get(str(given), [])
                if answer is None:
                    counts["refused by both" if diagnostics else "refused by CPython only"] += 1
                    if refused and not diagnostics:
                        print("read though CPython refuses:", path)
                    continue
                wanted = expected_tree(answer[0], answer[1].removeprefix("\ufeff"))
                if not FSTRING_PLACES:
                    actual = without_fstring_places(actual)
                if wanted == actual and not diagnostics:
                    counts["same"] += 1
                    continue
                counts["different"] += 1
                if counts["different"] > show:
                    continue
                print("different:", path, *diagnostics[:3], sep="\n    ")
                for index, line in enumerate(wanted + [None]):
                    other = actual[index] if index < len(actual) else None
                    if line != other:
                        print("    CPython:", line, "\n    ormc:   ", other)
                        break
    return counts


def speed(tool, paths):
    texts = [path.read_bytes() for path in paths]
    readable = [(path, text) for path, text in zip(paths, texts) if read(text)]
    size = sum(len(text) for _, text in readable)
    start = time.perf_counter()
    for _, text in readable:
        ast.parse(text)
    python = size / (time.perf_counter() - start) / 1e6
    result = subprocess.run(
        [tool, "--time", "3", *(str(path) for path, _ in readable)], capture_output=True, text=True, check=True
    )
    ours = float(re.search(r"([\d.]+) MB/s", result.stdout).group(1))
    print("ast.parse %.1f MB/s, ormc %.1f MB/s, ratio %.1f (%.1f MB)" % (python, ours, ours / python, size / 1e6))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--show", type=int, default=20, help="how many differences to print")
    parser.add_argument("--refused", action="store_true", help="list files that only CPython refuses")
    parser.add_argument("--stdlib", action="store_true")
    parser.add_argument("paths", nargs="*")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(20000)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    keep = []
    paths = [path for given in options.paths for path in files_of(given, keep)]
    if options.stdlib:
        paths += sorted(pathlib.Path(ast.__file__).parent.glob("*.py"))
    if options.speed:
        speed(options.tool, paths)
        return 0
    counts = compare(options.tool, paths, options.show, options.refused)
    print(", ".join("%s: %d" % item for item in counts.items()))
    return 1 if counts["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
