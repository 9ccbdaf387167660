#!/usr/bin/env python3
"""Folders are roles and arrows point down: src -> {dataplane, decoder, exporters} -> core.

Fails where an include points up or sideways, where files include each other in a circle, where rte_* stands
outside dataplane/ and core/ring.cpp, where an own file is not named from the root, or where a header lacks
`#pragma once`. tests/ may include everything.
"""
import sys

import sources

MAY_INCLUDE = {
    "core": {"core"},
    "dataplane": {"core", "dataplane"},
    "decoder": {"core", "decoder"},
    "exporters": {"core", "exporters"},
    "src": {"core", "dataplane", "decoder", "exporters", "src"},
    "tests": set(sources.WINGS),
}
DPDK_ALLOWED = ("core/ring.cpp", "tests/core/ring_bench.cpp")
GENERATED = (".pb.h",)


def faults_of(path):
    wing = path.parts[0]
    if path.suffix == ".h" and "#pragma once" not in (sources.ROOT / path).read_text(encoding="utf-8"):
        yield f"{path}: has no #pragma once"
    for line, quoted, name in sources.includes(path):
        where = f"{path}:{line}"
        if name.startswith("rte_") and "dataplane" not in path.parts[:2] and str(path) not in DPDK_ALLOWED:
            yield f"{where}: includes {name}; DPDK's headers belong in dataplane/ and core/ring.cpp only"
        if not quoted or name.endswith(GENERATED):
            continue
        if not (sources.ROOT / name).is_file():
            yield f'{where}: "{name}" is not a file of the tree; own files are named from the root, others in <>'
            continue
        target = name.split("/")[0]
        if target not in MAY_INCLUDE[wing]:
            yield f"{where}: {wing}/ may not include {target}/ ({name}); arrows point down"


def circles():
    """Each circle of includes once, as text."""
    done, trail = set(), []

    def visit(path):
        if path in trail:
            yield " -> ".join(str(p) for p in [*trail[trail.index(path):], path])
            return
        if path in done:
            return
        done.add(path)
        trail.append(path)
        for target in sources.own_includes(path):
            yield from visit(target)
        trail.pop()

    for path in sources.files(".h", ".cpp"):
        yield from visit(path)


def main():
    paths = sources.files(".h", ".cpp")
    faults = [fault for path in paths for fault in faults_of(path)]
    faults += [f"circle of includes: {circle}" for circle in circles()]
    for fault in faults:
        print(fault)
    if faults:
        sys.exit(1)
    print(f"{len(paths)} files, no include points up, sideways or in a circle")


if __name__ == "__main__":
    main()
