#!/usr/bin/env python3
"""Each header compiles alone, and twice in a row. usage: headers.py BUILD_DIR [JOBS]

The flags of a header are those of the files of its folder in BUILD_DIR/compile_commands.json. A header whose
text and own includes have passed before is skipped.
"""
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys

import sources

DROPPED_WITH_VALUE = {"-o", "-MF", "-MQ", "-MT"}
DROPPED = {"-c", "-MD", "-MMD", "-MP"}


def flags_of(command):
    """A compile command without compiler, output, dependency files and source."""
    words = shlex.split(command)
    while words[0].endswith("ccache"):
        words = words[1:]
    kept, skip = [], False
    for word in words[1:-1]:
        if skip:
            skip = False
        elif word in DROPPED_WITH_VALUE:
            skip = True
        elif word not in DROPPED:
            kept.append(word)
    return kept


def main():
    build = pathlib.Path(sys.argv[1])
    jobs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    by_folder, by_wing = {}, {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if not source.is_relative_to(sources.ROOT) or source.is_relative_to(build.resolve()):
            continue
        folder = source.relative_to(sources.ROOT).parent
        value = (entry["directory"], flags_of(entry["command"]))
        by_folder.setdefault(folder, value)
        by_wing.setdefault(folder.parts[0], value)
    passed = sources.Passed(build / "checks" / "headers.passed")

    def check(header):
        found = by_folder.get(header.parent) or by_wing.get(header.parts[0]) or by_wing.get("src") or by_wing["core"]
        directory, flags = found
        mark = sources.fingerprint(sources.closure(header), shlex.join(flags))
        if mark in passed:
            return None
        text = f'#include "{header}"\n#include "{header}"\n'
        command = ["g++", *flags, "-Wno-unused", "-fsyntax-only", "-x", "c++", "-"]
        run = subprocess.run(command, input=text, text=True, capture_output=True, cwd=directory)
        if run.returncode:
            return f"{header} does not compile alone:\n{run.stderr}"
        passed.add(mark)
        return None

    headers = sources.files(".h")
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        faults = [fault for fault in pool.map(check, headers) if fault]
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    print(f"{len(headers)} headers compile alone")


if __name__ == "__main__":
    main()
