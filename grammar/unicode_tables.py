#!/usr/bin/env python3
"""Writes the tables of this folder that are called unicode_*.def from Python's `unicodedata`.

    grammar/unicode_tables.py [perl's unicore/Name.pl, for the aliases of names]

Run it when the version of Unicode changes; the files are part of the repository, so that a build needs
neither Python nor the Unicode database.
"""
import pathlib
import sys
import unicodedata

HERE = pathlib.Path(__file__).parent
LAST = 0x10FFFF
ALGORITHMIC = (
    "CJK UNIFIED IDEOGRAPH-",
    "CJK COMPATIBILITY IDEOGRAPH-",
    "TANGUT IDEOGRAPH-",
    "NUSHU CHARACTER-",
    "KHITAN SMALL SCRIPT CHARACTER-",
)


def characters():
    return (chr(code) for code in range(0x80, LAST + 1) if not 0xD800 <= code < 0xE000)


def ranges(codes):
    found = []
    for code in codes:
        if found and found[-1][1] + 1 == code:
            found[-1][1] = code
        else:
            found.append([code, code])
    return found


def hash_name(name):
    value = 2166136261
    for byte in name.encode():
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def utf8(text):
    return '"' + "".join("\\x%02x" % byte for byte in text.encode()) + '"'


def write(name, comment, lines):
    head = ["/* " + comment[0]] + [" * " + line for line in comment[1:]]
    (HERE / name).write_text("\n".join(head) + " */\n" + "\n".join(lines) + "\n")


def packed(rows):
    line = ""
    for row in rows:
        if line and len(line) + len(row) + 1 > 118:
            yield line
            line = ""
        line += (" " if line else "") + row
    yield line


def letters():
    first = [ord(c) for c in characters() if c.isidentifier()]
    other = [ord(c) for c in characters() if ("a" + c).isidentifier() and not c.isidentifier()]
    rows = ["BEGINS(0x%X, 0x%X)" % tuple(r) for r in ranges(first)] + ["FOLLOWS(0x%X, 0x%X)" % tuple(r) for r in ranges(other)]
    write(
        "unicode_letters.def",
        [
            "Characters beyond ASCII of identifiers, Unicode %s, from unicode_tables.py: BEGINS(first, last) may begin"
            % unicodedata.unidata_version,
            "one, FOLLOWS(first, last) may only follow. Each kind in order.",
        ],
        packed(rows),
    )


def compat():
    single, several = [], []
    for c in characters():
        plain = unicodedata.normalize("NFKC", c)
        if plain == c or not ("a" + c).isidentifier():
            continue
        if len(plain) > 1:
            several.append((ord(c), plain))
        elif single and single[-1][0] + single[-1][2] == ord(c) and single[-1][1] + single[-1][2] == ord(plain):
            single[-1][2] += 1
        else:
            single.append([ord(c), ord(plain), 1])
    pairs = []
    for c in characters():
        parts = unicodedata.decomposition(c).split()
        if len(parts) == 2 and parts[0][0] != "<" and unicodedata.normalize("NFC", c) == c:
            pairs.append((int(parts[0], 16), int(parts[1], 16), ord(c)))
    rows = ["RUN(0x%X, 0x%X, %d)" % tuple(r) for r in single]
    rows += ["TEXT(0x%X, %s)" % (code, utf8(text)) for code, text in several]
    rows += ["PAIR(0x%X, 0x%X, 0x%X)" % p for p in sorted(pairs)]
    write(
        "unicode_compat.def",
        [
            "Identifiers in normal form (NFKC), Unicode %s, from unicode_tables.py: RUN(first, replacement, count),"
            % unicodedata.unidata_version,
            "TEXT(character, UTF-8), PAIR(base, mark, composed). Each kind in order.",
        ],
        packed(rows),
    )


def aliases(path):
    entries = {}
    for record in pathlib.Path(path).read_text().replace("END';\n", "\n\n").split("\n\n"):
        code, _, name = record.strip().partition("\n")
        if " " in code or not name:
            continue
        try:
            code = int(code, 16)
            if unicodedata.lookup(name) == chr(code) and unicodedata.name(chr(code), "") != name:
                entries[name] = code
        except (ValueError, KeyError):
            continue
    return entries


def names(alias_file):
    named = {}
    for code in range(LAST + 1):
        name = unicodedata.name(chr(code), "")
        if name and not name.startswith(ALGORITHMIC) and not name.startswith("HANGUL SYLLABLE "):
            named[code] = name
    others = aliases(alias_file) if alias_file else {}
    hashes = [hash_name(name) for name in [*named.values(), *others]]
    assert len(set(hashes)) == len(hashes), "two names share a hash: choose another one"
    rows = []
    for prefix in ALGORITHMIC:
        codes = [code for code in range(LAST + 1) if unicodedata.name(chr(code), "") == prefix + "%04X" % code]
        rows += ['NUMBERED("%s", 0x%X, 0x%X)' % (prefix, *r) for r in ranges(codes)]
    rows += ["RANGE(0x%X, 0x%X)" % tuple(r) for r in ranges(named)]
    rows += ["ALIAS(0x%X, 0x%X)" % (hash_name(name), code) for name, code in sorted(others.items())]
    write(
        "unicode_names.def",
        [
            "Characters by name, Unicode %s, from unicode_tables.py. Those of every RANGE(first, last), one after the"
            % unicodedata.unidata_version,
            "other, have their hashes in unicode_hashes.def; ALIAS(hash, character); NUMBERED(prefix, first, last): names",
            "that end in the number.",
        ],
        packed(rows),
    )
    write(
        "unicode_hashes.def",
        ["FNV-1a of the names of the characters in unicode_names.def. No two are the same."],
        packed("0x%X," % hash_name(name) for name in named.values()),
    )


if __name__ == "__main__":
    letters()
    compat()
    names(sys.argv[1] if len(sys.argv) > 1 else None)
