#!/usr/bin/env python3
"""The stages of scripts/test; see there for how it is called.

A stage is a function that gives an Outcome: how many cases passed, failed, were skipped, and one line that
says what was found. What a stage's programs print goes to build-logs/STAGE.log.
"""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree

import sources

ROOT = sources.ROOT
BUILD = ROOT / "build"
LOGS = ROOT / "build-logs"
JOBS = os.cpu_count() or 2
FUZZ_SECONDS = 20
_FAULT = re.compile(r"(^FAILED: |\berror: |ERROR: |: Failure$|^FAIL(ED)?\b|runtime error: |WARNING: ThreadSanitizer|"
                    r"SUMMARY: |^Traceback |does not compile alone)")


@dataclasses.dataclass
class Outcome:
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    line: str = ""

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped


class Failed(Exception):
    """A program of a stage failed; the text is its first fault."""

    def __init__(self, text, outcome=None):
        super().__init__(text)
        self.outcome = outcome or Outcome()


def first_fault(text):
    lines = text.splitlines()
    for at, line in enumerate(lines):
        if _FAULT.search(line):
            return "\n".join(lines[max(0, at - 3):at + 40])
    return "\n".join(lines[-40:])


class Log:
    """Runs a stage's programs and keeps what they print."""

    def __init__(self, stage):
        LOGS.mkdir(parents=True, exist_ok=True)
        self.path = LOGS / f"{stage}.log"
        self.path.write_bytes(b"")

    def run(self, *command, env=None, check=True, cwd=ROOT, timeout=3600):
        """Gives (exit code, output)."""
        command = [str(word) for word in command]
        try:
            run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=cwd, timeout=timeout,
                                 stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}, check=False)
            code, text = run.returncode, run.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as timed_out:
            code, text = 124, (timed_out.stdout or b"").decode("utf-8", "replace") + f"\nERROR: over {timeout} s\n"
        except OSError as error:
            code, text = 127, f"ERROR: {error}\n"
        with self.path.open("a") as out:
            out.write(f"$ {' '.join(command)}\n{text}\n(exit {code})\n")
        if check and code != 0:
            raise Failed(f"{' '.join(command[:6])} ended with {code}:\n{first_fault(text)}")
        return code, text


# ---------------------------------------------------------------- checks of the text


def stage_setup(log):
    _, text = log.run("scripts/setup")
    return Outcome(1, line=text.strip().splitlines()[-1].removeprefix("setup: "))


def stage_format(log):
    paths = sources.files(".h", ".cpp")
    log.run("clang-format", "--dry-run", "-Werror", *paths)
    return Outcome(1, line=f"{len(paths)} files as clang-format wants them")


def stage_layers(log):
    _, text = log.run(sys.executable, "scripts/checks/layers.py")
    return Outcome(1, line=text.strip())


def stage_headers(log):
    _, text = log.run(sys.executable, "scripts/checks/headers.py", BUILD, JOBS)
    return Outcome(1, line=text.strip())


def stage_tidy(log):
    _, text = log.run(sys.executable, "scripts/checks/tidy.py", BUILD, JOBS)
    return Outcome(1, line=text.strip().splitlines()[-1])


# ---------------------------------------------------------------- builds and their tests


def configure(log, build, *options, env=None):
    """Sets the build directory up, anew where it was set up with other options."""
    wanted, marker = " ".join(options), build / "stage-options"
    if (build / "build.ninja").is_file() and (not options or (marker.is_file() and marker.read_text() == wanted)):
        return
    shutil.rmtree(build, ignore_errors=True)
    log.run("meson", "setup", build, *options, env=env)
    marker.write_text(wanted)


def stage_build(log):
    configure(log, BUILD)
    _, text = log.run("ninja", "-C", BUILD)
    steps = re.findall(r"^\[(\d+)/\d+\]", text, re.MULTILINE)
    return Outcome(1, line=f"{steps[-1]} steps" if steps else "nothing to do")


