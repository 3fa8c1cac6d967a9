#!/usr/bin/env python3
"""inputs.py FOLDER: first inputs and a dictionary for the fuzz targets, from what the tree itself says.

The cases of the golden files become FOLDER/program/ (models, a line "#---", query) and FOLDER/pipeline/ (the query alone);
the identifiers of their Python and the names in the tables of lookups, functions, fields and types become
FOLDER/words.dict.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.M)
TABLES = {
    "compiler/django/lookups.def": r"^LOOKUP\((\w+)",
    "compiler/django/functions.def": r"^FN(?:_CHECKED)?\((\w+)",
    "compiler/django/postgres_functions.def": r"^\w+\((\w+)",
    "compiler/django/fields.def": r"^FIELD\(\w+, (\w+)",
    "compiler/sqlalchemy/types.def": r'^T\(\w+, "(\w+)"',
    "compiler/sqlalchemy/operators.def": r'^P\(\w+, "(\w+)"',
}
# The first byte of an input chooses the dialect.
DIALECTS = b"0123"


def cases():
    for path in sorted((ROOT / "tests/golden").rglob("*.md")):
        models = ""
        for match in FENCE.finditer(path.read_text()):
            words, text = match[1].split(), match[2]
            if words[:2] == ["python", "models"]:
                models = text
            elif words == ["python"]:
                yield models, text


def main(folder):
    words = set()
    for table, pattern in TABLES.items():
        words.update(re.findall(pattern, (ROOT / table).read_text(), re.M))
    lookups = re.findall(TABLES["compiler/django/lookups.def"], (ROOT / "compiler/django/lookups.def").read_text(), re.M)
    words.update(f"__{name}=" for name in lookups)
    for target in ("pipeline", "program"):
        (folder / target).mkdir(parents=True, exist_ok=True)
    for number, (models, query) in enumerate(cases()):
        first = DIALECTS[number % 4 : number % 4 + 1]
        (folder / f"pipeline/golden{number:04}").write_bytes(first + query.encode())
        (folder / f"program/golden{number:04}").write_bytes(first + f"{models}#---\n{query}".encode())
        words.update(re.findall(r"[A-Za-z_]{3,}", models + query))
    (folder / "words.dict").write_text("".join(f'"{word}"\n' for word in sorted(words)))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
