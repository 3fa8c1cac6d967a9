#!/bin/sh
# Each folder's README.md names every source file of the folder.
cd "$(dirname "$0")/../.." || exit 1
failed=0
for folder in $(git ls-files | grep -E '\.(c|h|def|l|y)$' | xargs -n1 dirname | sort -u); do
    [ "$folder" = tests/unit ] && continue
    if [ ! -f "$folder/README.md" ]; then
        echo "$folder has no README.md"
        failed=1
        continue
    fi
    for file in "$folder"/*.c "$folder"/*.h "$folder"/*.def "$folder"/*.l "$folder"/*.y; do
        [ -f "$file" ] || continue
        name=$(basename "$file")
        stem=${name%.*}
        grep -qE "(^|[^A-Za-z0-9_])($name|$stem(\.\*|\.\{|\.\[))" "$folder/README.md" && continue
        echo "$folder/README.md does not name $name"
        failed=1
    done
done
exit $failed
