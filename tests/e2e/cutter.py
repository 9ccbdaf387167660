"""Stands between senders and Weir, passes streams on piece by piece, and breaks them off inside a data frame when told to."""
import contextlib
import socket
import struct
import threading


class Cutter:
    def __init__(self, case, listener, connect):
        """listener: a listening socket. connect(): a socket to the receiver, or OSError."""
        self.cuts = 0
        self._listener, self._connect = listener, connect
        self._to_cut = set()
        self._open, self._speaking = set(), set()
        self._lock = threading.Lock()
        self._ended = False
        threading.Thread(target=self._accept, daemon=True).start()
        case.addCleanup(self._end)

    def cut(self):
        """Each stream that has had data frames passes half of its next one on, and ends. Gives how many they are."""
        with self._lock:
            self._to_cut = set(self._speaking)
            return len(self._to_cut)

    def _end(self):
        self._ended = True
        self._shut(self._listener)
        with self._lock:
            for sender in self._open:
                self._shut(sender)

    @staticmethod
    def _shut(one):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with self._listener:
            while not self._ended:
                try:
                    sender, _ = self._listener.accept()
                except OSError:
                    return
                threading.Thread(target=self._carry, args=(sender,), daemon=True).start()

    def _carry(self, sender):
        with sender, contextlib.suppress(OSError), self._connect() as receiver:
            with self._lock:
                self._open.add(sender)
            back = threading.Thread(target=self._back, args=(receiver, sender), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                self._forth(sender, receiver)
            with self._lock:
                self._open.discard(sender)
                self._speaking.discard(sender)
            self._shut(sender)
            self._shut(receiver)
            back.join()

    def _forth(self, sender, receiver):
        pending = b""
        while data := sender.recv(65536):
            pending += data
            while size := self.whole(pending):
                piece, pending = pending[:size], pending[size:]
                if self.holds_data(piece):
                    with self._lock:
                        self._speaking.add(sender)
                        cut = sender in self._to_cut
                        self.cuts += cut
                    if cut:
                        receiver.sendall(piece[:size // 2])
                        return
                receiver.sendall(piece)

    def _back(self, receiver, sender):
        with contextlib.suppress(OSError):
            while data := receiver.recv(4096):
                sender.sendall(data)
        self._shut(sender)

    # What pieces are: here the frames of Frame Streams.

    @staticmethod
    def whole(pending):
        """The size of the first piece if all of it is there; else 0."""
        if len(pending) < 8:
            return 0
        first, second = struct.unpack_from(">II", pending)
        size = 4 + first if first else 8 + second
        return size if len(pending) >= size else 0

    @staticmethod
    def holds_data(piece):
        return piece[:4] != b"\0\0\0\0"


class TlsCutter(Cutter):
    """The pieces are TLS records. unbound writes a frame's length and its payload as a record each; long ones are
    payload, so the length has gone before.
    """

    @staticmethod
    def whole(pending):
        if len(pending) < 5:
            return 0
        size = 5 + int.from_bytes(pending[3:5], "big")
        return size if len(pending) >= size else 0

    @staticmethod
    def holds_data(piece):
        return piece[0] == 23 and len(piece) > 64
