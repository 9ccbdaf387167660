#!/usr/bin/env python3
"""Who may send dnstap, and how much: allow and deny, limits by address, bytes a second."""
import os
import socket
import time

import frame_streams
import weir


class Senders(weir.WeirCase):
    def listening(self, more, address="127.0.0.1"):
        self.target = (address, weir.free_port())
        path = self.folder() / "weir.yaml"
        host = f"[{address}]" if ":" in address else address
        path.write_text(f"inputs:\n  - dnstap: {{ listen: \"tcp://{host}:{self.target[1]}\", {more} }}\n"
                        "outputs:\n  - json: { to: \"-\" }\nlcores: { ingest: 2 }\n")
        return self.weir("-c", path).wait_ready()

    def sender_from(self, address):
        sender = frame_streams.Sender.__new__(frame_streams.Sender)
        sender.socket = socket.create_connection(self.target, timeout=30, source_address=(address, 0))
        self.addCleanup(sender.close)
        return sender

    def check_refused(self, address):
        with self.assertRaises(OSError):
            self.sender_from(address).start()

    def check_let_in(self, address, name):
        sender = self.sender_from(address).start()
        sender.send([frame_streams.dnstap(f"{name}.test")])
        return sender

    def end(self, run, names):
        self.assertEqual(run.stop(), 0, run.stderr())
        self.assertEqual(sorted(line["qname"] for line in run.lines()), sorted(f"{name}.test." for name in names))
        self.check_balance(run)

    def test_a_line_says_on_which_connection_its_message_came(self):
        folder = self.folder()
        path, socket_path = folder / "weir.yaml", f"{folder}/dnstap.sock"
        path.write_text(f'inputs:\n  - dnstap: {{ listen: "unix://{socket_path}", frame_limit: 1KiB }}\n'
                        'outputs:\n  - json: { to: "-", stream: true }\nlcores: { ingest: 1, decode: 2, export: 1 }\n')
        run = self.weir("-c", path).wait_ready()
        for sender_number in range(2):
            sender = frame_streams.Sender(socket_path).start()
            for number in range(20):
                sender.send([frame_streams.dnstap(f"s{sender_number}-{number}.test", port=1024 + number)])
                sender.send([bytes(2_000)] if number == 9 else [])  # too long: it has a number, too
            sender.finish()
        self.assertEqual(run.stop(), 0, run.stderr())
        lines = run.lines()
        self.assertEqual(len(lines), 40)
        for line in lines:
            sender_number, number = map(int, line["qname"][1:].split(".")[0].split("-"))
            self.assertEqual(line["connection"], sender_number + 1)
            self.assertEqual(line["connection_seq"], number + 1 + (number > 9))
            self.assertEqual((line["peer_pid"], line["peer_uid"]), (os.getpid(), os.getuid()))
            self.assertNotIn("peer_name", line)
        self.check_verified(run)

    def test_allow_and_deny(self):
        run = self.listening("allow: [127.0.0.0/29, 127.0.1.1], deny: [127.0.0.2]")
        for address in ("127.0.0.2", "127.0.0.8", "127.0.1.2"):
            self.check_refused(address)
        for address in ("127.0.0.1", "127.0.0.7", "127.0.1.1"):
            self.check_let_in(address, address.replace(".", "-")).finish()
        self.assertIn("allow and deny do not let it in", run.stderr())
        self.assertEqual(weir.total(run.metrics(), "weir_dnstap_connections_refused_total", reason="not_allowed"), 3)
        self.end(run, ["127-0-0-1", "127-0-0-7", "127-0-1-1"])

    def test_v4_senders_of_a_v6_listener_are_their_v4_addresses(self):
        run = self.listening("deny: [127.0.0.2, \"::1\"]", address="::")
        self.target = ("127.0.0.1", self.target[1])
        self.check_refused("127.0.0.2")
        self.check_let_in("127.0.0.1", "v4").finish()
        self.target = ("::1", self.target[1])
        self.check_refused("::1")
        self.end(run, ["v4"])

    def test_one_address_has_its_limit_and_others_theirs(self):
        run = self.listening("max_connections_per_address: 2")
        first = [self.check_let_in("127.0.0.1", f"a{number}") for number in range(2)]
        self.check_refused("127.0.0.1")
        other = self.check_let_in("127.0.0.2", "b")
        first[0].finish()
        run.wait_metric("weir_dnstap_connections_closed_total", 1, reason="finished")
        self.check_let_in("127.0.0.1", "again").finish()
        first[1].finish()
        other.finish()
        self.assertEqual(
            weir.total(run.metrics(), "weir_dnstap_connections_refused_total", reason="max_connections_per_address"), 1)
        self.end(run, ["a0", "a1", "again", "b"])

    def test_a_fast_sender_is_slowed_and_loses_nothing(self):
        run = self.listening("rate_limit: 64KiB")
        frames = [frame_streams.dnstap(f"n{number}.test", padding=1000) for number in range(200)]
        size = sum(map(len, frames))
        started = time.monotonic()
        sender = self.sender_from("127.0.0.1").start()
        other = self.check_let_in("127.0.0.2", "other")
        sender.send(frames)
        sender.finish()
        # A second's worth comes at once; this is what a limit means, not how fast the machine is.
        self.assertGreater(time.monotonic() - started, (size - 2 * 65536) / 65536)
        other.finish()
        self.assertGreater(weir.total(run.metrics(), "weir_dnstap_rate_limited_total"), 0)
        self.end(run, [f"n{number}" for number in range(200)] + ["other"])

    def test_a_slowed_sender_that_goes_is_let_go(self):
        run = self.listening("rate_limit: 16KiB")
        sender = self.sender_from("127.0.0.1").start()
        sender.send([frame_streams.dnstap(f"n{number}.test", padding=1000) for number in range(100)])
        run.wait_metric("weir_dnstap_rate_limited_total", 1)
        sender.reset()
        run.wait_metric("weir_dnstap_connections_closed_total", 1, reason="reset")
        # Nothing waits any more, so nothing is counted any more.
        before = weir.total(run.metrics(), "weir_dnstap_rate_limited_total")
        self.check_let_in("127.0.0.1", "after").finish()
        run.wait_metric("weir_dnstap_connections_closed_total", 1, reason="finished")
        self.assertEqual(weir.total(run.metrics(), "weir_dnstap_rate_limited_total"), before)
        self.assertEqual(run.stop(), 0, run.stderr())
        self.assertIn("after.test.", [line["qname"] for line in run.lines()])
        self.check_balance(run)

    def test_what_has_come_is_read_at_the_end_whatever_the_rate(self):
        run = self.listening("rate_limit: 16KiB")
        sender = self.sender_from("127.0.0.1").start()
        sender.send([frame_streams.dnstap(f"n{number}.test", padding=1000) for number in range(100)])
        run.wait_metric("weir_dnstap_rate_limited_total", 1)
        self.end(run, [f"n{number}" for number in range(100)])


if __name__ == "__main__":
    weir.main()
