#!/usr/bin/env python3
"""Real servers outlive Weir: it is killed and stopped under them, and their streams break off in mid-frame.

What was asked while a server was connected is logged once. What it had not sent, or had sent to nobody, is its own
loss: there is no acknowledgement in Frame Streams. Nothing is logged twice.
"""
import signal
import socket
import time

import cutter
import lab
import namespace
import traffic
import weir


class ServerRestarts(weir.WeirCase):
    def setUp(self):
        namespace.require(*lab.PROGRAMS)
        self.logged = traffic.Logged()

    def start_weir(self, config):
        return self.weir("-c", config, netns=self.world.net.name).wait_ready()

    def wait_connected(self, run, label):
        """Until every server has a connection, and what it is asked now, under `label`, is logged by this run."""
        run.wait_metric("weir_dnstap_connections", len(self.world.servers))
        silent = {(server.name, side) for server in self.world.servers for side in server.kind.sides}

        def heard():
            for name, side, qname in self.logged.look(run):
                if qname.startswith(f"{label}-"):
                    silent.discard((name, side))
            return not silent

        weir.wait_until(heard, lambda: f"{sorted(silent)}: {run.stderr()}", 30)

    def ask_connected(self, run, label, then):
        """Asks under `label` for a second, and waits until all of it is logged, while others are asked."""
        self.traffic.now(label)
        time.sleep(1.0)
        self.traffic.now(then)
        asked = self.traffic.asked[label]
        self.assertEqual(sorted(asked), sorted(self.world.by_name), "a server did not answer")

        def all_there():
            self.logged.look(run)
            return not self.logged.missing(self.world, asked)

        weir.wait_until(all_there, lambda: f"{self.logged.missing(self.world, asked)[:5]}: {run.stderr()}", 20)

    def check_once(self, labels):
        twice = [at for at, count in self.logged.messages.items() if count > 1]
        twice += [at for at, count in self.logged.seen.items() if count > 1 and at[1].startswith(("CLIENT_", "AUTH_"))]
        self.assertFalse(twice, f"{len(twice)} logged twice, for example {twice[:5]}")
        for label in labels:
            asked = self.traffic.asked[label]
            self.assertGreater(min(map(len, asked.values())), 5, label)
            missing = self.logged.missing(self.world, asked)
            self.assertFalse(missing, f"{label}: {len(missing)} not logged, for example {missing[:5]}")

    def end(self, run):
        self.assertEqual(run.stop(), 0, run.stderr())
        self.check_balance(run)
        self.logged.look(run)

    def test_weir_is_killed_and_stopped_under_load(self):
        self.world = lab.Lab(self)
        config = self.world.weir_config()
        run = self.start_weir(config)
        self.world.start()
        self.traffic = traffic.Traffic(self, self.world, "away1")
        self.wait_connected(run, "away1")
        self.ask_connected(run, "up1", "away2")
        run.stop(signal.SIGKILL)
        self.logged.look(run)
        time.sleep(0.5)

        run = self.start_weir(config)
        self.wait_connected(run, "away2")
        self.ask_connected(run, "up2", "away3")
        self.end(run)
        time.sleep(0.5)

        run = self.start_weir(config)
        self.wait_connected(run, "away3")
        self.ask_connected(run, "up3", "away4")
        self.traffic.stop()
        self.end(run)
        self.check_once(("up1", "up2", "up3"))

    def stand_between(self, item, servers_door, weirs_door):
        """A cutter where servers look for the input `item`; Weir has it at another door."""
        family = socket.AF_UNIX if "unix://" in item else socket.AF_INET
        here, there = ((str(door.socket) if family == socket.AF_UNIX else ("127.0.0.1", door.port))
                       for door in (servers_door, weirs_door))

        def connect():
            receiver = self.world.net.socket(family, socket.SOCK_STREAM)
            try:
                receiver.connect(there)
            except OSError:
                receiver.close()
                raise
            return receiver

        listener = self.world.net.socket(family, socket.SOCK_STREAM)
        listener.bind(here)
        listener.listen(64)
        return (cutter.TlsCutter if "tls://" in item else cutter.Cutter)(self, listener, connect)

    def test_streams_break_off_in_mid_frame(self):
        self.world = lab.Lab(self)
        doors = {name: self.world.door(f"{name}-weir") for name in self.world.doors}
        run = self.start_weir(self.world.weir_config(doors))
        cutters = [self.stand_between(item, self.world.doors[name], doors[name]) for item, name in self.world.inputs.items()]
        self.world.start()
        self.traffic = traffic.Traffic(self, self.world, "away1")
        self.wait_connected(run, "away1")
        self.ask_connected(run, "up1", "away2")
        cut = sum(one.cut() for one in cutters)
        self.assertGreaterEqual(cut, len(self.world.servers))
        weir.wait_until(lambda: sum(one.cuts for one in cutters) == cut, "each stream to be cut")
        run.wait_metric("weir_ingest_drops_total", cut, reason="frame_cut")
        self.traffic.now("away3")
        self.wait_connected(run, "away3")
        self.ask_connected(run, "up2", "away4")
        self.traffic.stop()
        self.end(run)
        self.assertEqual(run.drops(), {"frame_cut": cut}, run.stderr())
        for name in doors:
            self.assertRegex(run.stderr(), f"input {name}: the stream of .* ended inside a frame")
        self.check_once(("up1", "up2"))


if __name__ == "__main__":
    weir.main()
