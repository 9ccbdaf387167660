"""A TCP, TLS or UNIX peer for the JSON output: takes lines, fast, slowly, or not at all."""
import socket
import threading
import time


class LineReceiver:
    """rate: bytes a second it reads, None: all it can, 0: it accepts and never reads. tls: an ssl.SSLContext.
    path: of a UNIX socket. greeting: what it says first."""

    def __init__(self, rate=None, port=0, tls=None, path=None, greeting=b""):
        self.tls = tls
        self.greeting = greeting
        self.listener = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if rate is not None:
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.listener.bind(path or ("127.0.0.1", port))
        self.listener.listen()
        self.port = None if path else self.listener.getsockname()[1]
        self.rate = rate
        self.pieces = []
        self.lock = threading.Lock()
        self.connections = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
            connection.sendall(self.greeting)
            self.connections.append(connection)
            thread = threading.Thread(target=self._read, args=(connection,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _read(self, connection):
        mine = []
        with self.lock:
            self.pieces.append(mine)
        while self.rate != 0:
            try:
                piece = connection.recv(4096 if self.rate else 1 << 20)
            except OSError:
                return
            if not piece:
                return
            mine.append(piece)
            if self.rate:
                time.sleep(len(piece) / self.rate)

    def data(self):
        """What each connection brought; a connection that broke may end in the middle of a line."""
        with self.lock:
            return [b"".join(mine) for mine in self.pieces]

    def wait_closed(self, seconds=30.0):
        for thread in self.threads[1:]:
            thread.join(seconds)

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that holds it in accept()
        except OSError:
            pass
        self.listener.close()
        for connection in self.connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)  # a thread in recv() would go on taking
            except OSError:
                pass
            connection.close()
