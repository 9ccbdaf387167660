"""A reader of Frame Streams, by the letter of fstrm's protocol: what a receiver of dnstap would be."""
import os
import socket
import struct
import threading

from frame_streams import ACCEPT, CONTENT_TYPE, FINISH, READY, START, STOP, control


def _socket(target):
    made = socket.socket(socket.AF_UNIX if isinstance(target, str) else socket.AF_INET)
    if not isinstance(target, str):
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made


class FrameReader:
    """One connection, from READY to STOP. target: a path, or (host, port)."""

    def __init__(self, connection, timeout=60.0):
        self.socket = connection
        self.socket.settimeout(timeout)
        self.stopped = False
        self.expect(READY)
        self.socket.sendall(control(ACCEPT))
        self.expect(START)

    @classmethod
    def dial(cls, target, receive_buffer=None, tls=None):
        connection = _socket(target)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.connect(target)
        return cls(tls.wrap_socket(connection, server_hostname="127.0.0.1") if tls else connection)

    def take(self, count):
        data = bytearray()
        while len(data) < count:
            piece = self.socket.recv(min(count - len(data), 1 << 16))
            if not piece:
                raise ConnectionError("the writer closed the connection")
            data += piece
        return bytes(data)

    def expect(self, kind):
        if self.take(4) != b"\0\0\0\0":
            raise ConnectionError("no control frame")
        body = self.take(*struct.unpack(">I", self.take(4)))
        if struct.unpack(">I", body[:4])[0] != kind or (kind in (READY, START) and CONTENT_TYPE not in body):
            raise ConnectionError(f"{body!r} where {kind} is due")

    def frames(self, most=None):
        """The data frames; STOP is answered."""
        count = 0
        while most is None or count < most:
            (length,) = struct.unpack(">I", self.take(4))
            if length == 0:
                body = self.take(*struct.unpack(">I", self.take(4)))
                if struct.unpack(">I", body[:4])[0] != STOP:
                    raise ConnectionError(f"{body!r} among the frames")
                self.stopped = True
                self.socket.sendall(control(FINISH))
                return
            count += 1
            yield self.take(length)

    def close(self):
        self.socket.close()


class FrameReceiver:
    """Listens and plays each of `most` in turn: a connection that reads so many frames, None: to STOP. tls: an
    ssl.SSLContext."""

    def __init__(self, target, most=(None,), tls=None):
        self.tls = tls
        self.listener = _socket(target)
        if isinstance(target, str) and os.path.exists(target):
            os.unlink(target)
        self.listener.bind(target)
        self.listener.listen()
        self.got = [[] for _ in most]
        self.errors = []
        self.stopped = False
        self.thread = threading.Thread(target=self._play, args=(most,), daemon=True)
        self.thread.start()

    def _play(self, most):
        try:
            for mine, count in zip(self.got, most):
                connection = self.listener.accept()[0]
                reader = FrameReader(self.tls.wrap_socket(connection, server_side=True) if self.tls else connection)
                mine.extend(reader.frames(count))
                self.stopped = reader.stopped
                reader.close()
        except OSError as error:
            self.errors.append(error)

    def wait(self, seconds=60.0):
        self.thread.join(seconds)
        self.listener.close()
        if self.errors:
            raise self.errors[0]
        return self.got


class BackgroundReader:
    """Dials and reads to STOP on a thread of its own."""

    def __init__(self, target, **how):
        self.reader = FrameReader.dial(target, **how)
        self.got = []
        self.thread = threading.Thread(target=lambda: self.got.extend(self.reader.frames()), daemon=True)
        self.thread.start()

    def wait(self, seconds=60.0):
        self.thread.join(seconds)
        self.reader.close()
        return self.got
