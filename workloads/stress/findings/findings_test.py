"""The entries of known.toml, confirmed: each program holds on the C library and not on the version named.

Usage: findings_test.py STRESS_CONFIRM FAULTLINE. A version that is not installed is told and passed over.
"""

import fnmatch
import os
import pathlib
import subprocess
import sys
import tomllib

SECONDS = 90


def confirmations():
    """Allocator, version, case, and whether the program may hold all the same, each once."""
    with (pathlib.Path(__file__).parent / "known.toml").open("rb") as file:
        findings = tomllib.load(file)["finding"]
    found = {}
    for one in findings:
        if case := one.get("confirmed_by"):
            key = one["allocator"], one["version"], case
            found[key] = found.get(key, False) or one.get("sometimes", False)
    return [(*key, sometimes) for key, sometimes in sorted(found.items())]


def installed(faultline):
    """Name, version and library of each allocator."""
    lines = subprocess.run(
        [faultline, "list", "allocators"], capture_output=True, text=True, check=True
    ).stdout
    for line in lines.splitlines()[1:]:
        words = line.split()
        if words and words[-1].startswith("/"):
            yield words[0], " ".join(words[1:-1]), words[-1]


def holds(program, case, library):
    environment = dict(os.environ, LD_PRELOAD=library)
    try:
        done = subprocess.run(
            [program, case], env=environment, capture_output=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main():
    program, faultline = sys.argv[1:]
    libraries = list(installed(faultline))
    wrong = []
    tried = 0
    for name, version, case, sometimes in confirmations():
        if not holds(program, case, ""):
            wrong.append(f"{case} does not hold on the C library")
        here = [
            path for known, says, path in libraries if known == name and fnmatch.fnmatchcase(says, version)
        ]
        if not here:
            print(f"{name} {version} is not installed")
        elif holds(program, case, here[0]) and not sometimes:
            wrong.append(f"{case} holds on {name} {version}: the table says that it does not")
        else:
            tried += 1
            print(f"{name} {version}: {case}: {'may fail' if sometimes else 'fails, as the table says'}")
    print("\n".join(wrong))
    return 1 if wrong or tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
