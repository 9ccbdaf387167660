#!/usr/bin/env python3
"""A real Kafka broker (KRaft mode): it is stopped, killed and comes back, and every event is in its topic; TLS and SASL.

The broker is fetched as Maven artifacts and run with the machine's Java; KAFKA_LIBS names a folder that has them.
"""
import collections
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

# pylint: disable=wrong-import-position
import certificates
import kafka_topic
import weir

VERSION = "3.9.1"
FRAMES = 20_000  # each time
PASSWORD = "correct-horse-battery"
# What Weir keeps while the broker is away: the one place to say so. Far less fits into memory than is sent.
KEEP = "backlog: 1MiB, spool_size: 1GiB"


def libraries():
    named = os.environ.get("KAFKA_LIBS")
    if named:
        return named
    folder = ROOT / f"build-peers/kafka-{VERSION}"
    if not folder.exists():
        fetched = folder.with_suffix(".part")
        shutil.rmtree(fetched, ignore_errors=True)
        subprocess.run(["mvn", "-q", "-B", "-f", str(ROOT / "tests/peers/kafka/pom.xml"), "dependency:copy-dependencies",
                        f"-DoutputDirectory={fetched}"], check=True)
        fetched.rename(folder)
    return str(folder)


class Kafka(weir.WeirCase):
    def setUp(self):
        self.files = self.folder()
        self.brokers = f"127.0.0.1:{weir.free_port()}"
        self.secured = f"localhost:{weir.free_port()}"
        self.authority = certificates.Authority(self.files)
        self.stranger = certificates.Authority(self.files, "stranger")
        self.properties = self.files / "server.properties"
        controller = f"127.0.0.1:{weir.free_port()}"
        listeners = f"PLAINTEXT://{self.brokers},SASL_SSL://{self.secured}"
        keystore = self.files / "keystore.pem"
        certificate, key = self.authority.sign("broker", "DNS:localhost")
        keystore.write_text(key.read_text() + certificate.read_text())
        self.properties.write_text(f"""
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners={listeners},CONTROLLER://{controller}
advertised.listeners={listeners}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
  user_weir="{PASSWORD}";
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=\
  org.apache.kafka.common.security.scram.ScramLoginModule required;
log.dirs={self.files}/data
num.partitions=3
offsets.topic.replication.factor=1
""")
        self.java("kafka.tools.StorageTool", "format", "-t", "AAAAAAAAAAAAAAAAAAAAAg", "-c", str(self.properties),
                  "--add-scram", f"SCRAM-SHA-256=[name=weir,password={PASSWORD}]",
                  "--add-scram", f"SCRAM-SHA-512=[name=weir,password={PASSWORD}]").wait(120)
        self.broker = None

    def java(self, *words):
        log = (self.files / "kafka.log").open("ab")
        self.addCleanup(log.close)
        process = subprocess.Popen(["java", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                                    "-cp", libraries() + "/*", *words], stdout=log, stderr=log, cwd=self.files)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_broker(self):
        self.broker = self.java("kafka.Kafka", str(self.properties))
        weir.wait_until(lambda: subprocess.run(["kcat", "-L", "-b", self.brokers, "-m", "2"], capture_output=True,
                                               check=False).returncode == 0,
                        lambda: (self.files / "kafka.log").read_text()[-4000:], 120)

    def start_weir(self, keys):
        port = weir.free_port()
        path = self.files / "weir.yaml"
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "tcp://127.0.0.1:{port}" }}\n'
                        f"outputs:\n  - kafka: {{ topic: dns, {KEEP}, spool: {self.files}/spool, {keys} }}\n")
        run = self.weir("-c", path).wait_ready()
        self.dnstap = f"tcp://127.0.0.1:{port}"
        return run

    def send(self, seed):
        """Frames whose names and times no other seed has."""
        subprocess.run([weir.WEIR, "generate", "--dnstap", self.dnstap, "-n", str(FRAMES), "--numbered",
                        "--seed", str(seed), "--start", str(1_700_000_000 + seed * 100_000)], check=True, capture_output=True)

    def events(self):
        """{(qname, time): how often} of all in the topic."""
        lines = (line for message in kafka_topic.read(self.brokers) for line in message.value.split("\n"))
        return collections.Counter((event["qname"], event["time"]) for event in map(json.loads, lines))

    def written(self, run):
        """Events that the broker has, from memory and from the spool; each is of one unit."""
        now = run.metrics()
        return weir.total(now, "weir_output_written_events_total") + weir.total(now, "weir_spool_sent_units_total")

    def wait_written(self, run, count, seconds):
        weir.wait_until(lambda: self.written(run) >= count,
                        lambda: f"{count} events written, now {self.written(run)}: {run.stderr()}", seconds)

    def test_a_broker_that_goes_and_comes_back_loses_nothing(self):
        self.start_broker()
        run = self.start_weir(f'brokers: ["{self.brokers}"]')
        self.send(1)
        self.wait_written(run, FRAMES, 120)
        for seed, how in ((2, signal.SIGTERM), (3, signal.SIGKILL)):
            self.broker.send_signal(how)
            self.broker.wait(120)
            weir.wait_until(lambda: weir.total(run.metrics(), "weir_output_up") == 0, "the output to be down", 60)
            self.send(seed)
            self.assertLess(self.written(run), seed * FRAMES)
            self.start_broker()
            self.wait_written(run, seed * FRAMES, 180)
        # And while events come in.
        sender = subprocess.Popen([weir.WEIR, "generate", "--dnstap", self.dnstap, "-n", str(FRAMES), "--numbered",
                                   "--rate", "4000", "--seed", "4", "--start", "1700400000"],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(sender.wait)
        self.wait_written(run, 3 * FRAMES + 1000, 120)
        self.broker.send_signal(signal.SIGTERM)
        self.broker.wait(120)
        self.start_broker()
        self.assertEqual(sender.wait(120), 0)
        self.wait_written(run, 4 * FRAMES, 180)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.assertEqual(run.drops(), {})
        events = self.events()
        self.assertEqual(len(events), 4 * FRAMES, "each event is there, at least once")

    def test_tls_and_sasl(self):
        self.start_broker()
        secret = self.files / "password"
        secret.write_text(PASSWORD + "\n")
        secret.chmod(0o600)
        sent = 0
        for seed, mechanism in enumerate(("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), 1):
            run = self.start_weir(f'brokers: ["{self.secured}"], tls: true, tls_ca: {self.authority.certificate}, sasl: {mechanism}, '
                                  f"user: weir, password_file: {secret}, key: qname, compression: zstd")
            self.send(seed)
            self.wait_written(run, FRAMES, 120)
            self.assertEqual(run.stop(), 0, run.stderr())
            self.check_balance(run)
            sent += FRAMES
        self.assertEqual(sum(self.events().values()), sent)

    def test_a_wrong_password_and_an_unknown_ca_are_faults(self):
        self.start_broker()
        secret = self.files / "password"
        secret.write_text("wrong\n")
        secret.chmod(0o600)
        for ca, wanted in ((f"tls_ca: {self.authority.certificate}", "uthenticat"), (f"tls_ca: {self.stranger.certificate}", "SSL")):
            run = self.start_weir(f'brokers: ["{self.secured}"], tls: true, {ca}, sasl: SCRAM-SHA-256, user: weir, '
                                  f"password_file: {secret}")
            run.wait_metric("weir_output_faults_total", 1, 60)
            weir.wait_until(lambda: weir.total(run.metrics(), "weir_output_up") == 0, "the output to be down", 60)
            self.assertIn(wanted, run.stderr())
            run.stop()


if __name__ == "__main__":
    weir.main()
