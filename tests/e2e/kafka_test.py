#!/usr/bin/env python3
"""The output kafka, against librdkafka's mock cluster; what arrived is read with kcat."""
import collections
import json
import subprocess
import unittest

import kafka_topic
import weir

FRAMES = 3000
SECRET = "correct-horse-battery"


@unittest.skipIf("left out" in subprocess.run([weir.WEIR, "--version"], capture_output=True, text=True,
                                              check=True).stdout, "this build has no kafka")
class Kafka(weir.WeirCase):
    def setUp(self):
        self.files = self.folder()
        self.cluster = kafka_topic.MockCluster()
        self.addCleanup(self.cluster.close)
        self.load = self.files / "load.fstrm"
        subprocess.run([weir.WEIR, "generate", "--dnstap", str(self.load), "-n", str(FRAMES), "--numbered"],
                       check=True, capture_output=True)

    def config(self, keys, inputs=None):
        path = self.files / "weir.yaml"
        inputs = inputs or f"file: {{ paths: [{self.load}] }}"
        path.write_text(f"inputs:\n  - {inputs}\noutputs:\n"
                        f"  - kafka: {{ brokers: [\"{self.cluster.brokers}\"], topic: dns, {keys} }}\n"
                        "lcores: { ingest: 1, decode: 1, export: 1 }\n")
        return path

    def run_through(self, keys):
        run = self.weir("-c", self.config(keys))
        self.assertEqual(run.wait(), 0, run.stderr())
        balance = self.check_balance(run)
        self.assertEqual(balance["output kafka"]["out"], FRAMES)
        return run

    def names(self, messages):
        return collections.Counter(json.loads(line)["qname"] for message in messages
                                   for line in message.value.split("\n"))

    def test_batches_have_each_event_once(self):
        run = self.run_through("when_full: block")
        messages = kafka_topic.read(self.cluster.brokers)
        names = self.names(messages)
        self.assertEqual(len(names), FRAMES)
        self.assertEqual(set(names.values()), {1})
        self.assertGreater(max(message.value.count("\n") for message in messages), 50)
        self.assertEqual(run.stat("weir_output_kafka_messages_total", result="delivered"), len(messages))

    def test_a_key_and_headers_make_each_event_a_message(self):
        self.run_through('key: client, headers: ["site=lab", "input={input}"], when_full: block, compression: zstd')
        messages = kafka_topic.read(self.cluster.brokers)
        self.assertEqual(len(messages), FRAMES)
        partitions = collections.defaultdict(set)
        for message in messages:
            self.assertEqual(message.key, json.loads(message.value)["client_ip"])
            self.assertEqual(message.headers, "site=lab,input=file")
            partitions[message.key].add(message.partition)
        self.assertEqual({len(used) for used in partitions.values()}, {1})

    def test_brokers_that_are_away_and_back_lose_nothing(self):
        port = weir.free_port()
        self.cluster.down()
        run = self.weir("-c", self.config("backlog: 64MiB", f'dnstap: {{ listen: "tcp://127.0.0.1:{port}" }}'))
        run.wait_ready()
        subprocess.run([weir.WEIR, "generate", "--dnstap", f"tcp://127.0.0.1:{port}", "-n", str(FRAMES), "--numbered"],
                       check=True, capture_output=True)
        run.wait_metric("weir_output_faults_total", 1)
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_output_up") == 0, "the output to be down")
        self.assertEqual(weir.total(run.metrics(), "weir_output_written_events_total"), 0)
        self.cluster.up()
        run.wait_metric("weir_output_written_events_total", FRAMES)
        weir.wait_until(lambda: weir.total(run.metrics(), "weir_output_up") == 1, "the output to be up")
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertLess(run.stderr().count("output kafka"), 12, run.stderr())
        self.assertEqual(len(self.names(kafka_topic.read(self.cluster.brokers))), FRAMES)

    def test_a_password_that_others_may_read_is_refused_and_never_shown(self):
        secret = self.files / "password"
        secret.write_text(SECRET + "\n")
        secret.chmod(0o644)
        keys = f"sasl: SCRAM-SHA-512, user: weir, password_file: {secret}"
        run = self.weir("-c", self.config(keys))
        self.assertEqual(run.wait(), 2)
        self.assertIn("password_file", run.stderr())
        self.assertIn("chmod", run.stderr())
        secret.chmod(0o600)
        run = self.weir("-c", self.config(keys, 'dnstap: { listen: "tcp://127.0.0.1:0" }'.replace(
            ":0", f":{weir.free_port()}")))
        run.wait_ready()
        _, text = run.get("/metrics")
        shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        run.stop()
        for place in (text, shown, run.stderr(), run.stats_path.read_text()):
            self.assertNotIn(SECRET, place)

    def test_what_cannot_be_is_refused_with_the_remedy(self):
        for keys, wanted in (("acks: leader", "idempotent"), ('options: ["sasl.password=x"]', "password_file"),
                             ('options: ["no.such=1"]', "no.such"), ("key: qname, batch_events: 5", "batch_events"),
                             ("tls: true, tls_ca: /no/such/file", "ssl.ca.location")):
            run = self.weir("-c", self.config(keys))
            self.assertNotEqual(run.wait(), 0, keys)
            self.assertIn(wanted, run.stderr(), keys)


if __name__ == "__main__":
    weir.main()
