#!/usr/bin/env python3
"""scripts/bench: Weir and Debian's peers on the same data in one run.

CPU seconds are user + system of the whole process; a figure is the median of the rounds. Machines differ and are
noisy: compare ratios, and the calibration (a fixed walk over memory) before comparing runs. Of what listens, the CPU
seconds until it is ready are told apart.
"""
import argparse
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
WEIR = ROOT / "build-release" / "src" / "weir"
CACHE = ROOT / "build-release" / "bench-data"


# A Frame Streams START, as a sender that says nothing after it.
START = struct.pack(">IIIII", 0, 34, 2, 1, 22) + b"protobuf:dnstap.Dnstap"


class Failed(Exception):
    pass


def measured(command, while_running=None, stop=None, stdout=subprocess.DEVNULL):
    """Runs a program; gives CPU seconds, wall seconds and peak RSS in MiB. while_running() loads it meanwhile; it may
    give the CPU seconds of the program's start, which are told apart."""
    started, start_cpu = time.monotonic(), None
    # A file, not a pipe: dnscap writes its text there, and what is held here counts as the next programs' peak.
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([str(word) for word in command], stdout=stdout, stderr=errors,
                                   stdin=subprocess.DEVNULL)
        try:
            if while_running:
                start_cpu = while_running(process)
            if stop:
                process.send_signal(stop)
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, -signal.SIGTERM):
            errors.seek(max(0, errors.tell() - 800))
            said = errors.read().decode("utf-8", "replace")
            raise Failed(f"{' '.join(map(str, command))} ended with {process.returncode}: {said}")
    return {"cpu_s": usage.ru_utime + usage.ru_stime - (start_cpu or 0), "wall_s": time.monotonic() - started,
            "rss_mib": usage.ru_maxrss / 1024, "start_s": start_cpu}


def cpu_so_far(process):
    """CPU seconds of all its threads, exact where /proc/PID/stat counts in ticks."""
    threads = pathlib.Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def calibration():
    """CPU seconds of a fixed walk: hashing 1 GiB, a stand-in for this machine's speed at this moment."""
    import zlib
    block = bytes(range(256)) * 4096
    before = resource.getrusage(resource.RUSAGE_SELF)
    value = 0
    for _ in range(1024):
        value = zlib.crc32(block, value)
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime - before.ru_utime


def generated(kind, count, *flags):
    path = CACHE / "-".join([kind, str(count), *(flag.strip("-") for flag in flags)])
    if not path.exists():
        part = path.with_suffix(".part")
        subprocess.run([WEIR, "generate", f"--{kind}", part, "--count", str(count), "--seed", "1", *flags],
                       check=True, stderr=subprocess.DEVNULL)
        part.rename(path)
    return path


