"""Queries to every server of a lab without end, under a label that changes; and what lines tell of them."""
import collections
import threading
import time

import weir


class Traffic:
    """Each name is asked once, of one server: LABEL-NUMBER.SERVER.lab."""

    def __init__(self, case, world, label):
        self.world, self.label = world, label
        self.asked = collections.defaultdict(lambda: collections.defaultdict(list))  # {label: {server's name: [name]}}
        self._client = world.client()
        self._round = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        case.addCleanup(self.stop)

    def _run(self):
        number = 0
        while not self._stop.is_set():
            with self._round:
                for server in self.world.servers:
                    name = f"{self.label}-{number}.{server.name}.lab"
                    if self.world.ask(self._client, server, name, number & 0xFFFF):
                        self.asked[self.label][server.name].append(name)
                number += 1
            time.sleep(0.01)

    def now(self, label):
        """From here on; all that was asked under the last label has been answered, or was given up."""
        with self._round:
            self.label = label

    def stop(self):
        self._stop.set()
        self._thread.join(30)


class Logged:
    """What runs of Weir have written about such names so far."""

    def __init__(self):
        self.seen = collections.Counter()      # {(server's name, type, name): how often}
        self.messages = collections.Counter()  # the same with id and times: a resolver may ask for a name again
        self._read = {}

    def look(self, run):
        """The lines that came since the last look; a run that was killed may have left half a line at its end."""
        with run.stdout_path.open("rb") as lines:
            lines.seek(self._read.get(run.stdout_path, 0))
            data = lines.read()
        data = data[:data.rfind(b"\n") + 1]
        self._read[run.stdout_path] = self._read.get(run.stdout_path, 0) + len(data)
        new = collections.Counter()
        for line in weir.read_lines(data):
            server, name = line.get("identity", "").removesuffix(".lab"), line.get("qname", "").lower().removesuffix(".")
            if name.endswith(f".{server}.lab"):
                new[server, line["type"], name] += 1
                self.messages[server, line["type"], name, line["id"], line.get("query_time"), line.get("response_time")] += 1
        self.seen += new
        return new

    def missing(self, world, asked):
        """Of {server's name: [name]}, what is not there yet, as a query or as a response."""
        return [(server.name, side, name) for server in world.servers for side in server.kind.sides
                for name in asked[server.name] if not self.seen[server.name, side, name]]