def run_unit_tests(log, build, env=None, wrapper=()):
    """meson's tests, counted by gtest case where a test is made of them."""
    results = LOGS / f"{build.name}-gtest"
    shutil.rmtree(results, ignore_errors=True)
    code, text = log.run(*wrapper, "meson", "test", "-C", build, "--no-rebuild", "--print-errorlogs",
                         "--timeout-multiplier", 10, "--num-processes", JOBS, check=False,
                         env={"GTEST_OUTPUT": f"xml:{results}/", **(env or {})})
    outcome = Outcome()
    for path in sorted(results.glob("*.xml")):
        for case in xml.etree.ElementTree.parse(path).getroot().iter("testcase"):
            if case.find("skipped") is not None or case.get("result") == "skipped":
                outcome.skipped += 1
            elif case.find("failure") is not None:
                outcome.failed += 1
            elif case.get("status") == "run":
                outcome.passed += 1
    by_gtest = {path.stem for path in results.glob("*.xml")}
    for entry in (build / "meson-logs" / "testlog.json").read_text().splitlines():
        test = json.loads(entry)
        if pathlib.Path(test["command"][0]).name not in by_gtest:
            outcome.skipped += test["result"] == "SKIP"
            outcome.passed += test["result"] == "OK"
            outcome.failed += test["result"] not in ("OK", "SKIP")
    if code or outcome.passed == 0:
        raise Failed(first_fault(text), outcome)
    outcome.line = f"{outcome.passed} cases" + (f", {outcome.skipped} skipped" if outcome.skipped else "")
    return outcome


def stage_unit(log):
    return run_unit_tests(log, BUILD)


def run_e2e(log, names, weir, env=None, folder="tests/e2e"):
    """Each script is a unittest program; it says `Ran N tests` and what failed or was skipped."""
    outcome = Outcome()
    for name in names:
        begin = time.monotonic()
        code, text = log.run(sys.executable, f"{folder}/{name}.py", check=False, timeout=900,
                             env={"WEIR": str(weir), **(env or {})})
        ran = sum(int(n) for n in re.findall(r"^Ran (\d+) tests?", text, re.MULTILINE))
        skipped = sum(int(n) for n in re.findall(r"^(?:OK|FAILED) \(.*?skipped=(\d+)", text, re.MULTILINE))
        if code or ran == 0:
            bad = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", text))
            outcome.add(Outcome(max(0, ran - skipped - bad), bad, skipped))
            raise Failed(f"{folder}/{name}.py ended with {code} ({ran} cases):\n{first_fault(text)}", outcome)
        outcome.add(Outcome(ran - skipped, 0, skipped))
        print(f"      {name}: {ran - skipped} cases, {time.monotonic() - begin:.0f} s", flush=True)
    outcome.line = f"{outcome.passed} cases" + (f", {outcome.skipped} skipped" if outcome.skipped else "")
    return outcome


def stage_e2e(log):
    names = sorted(path.stem for path in (ROOT / "tests/e2e").glob("*_test.py"))
    return run_e2e(log, names, BUILD / "src/weir")


def stage_peers(log):
    """Peers that Debian does not have are built or fetched: minutes, and a network."""
    for tool, whose in (("go", "CoreDNS is built with Go"), ("mvn", "Kafka is fetched with Maven"),
                        ("java", "Kafka runs on Java 17")):
        if not shutil.which(tool):
            raise Failed(f"{whose}, and there is no `{tool}`; install it")
    names = sorted(path.stem for path in (ROOT / "tests/peers").glob("*_test.py"))
    return run_e2e(log, names, BUILD / "src/weir", folder="tests/peers")


def stage_asan(log):
    build = ROOT / "build-asan"
    configure(log, build, "-Db_sanitize=address,undefined", "-Doptimization=0", "-Dbenchmarks=false", "-Db_lundef=false")
    log.run("ninja", "-C", build)
    env = {"ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
           "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"}
    outcome = run_unit_tests(log, build, env)
    smoke = run_e2e(log, ["malformed_test"], build / "src/weir", {**env, "WEIR_SANITIZED": "1"})
    outcome.add(smoke)
    outcome.line += f", and {smoke.line} of hostile files end to end"
    return outcome