def wait_for(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise Failed(f"{what} did not happen in {seconds} s")
        time.sleep(0.02)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Stats:
    """What a run of Weir told with --stats. A run that did not take all units, or whose balance is not even, fails."""

    def __init__(self, path, units):
        told = json.loads(path.read_text())
        taken = next(line["in"] for line in told["balance"] if line["stage"] == "ingest")
        # Where a TCP segment ends several messages, each but the first is a unit beside the packets.
        if not told["even"] or taken < units:
            raise Failed(f"the balance is not even or {taken} of {units} units came in: {told['balance']}")
        self.metrics = told["metrics"]

    def drops(self):
        return {m["labels"]["reason"]: int(m["value"]) for m in self.metrics
                if m["name"].endswith("_drops_total") and m["value"] and m["labels"]["kind"] == "drop"}

    def events(self):
        """Events that the decode lcores wrote: a dnstap frame is one, so is a transaction of two packets."""
        return sum(int(m["value"]) for m in self.metrics if m["name"] == "weir_decode_events_total")


def verified(out, events):
    """Every line is read back, and there are as many as events."""
    told = json.loads(subprocess.run([WEIR, "verify", out, "--json"], check=True, stdout=subprocess.PIPE).stdout)
    if told["lines"] != events:
        raise Failed(f"{out} has {told['lines']} lines of {events}")


class Bench:
    def __init__(self, args, work):
        self.args, self.work, self.rows = args, pathlib.Path(work), []

    def add(self, name, units, runs, drops=None, note=""):
        cpu = statistics.median(run["cpu_s"] for run in runs)
        row = {"name": name, "units": units, "rounds": len(runs), "cpu_s": round(cpu, 3),
               "cpu_s_all": [round(run["cpu_s"], 3) for run in runs],
               "wall_s": round(statistics.median(run["wall_s"] for run in runs), 3),
               "rss_mib": round(max(run["rss_mib"] for run in runs), 1),
               "start_s": round(statistics.median(run["start_s"] for run in runs), 3) if runs[0]["start_s"] else None,
               "units_per_cpu_s": round(units / cpu) if cpu else 0, "us_per_unit": round(cpu / units * 1e6, 3),
               "drops": drops, "note": note}
        self.rows.append(row)
        print(f"bench: {name}: {row['us_per_unit']} µs a unit, {row['cpu_s']} CPU s", file=sys.stderr, flush=True)

    def weir(self, command, units, target, load=None):
        """One run, and the units it dropped: any fail the benchmark at its end."""
        stats = self.work / "stats.json"
        out = target if target == "null:" else self.work / "out.jsonl"
        run = measured([WEIR, *command, "--json", out, "--stats", stats, "--log-level", "warning"], load,
                       signal.SIGTERM if load else None)
        told = Stats(stats, units)
        if out != "null:":
            verified(out, told.events())
            out.unlink()
        return run, sum(told.drops().values())

    def weir_file(self, name, path, units, target):
        runs = [self.weir(["decode", path], units, target) for _ in range(self.args.rounds)]
        self.add(name, units, [run for run, _ in runs], sum(drops for _, drops in runs))

    def weir_socket(self, name, scheme, units, target, rounds=None, lcores=None, rate=0):
        runs = []
        for _ in range(rounds or self.args.rounds):
            port, sock = free_port(), self.work / "weir.sock"
            address = f"unix://{sock}" if scheme == "unix" else f"tcp://127.0.0.1:{port}"

            def load(process):
                wait_for(sock.exists if scheme == "unix" else lambda: listens(port), "the listener")
                time.sleep(0.1)
                start = cpu_so_far(process)
                subprocess.run([WEIR, "generate", "--dnstap", address, "--count", str(units), "--seed", "1",
                                "--rate", str(rate)], check=True, stderr=subprocess.DEVNULL)
                return start

            runs.append(self.weir(["run", *(["--lcores", lcores] if lcores else []), "--dnstap", address], units,
                                  target, load))
        self.add(name, units, [run for run, _ in runs], sum(drops for _, drops in runs))

    def weir_tls(self, name, units):
        """socat puts the TLS around what `weir generate` sends, without pacing, as that does; its CPU time is not
        counted."""
        key, certificate, port = self.work / "tls.key", self.work / "tls.pem", free_port()
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                        "-subj", "/CN=bench", "-keyout", key, "-out", certificate], check=True, capture_output=True)
        config = self.work / "tls.yaml"
        config.write_text(f"inputs:\n  - dnstap: {{ listen: \"tls://127.0.0.1:{port}\", tls_certificate: {certificate}, "
                          f"tls_key: {key} }}\noutputs: []\n")

        def load(process):
            sock = self.work / "tls.sock"
            wait_for(lambda: listens(port), "the TLS listener")
            time.sleep(0.1)
            start = cpu_so_far(process)
            wrap = subprocess.Popen(["socat", "-b", "65536", f"UNIX-LISTEN:{sock}", f"OPENSSL:127.0.0.1:{port},verify=0,"
                                     "setsockopt-string=6:13:cubic"])
            try:
                wait_for(sock.exists, "socat's socket")
                subprocess.run([WEIR, "generate", "--dnstap", f"unix://{sock}", "--count", str(units), "--seed", "1"],
                               check=True, stderr=subprocess.DEVNULL)
            finally:
                wrap.terminate()
                wrap.wait()
            return start

        runs = [self.weir(["run", "-c", config], units, "null:", load) for _ in range(self.args.rounds)]
        self.add(name, units, [run for run, _ in runs], sum(drops for _, drops in runs))

    def verify(self, name, frames, units):
        lines = self.work / "lines.jsonl"
        measured([WEIR, "decode", frames, "--json", lines, "--log-level", "warning"])
        self.add(name, units, [measured([WEIR, "verify", lines]) for _ in range(self.args.rounds)])
        lines.unlink()

    def peer(self, name, units, command, while_running=None, stop=None, note=""):
        if not shutil.which(command[0]):
            print(f"bench: {command[0]} is not installed: {name} left out", file=sys.stderr)
            return
        runs = [measured(command, while_running, stop) for _ in range(self.args.rounds)]
        self.add(name, units, runs, note=note)

    def fstrm_capture(self, units):
        sock = self.work / "peer.sock"

        def load(_process):
            wait_for(sock.exists, "fstrm_capture's socket")
            subprocess.run([WEIR, "generate", "--dnstap", f"unix://{sock}", "--count", str(units), "--seed", "1"],
                           check=True, stderr=subprocess.DEVNULL)

        self.peer("fstrm_capture, UNIX socket → /dev/null, no decoding", units,
                  ["fstrm_capture", "-t", "protobuf:dnstap.Dnstap", "-u", str(sock), "-w", "/dev/null"], load,
                  signal.SIGTERM)

    def idle_connections(self, count=1000):
        """CPU share and memory of so many senders that say nothing."""
        def cpu_and_memory(seconds):
            port, memory = free_port(), []

            def hold(process):
                wait_for(lambda: listens(port), "the listener")
                senders = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
                for sender in senders:
                    sender.sendall(START)
                time.sleep(seconds)
                status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
                memory.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
                for sender in senders:
                    sender.close()

            run = measured([WEIR, "run", "--dnstap", f"tcp://127.0.0.1:{port}", "--json", "null:", "--log-level", "warning"],
                           hold, signal.SIGTERM)
            return run["cpu_s"], memory[0]

        start, _ = cpu_and_memory(1)
        spent, memory = cpu_and_memory(1 + self.args.idle_seconds)
        percent = 100 * (spent - start) / self.args.idle_seconds
        print(f"bench: {count} idle connections: {percent:.1f} % of one CPU, {memory:.0f} MiB", file=sys.stderr)
        return {"percent": round(percent, 2), "rss_mib": round(memory, 1)}

    def idle(self):
        def run_for(seconds):
            return measured([WEIR, "run", "--dnstap", f"tcp://127.0.0.1:{free_port()}", "--json", "null:", "--lcores",
                             "2,2,1", "--log-level", "warning"], lambda _: time.sleep(seconds), signal.SIGTERM)["cpu_s"]

        start = run_for(1)
        spent = run_for(1 + self.args.idle_seconds) - start
        percent = 100 * spent / self.args.idle_seconds
        print(f"bench: idle, five adaptive lcores: {percent:.1f} % of one CPU", file=sys.stderr)
        return round(percent, 2)


