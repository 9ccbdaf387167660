"""What is in a Kafka topic, read with kcat; and librdkafka's mock cluster, for tests without a broker.

The mock speaks Kafka's protocol over real sockets. tests/peers/kafka_test.py has a real broker.
"""
import collections
import ctypes
import subprocess

Message = collections.namedtuple("Message", "partition key headers value")


def read(brokers, topic="dns", options=()):
    """All messages that are in the topic now."""
    words = ["kcat", "-C", "-q", "-e", "-b", brokers, "-t", topic, "-o", "beginning",
             "-f", "%p\\x1f%k\\x1f%h\\x1f%s\\x1e"]
    for option in options:
        words += ["-X", option]
    run = subprocess.run(words, capture_output=True, text=True, timeout=120, check=False)
    if run.returncode != 0:
        raise AssertionError(f"{' '.join(words)} ended with {run.returncode}: {run.stderr}")
    return [Message(*message.split("\x1f")) for message in run.stdout.split("\x1e")[:-1]]


class MockCluster:
    """One broker, whose topics have four partitions."""

    def __init__(self):
        self._lib = ctypes.CDLL("librdkafka.so.1")
        for name, result, arguments in (
                ("rd_kafka_conf_new", ctypes.c_void_p, []),
                ("rd_kafka_new", ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
                ("rd_kafka_destroy", None, [ctypes.c_void_p]),
                ("rd_kafka_mock_cluster_new", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
                ("rd_kafka_mock_cluster_destroy", None, [ctypes.c_void_p]),
                ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [ctypes.c_void_p]),
                ("rd_kafka_mock_broker_set_down", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
                ("rd_kafka_mock_broker_set_up", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32])):
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments
        why = ctypes.create_string_buffer(512)
        self._handle = self._lib.rd_kafka_new(0, self._lib.rd_kafka_conf_new(), why, len(why))
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._handle, 1)
        self.brokers = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def down(self):
        self._lib.rd_kafka_mock_broker_set_down(self._cluster, 1)

    def up(self):
        self._lib.rd_kafka_mock_broker_set_up(self._cluster, 1)

    def close(self):
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._handle)
