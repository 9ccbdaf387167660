"""Starts the program under test, reads its metrics and its final balance.

The environment says which program: WEIR (default build/src/weir). WEIR_SANITIZED=1: it is slower.
"""
import atexit
import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
WEIR = os.environ.get("WEIR", str(ROOT / "build/src/weir"))
SLOWNESS = 5 if os.environ.get("WEIR_SANITIZED") else 1
DATA = ROOT / "tests/data"
_SAMPLE = re.compile(r"^([a-z_]+)(?:\{(.*)\})? (\S+)$")
_LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')


def corpus():
    """The whole corpus where there is one, else None."""
    named = os.environ.get("WEIR_CORPUS")
    path = pathlib.Path(named) if named else ROOT.parent / "shared/corpus"
    return path if path.is_dir() else None


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, what, seconds=20.0):
    """Polls until condition() is true and gives its value. `what` may be a function: it is called on failure."""
    end = time.monotonic() + seconds * SLOWNESS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds * SLOWNESS:.0f} s for {what() if callable(what) else what}")
        time.sleep(0.02)


def read_lines(data):
    """JSON lines, strictly: UTF-8, one object a line, no NaN, each line ended."""
    if isinstance(data, (str, pathlib.Path)):
        path = pathlib.Path(data)
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if data and not data.endswith(b"\n"):
        raise AssertionError(f"the last line is not ended: {data[-200:]!r}")

    def refuse(name):
        raise ValueError(f"{name} is not JSON")

    lines = []
    for number, raw in enumerate(data.split(b"\n")[:-1], 1):
        try:
            line = json.loads(raw.decode("utf-8"), parse_constant=refuse)
        except ValueError as error:
            raise AssertionError(f"line {number} is not JSON ({error}): {raw[:300]!r}") from error
        if not isinstance(line, dict):
            raise AssertionError(f"line {number} is not an object: {raw[:300]!r}")
        lines.append(line)
    return lines


def parse_metrics(text):
    """{(name, frozenset of (label, value)): number}"""
    samples = {}
    for line in text.splitlines():
        if line.startswith("#") or not line:
            continue
        match = _SAMPLE.match(line)
        if not match:
            raise AssertionError(f"not a sample: {line!r}")
        samples[match[1], frozenset(_LABEL.findall(match[2] or ""))] = float(match[3])
    return samples


def total(samples, name, **labels):
    """Sum over the samples of that name that carry these labels."""
    wanted = set(labels.items())
    return sum(value for (at, have), value in samples.items() if at == name and wanted <= have)