def table(rows):
    base = next((row["cpu_s"] / row["units"] for row in rows if row["name"].startswith("dnstap-ldns -q")), None)
    lines = ["| work | CPU s | start, CPU s | s | µs a unit | units per CPU s | RSS MiB | drops | × dnstap-ldns -q |",
             "|---|---|---|---|---|---|---|---|---|"]
    for row in rows:
        ratio = f"{base / (row['cpu_s'] / row['units']):.1f}" if base else ""
        row["ratio_to_dnstap_ldns_q"] = float(ratio) if ratio else None
        drops = "" if row["drops"] is None else row["drops"]
        start = "within" if row["start_s"] is None else f"{row['start_s']:.2f}"
        lines.append(f"| {row['name']} | {row['cpu_s']:.2f} | {start} | {row['wall_s']:.2f} | {row['us_per_unit']:.2f} | {row['units_per_cpu_s']:,} | "
                     f"{row['rss_mib']:.0f} | {drops} | {ratio} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small counts, one round: does everything run?")
    parser.add_argument("--count", type=int, default=1_000_000, help="dnstap frames, and packets")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true", help="Weir alone")
    parser.add_argument("--idle-seconds", type=float, default=5)
    parser.add_argument("--out", default="bench-results.json", help="where the figures go as JSON")
    args = parser.parse_args()
    if args.quick:
        args.count, args.rounds, args.idle_seconds = 50_000, 1, 2
    CACHE.mkdir(parents=True, exist_ok=True)
    calibrations = [calibration()]
    count = args.count
    with tempfile.TemporaryDirectory(prefix="weir-bench-", dir=CACHE) as work:
        bench = Bench(args, work)
        frames, packets = generated("dnstap", count), generated("pcap", count)
        bench.weir_file("dnstap file → JSON → null", frames, count, "null:")
        if not args.no_peers:
            bench.peer("dnstap-ldns -q, dnstap file → one line of QNAME", count, ["dnstap-ldns", "-q", "-r", str(frames)])
        bench.weir_file("dnstap file → JSON → file", frames, count, "file")
        bench.weir_socket("dnstap UNIX socket → JSON → null", "unix", count, "null:")
        bench.weir_socket("dnstap UNIX socket → JSON → file", "unix", count, "file")
        bench.weir_socket("dnstap TCP socket → JSON → null", "tcp", count, "null:")
        bench.weir_socket("dnstap TCP socket → JSON → file", "tcp", count, "file")
        if shutil.which("socat"):
            bench.weir_tls("dnstap TLS socket → JSON → null", count)
        bench.weir_file("capture file → JSON transactions → null", packets, count, "null:")
        bench.weir_file("capture file → JSON transactions → file", packets, count, "file")
        bench.weir_file("capture file, 40 % of transactions over TCP → null",
                        generated("pcap", count, "--tcp", "40"), count, "null:")
        bench.weir_file("capture file, responses over 100 bytes in fragments → null",
                        generated("pcap", count, "--mtu", "100"), count, "null:")
        bench.verify("weir verify, the lines of a dnstap file", frames, count)
        if not args.no_peers:
            bench.fstrm_capture(count)
            bench.peer("dnscap -g, capture file → text", count, ["dnscap", "-r", str(packets), "-g"])
        rate = 500_000
        bench.weir_socket("five lcores (2,2,1), 500 k frames/s, UNIX socket → JSON → null", "unix",
                          rate if args.quick else 5 * rate, "null:", rounds=1, lcores="2,2,1", rate=rate)
        idle = bench.idle()
        connections = bench.idle_connections()
    calibrations.append(calibration())
    text = table(bench.rows)
    print(text)
    print(f"\nidle, five adaptive lcores: {idle} % of one CPU; 1,000 idle connections: {connections['percent']} % and "
          f"{connections['rss_mib']:.0f} MiB; calibration: "
          f"{', '.join(f'{c:.2f}' for c in calibrations)} s before and after")
    pathlib.Path(args.out).write_text(json.dumps(
        {"rows": bench.rows, "idle_percent": idle, "idle_connections": connections, "calibration_s": calibrations, "cpus": os.cpu_count(),
         "count": count}, indent=1, ensure_ascii=False) + "\n")
    print(f"written to {args.out}")
    if any(row["drops"] for row in bench.rows):
        raise Failed("units were dropped; the table tells where")


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.CalledProcessError) as failure:
        sys.exit(f"bench: {failure}")
