#!/bin/bash
# Real programs do the same with the library preloaded as without, and the invariants hold when they end.
# Usage: programs_test.sh LIBRARY
library=$1
status=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

# same NAME COMMAND...: standard output and exit status must agree; standard error must be empty with the library.
same() {
    local name=$1
    shift
    "$@" >plain.out 2>/dev/null
    local plain=$?
    SLABUDDY_OPTIONS=check LD_PRELOAD=$library "$@" >with.out 2>with.err
    local with=$?
    if [ $plain -ne $with ] || ! cmp -s plain.out with.out || [ -s with.err ]; then
        echo "FAIL: $name: status $plain without, $with with the library; $(head -c 300 with.err)"
        status=1
    fi
}

# need PROGRAM: false, and a line that says so, when it is not installed.
need() {
    command -v "$1" >/dev/null || { echo "left out: $1 is not installed"; return 1; }
}

same true /bin/true
# shellcheck disable=SC2016 # the inner bash expands them
same bash bash -c 'for i in {1..3000}; do a[$i]="$i$i"; done; echo "${#a[@]} ${a[@]}" | wc -c; echo $(seq 1 500)'
same sort sh -c 'seq 1 60000 | sort -r --parallel=2 | md5sum'

if need git; then
    git init -q repository && cd repository || exit 1
    seq 1 5000 >file
    git add file
    git -c user.name=test -c user.email=test@example.org commit -qm one
    same git git log --stat --format=%s
    same git-grep git grep -c 77
    cd .. || exit 1
fi

python='import json, re, threading
def work(out):
    data = {str(i): list(range(i % 50)) for i in range(3000)}
    out.append(len(json.dumps(data)) + len(re.findall("[0-9]+", json.dumps(data))))
results = []
threads = [threading.Thread(target=work, args=(results,)) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(results)'
if need python3; then
    same python3 python3 -c "$python"
    same "python3 with PYTHONMALLOC=malloc" env PYTHONMALLOC=malloc python3 -c "$python"
fi

if need g++; then
    cat >source.cpp <<'SOURCE'
#include <algorithm>
#include <iostream>
#include <map>
#include <string>
#include <vector>
int main() {
    std::map<std::string, std::vector<int>> all;
    for (int i = 0; i < 1000; ++i) all[std::to_string(i % 37)].push_back(i);
    for (auto& [name, values] : all) { std::sort(values.rbegin(), values.rend()); std::cout << name << values[0] << '\n'; }
}
SOURCE
    same g++ g++ -std=c++17 -O1 -S -o - source.cpp
fi
exit $status
