"""The rows of README.md, confirmed: each program holds on the C library and not on the version named.

Usage: findings_test.py STRESS_CONFIRM FAULTLINE. A version that is not installed is told and passed over.
"""

import os
import subprocess
import sys

from known import rows

SECONDS = 90


def installed(faultline):
    """The library of each allocator, by name and version as the table has them."""
    lines = subprocess.run(
        [faultline, "list", "allocators"], capture_output=True, text=True, check=True
    ).stdout
    found = {}
    for line in lines.splitlines()[1:]:
        words = line.split()
        if words and words[-1].startswith("/"):
            found[words[0], " ".join(words[1:-1]).split("-")[0]] = words[-1]
    return found


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
    libraries = installed(faultline)
    wrong = []
    tried = 0
    for name, version, case, sometimes in sorted({row.confirmation() for row in rows()}):
        if not holds(program, case, ""):
            wrong.append(f"{case} does not hold on the C library")
        library = libraries.get((name, version))
        if library is None:
            print(f"{name} {version} is not installed")
        elif holds(program, case, library) and not sometimes:
            wrong.append(f"{case} holds on {name} {version}: the table says that it does not")
        else:
            tried += 1
            print(f"{name} {version}: {case}: {'may fail' if sometimes else 'fails, as the table says'}")
    print("\n".join(wrong))
    return 1 if wrong or tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