class Weir:
    """One run of `weir ARGUMENT…` in a folder of its own."""

    def __init__(self, *args, command="run", metrics=True, stdout=None, netns=None, wrapper=(), env=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="weir-e2e-"))
        self.stats_path = self.folder / "stats.json"
        words = [*(["ip", "netns", "exec", netns] if netns else []), *wrapper, WEIR, command]
        words += [str(arg) for arg in args]
        self.netns = netns
        self.metrics_at = None
        if command in ("run", "decode"):
            words += ["--stats", str(self.stats_path)]
        if command == "run" and metrics:
            self.metrics_at = f"127.0.0.1:{free_port()}"
            words += ["--metrics", self.metrics_at]
        self.stderr_path = self.folder / "stderr"
        self.stdout_path = self.folder / "stdout"
        self.words = words
        with contextlib.ExitStack() as files:
            err = files.enter_context(self.stderr_path.open("wb"))
            out = stdout if stdout is not None else files.enter_context(self.stdout_path.open("wb"))
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                            env={**os.environ, **(env or {})})
        atexit.register(self.close)

    # -- while it runs

    def stderr(self):
        return self.stderr_path.read_text(encoding="utf-8", errors="replace")

    def lines(self):
        return read_lines(self.stdout_path)

    def get(self, path, timeout=5.0):
        """(status, text) of http://METRICS/path; curl where the run is in a namespace of its own."""
        url = f"http://{self.metrics_at}{path}"
        if self.netns:
            run = subprocess.run(["ip", "netns", "exec", self.netns, "curl", "-s", "-m", "5", "-w", "\n%{http_code}", url],
                                 capture_output=True, text=True, check=False)
            text, _, status = run.stdout.rpartition("\n")
            return int(status or 0), text
        try:
            with urllib.request.urlopen(url, timeout=timeout) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self):
        status, text = self.get("/metrics")
        if status != 200:
            raise AssertionError(f"/metrics answered {status}; {self.stderr()}")
        return parse_metrics(text)

    def wait_ready(self, seconds=30.0):
        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"weir ended with {self.process.returncode}: {self.stderr()}")
            return self.get("/readyz")[0] == 200

        wait_until(ready, lambda: f"weir to be ready: {self.stderr()}", seconds)
        return self

    def wait_metric(self, name, at_least, seconds=30.0, **labels):
        return wait_until(lambda: total(self.metrics(), name, **labels) >= at_least,
                          lambda: f"{name} {labels} to reach {at_least}, now {total(self.metrics(), name, **labels)}: "
                          f"{self.stderr()}", seconds)

    # -- its end

    def wait(self, seconds=60.0):
        """The exit code; negative: the signal that ended it."""
        return self.process.wait(seconds * SLOWNESS)

    def stop(self, with_signal=signal.SIGTERM, seconds=30.0):
        self.process.send_signal(with_signal)
        return self.wait(seconds)

    def stats(self):
        return json.loads(self.stats_path.read_text())

    def stat(self, name, **labels):
        """Sum over the final samples of that name with these labels."""
        return sum(sample["value"] for sample in self.stats()["metrics"]
                   if sample["name"] == name and set(labels.items()) <= set(sample.get("labels", {}).items()))

    def drops(self, kind=None):
        """{reason: units} of the final counters that are not zero."""
        found = {}
        for sample in self.stats()["metrics"]:
            labels = sample.get("labels", {})
            if sample["name"].endswith("_drops_total") and sample["value"] and kind in (None, labels["kind"]):
                found[labels["reason"]] = found.get(labels["reason"], 0) + int(sample["value"])
        return found

    def close(self):
        atexit.unregister(self.close)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class WeirCase(unittest.TestCase):
    """A case that cleans up its runs and shows what they said when it fails."""

    longMessage = True
    maxDiff = 4000

    def weir(self, *args, **kwargs):
        run = Weir(*args, **kwargs)
        self.addCleanup(run.close)
        return run

    def decode(self, *args, expect=0, **kwargs):
        """`weir decode …` to its end."""
        run = self.weir(*args, command="decode", **kwargs)
        self.assertEqual(run.wait(120), expect, f"{' '.join(run.words)}\n{run.stderr()}")
        return run

    def folder(self):
        path = pathlib.Path(tempfile.mkdtemp(prefix="weir-e2e-"))
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def check_balance(self, run):
        """The promise, by the numbers that weir gives at its end: nothing is missing, in any stage."""
        stats = run.stats()
        by_stage = {line["stage"]: line for line in stats["balance"]}
        self.assertTrue(stats["even"], f"{stats['balance']}\n{run.stderr()}")
        for line in stats["balance"]:
            self.assertEqual(line["in"], line["out"] + line["drops"] + line["in_flight"], line)
            if not line["stage"].startswith("spool "):  # what is left of it is on disk
                self.assertEqual(line["in_flight"], 0, line)
        self.assertEqual(by_stage["ingest"]["in"], run.stat("weir_ingest_units_total"))
        self.assertEqual(by_stage["ingest"]["drops"], run.stat("weir_ingest_drops_total"))
        self.assertEqual(by_stage["decode"]["drops"], run.stat("weir_decode_drops_total"))
        self.assertEqual(by_stage["decode"]["in"], by_stage["ingest"]["out"])
        self.assertEqual(by_stage["export"]["in"], by_stage["decode"]["out"])
        return by_stage

    def check_verified(self, run):
        """`weir verify` finds no fault in the lines that the run has written to its standard output."""
        verify = subprocess.run([WEIR, "verify", str(run.stdout_path)], capture_output=True, text=True, check=False)
        self.assertEqual(verify.returncode, 0, verify.stdout + verify.stderr)


def _end_by_signal(number, _frame):
    """A killed test takes its namespaces and children with it."""
    atexit._run_exitfuncs()
    os._exit(128 + number)


def main():
    """Runs the module's cases; the last lines are unittest's own."""
    signal.signal(signal.SIGTERM, _end_by_signal)
    if not os.access(WEIR, os.X_OK):
        sys.exit(f"ERROR: {WEIR} is not there; build it first (ninja -C build), or name it in WEIR")
    unittest.main(module="__main__", verbosity=1)
