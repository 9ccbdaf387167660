#!/usr/bin/env python3
"""clang-tidy over the product's .cpp files (tests are left out: GoogleTest's macros take most of the time and of
the warnings); warnings are errors. usage: tidy.py BUILD_DIR [JOBS] [FILE…]

A file is skipped where the same text (its own, that of all own headers it includes, .clang-tidy, its flags,
clang-tidy's version) has passed before. The first file with a warning ends the run.
"""
import concurrent.futures
import json
import pathlib
import subprocess
import sys

import sources

PRODUCT = tuple(wing for wing in sources.WINGS if wing != "tests")


def main():
    build = pathlib.Path(sys.argv[1])
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    only = {pathlib.Path(name).resolve() for name in sys.argv[3:]}
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, text=True, check=True).stdout
    config = (sources.ROOT / ".clang-tidy").read_text()
    passed = sources.Passed(build / "checks" / "tidy.passed")
    todo = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if path.is_relative_to(sources.ROOT) and path.relative_to(sources.ROOT).parts[0] in PRODUCT:
            todo[path] = entry["command"]
    if only:
        todo = {path: command for path, command in todo.items() if path in only}
    stop = False

    def check(path, command):
        nonlocal stop
        own = sources.closure(path.relative_to(sources.ROOT))
        mark = sources.fingerprint(own, config, version, command)
        if mark in passed:
            return "known", ""
        if stop:
            return "left", ""
        run = subprocess.run(["clang-tidy", "--quiet", "-p", str(build), str(path)], capture_output=True, text=True)
        if run.returncode:
            stop = True
            return "fault", run.stdout or run.stderr
        passed.add(mark)
        return "clean", ""

    counts = {"known": 0, "clean": 0, "left": 0, "fault": 0}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for verdict, text in pool.map(lambda item: check(*item), sorted(todo.items())):
            counts[verdict] += 1
            if text:
                print(text)
    if counts["fault"]:
        print(f"{counts['fault']} files with warnings, {counts['left']} not looked at")
        sys.exit(1)
    print(f"{len(todo)} files clean ({counts['known']} unchanged since they passed)")


if __name__ == "__main__":
    main()
