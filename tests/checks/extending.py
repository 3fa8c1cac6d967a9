#!/usr/bin/env python3
"""extending.py [BUILD]: does what docs/extending.md says, and shows that it works.

A copy of the tree in BUILD/tree (default build/extending) gets the document's blocks (`append PATH`, `create PATH`), is
built, and runs the `console` blocks; what they print must be what the document shows. The copy is only brought up to date,
so that a second run builds what has changed. Each section may change three files that exist, the databases' own tables
among them.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.M)
CHANGED_FILES = 3


def sections():
    """(title, [(words of the info string, text)])"""
    text = (ROOT / "docs/extending.md").read_text()
    for part in re.split(r"^## ", text, flags=re.M)[1:]:
        yield part.split("\n", 1)[0], [(m[1].split(), m[2]) for m in FENCE.finditer(part)]


def tree_files():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        return [name for name in listed.stdout.split("\n") if name and (ROOT / name).is_file()]
    found = (path for path in ROOT.rglob("*") if path.is_file())
    names = (path.relative_to(ROOT) for path in found)
    return [str(name) for name in names if name.parts[0] not in ("build", ".git")]


def extended_tree():
    """{path: bytes} of the tree with all blocks applied."""
    files = {name: (ROOT / name).read_bytes() for name in tree_files()}
    for title, blocks in sections():
        changed = set()
        for words, text in blocks:
            if words[1:2] == ["create"]:
                assert words[2] not in files, f"{title}: {words[2]} is there already"
                files[words[2]] = text.encode()
            elif words[1:2] == ["append"]:
                assert words[2] in files, f"{title}: there is no {words[2]}"
                files[words[2]] += text.encode()
                changed.add(words[2])
        assert len(changed) <= CHANGED_FILES, f"{title}: changes {sorted(changed)}"
    return files


def bring_up_to_date(tree, files):
    for path in list(tree.rglob("*")) if tree.exists() else []:
        if path.is_file() and str(path.relative_to(tree)) not in files:
            path.unlink()
    for name, content in files.items():
        path = tree / name
        if path.exists() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod((ROOT / name).stat().st_mode if (ROOT / name).exists() else 0o644)


def build(tree, folder):
    launcher = [f"-DCMAKE_C_COMPILER_LAUNCHER={os.environ['ORMC_LAUNCHER']}"] if "ORMC_LAUNCHER" in os.environ else []
    configure = ["cmake", "-S", tree, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Debug", "-DORMC_TESTS=OFF",
                 "-DORMC_EXECUTORS=OFF", *launcher]
    for command in configure, ["cmake", "--build", folder, "--target", "ormc"]:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{' '.join(map(str, command))}\n{done.stdout[-4000:]}{done.stderr[-2000:]}")


def sessions(text):
    """[(command, output)] of a console block."""
    for part in re.split(r"^\$ ", text, flags=re.M)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/extending").resolve()
    tree = folder / "tree"
    bring_up_to_date(tree, extended_tree())
    build(tree, folder / "build")
    ran = wrong = 0
    for title, blocks in sections():
        for words, text in blocks:
            for command, output in sessions(text) if words == ["console"] else []:
                arguments = shlex.split(command)
                assert arguments[0] == "ormc", command
                done = subprocess.run([folder / "build/ormc", *arguments[1:]], cwd=tree, capture_output=True, text=True)
                ran += 1
                if (done.stdout + done.stderr).strip() != output.strip():
                    wrong += 1
                    print(f"{title}: {command}\nthe document says\n{output}ormc says\n{done.stdout}{done.stderr}")
    print(f"extending.md: {ran} commands, {wrong} otherwise than shown")
    return wrong or not ran


if __name__ == "__main__":
    sys.exit(main())
