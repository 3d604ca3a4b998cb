#!/bin/bash
# Manual pages of every command and program and completions for three shells, from what these themselves print.
# Usage: spoken.sh FAULTLINE FOLDER VERSION
set -euo pipefail
faultline=$1 folder=$2 version=$3
rm -rf "$folder"
mkdir -p "$folder/man1" "$folder/as"
export PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 COLUMNS=400

# help2man names the page after the program it runs, and wants a capital "Usage".
page() { # NAME HELP...: faultline's page, or a command's
    local name=$1
    shift
    local help
    help=$("$@" --help) || { echo "spoken.sh: $* --help fails" >&2; exit 1; }
    help=${help/#usage:/Usage:}
    help=${help//±/+/-} # help2man takes each byte beyond ASCII for a character
    printf '#!/bin/sh\ncat <<"END-OF-HELP"\n%s\nEND-OF-HELP\n' "$help" >"$folder/as/$name"
    chmod +x "$folder/as/$name"
    # What it is: the first clause that is not the usage.
    local what
    what=$(sed -n '/^Usage:/d; s/^faultline: //; /./{s/[.:;] .*//; s/\.$//; p; q}' <<<"$help")
    help2man --no-info --no-discard-stderr --section=1 --manual="faultline" --source="faultline $version" \
        --version-string="$version" --name="$what" "$folder/as/$name" >"$folder/man1/$name.1"
}

page faultline "$faultline"
# The commands: the built-in ones stand under "Subcommands:", the others under "Further commands".
mapfile -t commands < <("$faultline" --help | awk '
    /^(Subcommands:|Further commands)/ { inside = 1; next }
    /^$/ { inside = 0 }
    inside && /^  [a-z]/ { print $1 }')
[ ${#commands[@]} -ge 10 ] || { echo "spoken.sh: faultline --help lists no commands" >&2; exit 1; }
for command in "${commands[@]}"; do
    page "faultline-$command" "$faultline" "$command"
done
for program in worker check ordeal app; do # which it starts, and people may
    page "faultline-$program" "${faultline%/*}/faultline-$program"
done
for shell in bash zsh fish; do
    "$faultline" completion $shell >"$folder/faultline.$shell"
done
rm -r "$folder/as"
