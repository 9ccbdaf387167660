#!/usr/bin/env python3
"""A real Prometheus scrapes a run under load; what it stored is read back through its API."""
import json
import shutil
import signal
import subprocess
import time
import urllib.parse
import urllib.request

import weir


class Prometheus(weir.WeirCase):
    def start_prometheus(self, target):
        if not shutil.which("prometheus"):
            self.skipTest("prometheus is not installed (scripts/setup e2e)")
        folder, self.port = self.folder(), weir.free_port()
        (folder / "prometheus.yml").write_text(
            "global: { scrape_interval: 500ms, scrape_timeout: 400ms }\n"
            "scrape_configs:\n  - job_name: weir\n    static_configs:\n"
            f"      - targets: ['{target}']\n")
        log = open(folder / "log", "wb")
        self.addCleanup(log.close)
        server = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml",
                                   f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)

        def end():
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()

        self.addCleanup(end)
        weir.wait_until(lambda: self.answers("/-/ready"), "Prometheus to be ready", 60)

    def answers(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
                return reply.status == 200
        except OSError:
            return False

    def query(self, expression):
        """The value of an expression that gives one number, or None."""
        url = f"http://127.0.0.1:{self.port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(url, timeout=10) as reply:
            result = json.load(reply)["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def generate(self, port, *flags):
        load = weir.Weir("--dnstap", f"tcp://127.0.0.1:{port}", *flags, command="generate")
        self.addCleanup(load.close)
        return load

    def test_scrape_under_load(self):
        port = weir.free_port()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "null:").wait_ready()
        self.start_prometheus(run.metrics_at)
        load = self.generate(port, "--rate", "20000", "--count", "160000", "--connections", "2")
        rate = weir.wait_until(lambda: self.query("sum(rate(weir_ingest_units_total[3s]))"), "a rate", 30)
        self.assertGreater(rate, 0)
        self.assertGreater(self.query("max(rate(weir_lcore_busy_seconds_total[3s]))"), 0)
        self.assertEqual(load.wait(60), 0, load.stderr())
        weir.wait_until(lambda: self.query("sum(weir_ingest_units_total)") == 160_000, "all units to be scraped", 30)
        weir.wait_until(lambda: self.query('weir_balance_out_units_total{stage="output json"}') == 160_000, "all written", 30)
        self.assertEqual(self.query("up"), 1)
        self.assertEqual(self.query("sum(weir_ingest_drops_total) + sum(weir_decode_drops_total) + sum(weir_output_drops_total)"), 0)
        # The promise as an operator would write it as an alert.
        self.assertEqual(self.query("max(abs(weir_balance_in_units_total - weir_balance_out_units_total "
                                    "- weir_balance_dropped_units_total - weir_balance_in_flight_units))"), 0)
        self.assertEqual(self.query("sum(weir_output_latency_seconds_count)"), 160_000)
        below = self.query("histogram_quantile(0.99, sum by (le) (weir_output_latency_seconds_bucket))")
        self.assertGreater(below, 0)
        self.assertEqual(self.query("count(weir_build_info)"), 1)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)

    def test_promtool_accepts_the_page(self):
        if not shutil.which("promtool"):
            self.skipTest("promtool is not installed (scripts/setup e2e)")
        port = weir.free_port()
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{port}", "--json", "null:", "--statsd",
                        f"udp://127.0.0.1:{weir.free_port()}").wait_ready()
        load = self.generate(port, "--count", "5000")
        self.assertEqual(load.wait(), 0, load.stderr())
        status, text = run.get("/metrics")
        self.assertEqual(status, 200)
        check = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, timeout=30, check=False)
        self.assertEqual((check.returncode, check.stdout, check.stderr), (0, "", ""))
        samples = weir.parse_metrics(text)
        names = {name for name, _ in samples}
        documented = (weir.ROOT / "docs/metrics.md").read_text()
        for name in names:
            base = name
            for end in ("_bucket", "_sum", "_count"):
                base = base.removesuffix(end) if base.removesuffix(end) in documented else base
            self.assertRegex(documented, f"`{base}[`{{]")
        self.assertTrue(all(name.startswith("weir_") for name in names))

    def test_health_and_readiness(self):
        run = self.weir("--dnstap", f"tcp://127.0.0.1:{weir.free_port()}", "--json", "null:").wait_ready()
        self.assertEqual(run.get("/healthz")[0], 200)
        self.assertEqual(run.get("/readyz")[0], 200)
        self.assertEqual(run.get("/nothing")[0], 404)
        run.process.send_signal(signal.SIGSTOP)
        time.sleep(0.2)
        self.assertEqual(run.get("/healthz", timeout=0.5)[0], 0)
        run.process.send_signal(signal.SIGCONT)
        weir.wait_until(lambda: run.get("/healthz")[0] == 200, "health to come back")
        self.assertEqual(run.stop(), 0, run.stderr())


if __name__ == "__main__":
    weir.main()
