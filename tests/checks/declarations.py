#!/usr/bin/env python3
"""What a header of the tree declares is used by more than the one file that defines it: what a single file needs is
static there, and what nobody needs goes. Functions, variables and inline functions are looked at; a use in a header's
inline function or macro counts, so does one in the tests.

Example: `bool text_is_blank(Slice text);` in slice.h, named in slice.c alone, fails with
"compiler/base/slice.h: text_is_blank is used in compiler/base/slice.c alone".
"""
import collections
import os
import re
import subprocess
import sys

FUNCTION = re.compile(r"^(?!static\b|typedef\b|extern\b|#|\s)[A-Za-z_][\w\s*]*?[\s*]([a-z_]\w*)\([^;{}]*\)[^;{}()]*"
                      r"(?:__attribute__\s*\(\(.*?\)\)\s*)?;", re.M)
VARIABLES = re.compile(r"^extern ([^;(]*);", re.M)
INLINE = re.compile(r"^static inline [^;{]*?(\w+)\(", re.M)
DECLARATOR = re.compile(r"(\w+)(?:\[[^\]]*\])*(?:,|$)")

# Defined by the build from other files, or found by a name that a macro puts together.
DEFINED_ELSEWHERE = {
    "contrib_sources",    # compiler/django/contrib/embed.cmake
    "sqlalchemy_family",  # compiler/families.def
}


def stripped(path):
    text = open(path, encoding="utf-8").read()
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def declared(text):
    names = FUNCTION.findall(text) + INLINE.findall(text)
    for variables in VARIABLES.findall(text):
        names += DECLARATOR.findall(variables)
    return names


def main():
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    listed = subprocess.check_output(["git", "ls-files"], text=True).split("\n")
    texts = {path: stripped(path) for path in listed if re.search(r"\.(c|h|l|y|def)$", path) and os.path.exists(path)}
    users = collections.defaultdict(set)
    for path, text in texts.items():
        for name in set(re.findall(r"[A-Za-z_]\w*", text)):
            users[name].add(path)
    failed = False
    for header in sorted(path for path in texts if path.endswith(".h") and not path.startswith(("include/", "tests/"))):
        for name in declared(texts[header]):
            others = users[name] - {header}
            elsewhere = name in DEFINED_ELSEWHERE or len(re.findall(rf"\b{name}\b", texts[header])) > 1
            if len(others) + elsewhere > 1 or (elsewhere and others):
                continue
            print(f"{header}: {name} is used in {others.pop()} alone" if others else f"{header}: {name} is not used")
            failed = True
    return failed


if __name__ == "__main__":
    sys.exit(main())