def stage_tsan(log):
    build = ROOT / "build-tsan"
    # librdkafka starts its threads with thrd_create(), which g++ 12's TSan does not see: they crash in it.
    configure(log, build, "-Db_sanitize=thread", "-Doptimization=0", "-Dbenchmarks=false", "-Db_lundef=false",
              "-Dkafka=disabled")
    log.run("ninja", "-C", build)
    # TSan's shadow needs a memory layout that many bits of address randomisation break.
    plain = log.run("setarch", "-R", "true", check=False)[0] == 0
    return run_unit_tests(log, build, {"TSAN_OPTIONS": "halt_on_error=1"}, ("setarch", "-R") if plain else ())


def stage_fuzz(log):
    build = ROOT / "build-fuzz"
    configure(log, build, "-Dfuzzers=true", "-Dtests=true", "-Dbenchmarks=false", "-Db_sanitize=address,undefined",
              "-Db_lundef=false", "-Doptimization=1", "-Dcpp_args=-Wno-sign-conversion",  # g++ means less by -Wconversion
              env={"CXX": "clang++"})
    targets = sorted(path.stem for path in (ROOT / "tests/fuzz").glob("*_fuzz.cpp"))
    if not targets:
        raise Failed("tests/fuzz has no *_fuzz.cpp")
    log.run("ninja", "-C", build, *(f"tests/fuzz/{name}" for name in targets))
    log.run(sys.executable, "scripts/checks/fuzz_seeds.py", build / "seeds")

    def fuzz(name):
        found, artifacts = build / "found" / name, build / "artifacts" / name
        for folder in (found, artifacts):
            folder.mkdir(parents=True, exist_ok=True)
        seeds = build / "seeds" / name.removesuffix("_fuzz")
        command = [build / "tests/fuzz" / name, f"-max_total_time={FUZZ_SECONDS}", "-timeout=10", "-rss_limit_mb=2048",
                   "-print_final_stats=1", f"-artifact_prefix={artifacts}/", found]
        code, text = log.run(*command, *([seeds] if seeds.is_dir() else []), check=False, timeout=600,
                             env={"UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1"})
        runs = re.search(r"stat::number_of_executed_units: (\d+)", text)
        return name, code, text, int(runs[1]) if runs else 0

    total = 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for name, code, text, runs in pool.map(fuzz, targets):
            if code:
                raise Failed(f"{name} found an input that fails, kept in {build.name}/artifacts/{name}:\n{first_fault(text)}")
            total += runs
    return Outcome(len(targets), line=f"{len(targets)} fuzzers, {FUZZ_SECONDS} s each, {total} inputs")


STAGES = {
    "setup": stage_setup,
    "format": stage_format,
    "layers": stage_layers,
    "build": stage_build,
    "headers": stage_headers,
    "unit": stage_unit,
    "e2e": stage_e2e,
    "asan": stage_asan,
    "tsan": stage_tsan,
    "fuzz": stage_fuzz,
    "tidy": stage_tidy,
    "peers": stage_peers,
}
ASKED_FOR = ("peers",)
QUICK = ("setup", "build", "unit")


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--only", action="append", choices=list(STAGES), default=[])
    args = parser.parse_args()
    if args.list:
        print("\n".join(STAGES))
        return 0
    names = args.only or (list(QUICK) if args.quick else [name for name in STAGES if name not in ASKED_FOR])
    names += ["peers"] if args.peers and "peers" not in names else []
    total = Outcome()
    for number, name in enumerate(names, 1):
        print(f"{number:2}/{len(names)} {name} …", flush=True)
        begin = time.monotonic()
        try:
            outcome = STAGES[name](Log(name))
        except Failed as fault:
            outcome = fault.outcome
            outcome.failed = max(1, outcome.failed)
            outcome.line = "FAILED"
            print(fault, flush=True)
        total.add(outcome)
        print(f"{number:2}/{len(names)} {name}: {outcome.line} ({time.monotonic() - begin:.1f} s)", flush=True)
        if outcome.failed:
            print(f"The whole log: {(LOGS / name).relative_to(ROOT)}.log")
            break
    print(f"{total.passed} passed, {total.failed} failed" + (f", {total.skipped} skipped" if total.skipped else ""))
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
