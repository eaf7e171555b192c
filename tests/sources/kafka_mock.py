"""
The cluster that librdkafka keeps for its own tests: it does what it is told, faults too.

rdkafka_mock.h says what each call does. The Python package has no names for them; its extension module brings the library's own.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import confluent_kafka
from confluent_kafka import cimpl

#: Numbers of requests and errors, as the protocol has them.
FETCH, JOIN_GROUP, OFFSET_COMMIT = 1, 11, 8
COORDINATOR_NOT_AVAILABLE, TOPIC_AUTHORIZATION_FAILED, GROUP_AUTHORIZATION_FAILED, UNKNOWN_SERVER_ERROR = 15, 29, 30, -1


@cache
def _library() -> Any:
    """Load the functions that are used, with their types."""
    library = ctypes.CDLL(cimpl.__file__)
    pointer, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    for name, result, arguments in (
        ("conf_new", pointer, ()),
        ("new", pointer, (number, pointer, pointer, ctypes.c_size_t)),
        ("destroy", None, (pointer,)),
        ("mock_cluster_new", pointer, (pointer, number)),
        ("mock_cluster_destroy", None, (pointer,)),
        ("mock_cluster_bootstraps", text, (pointer,)),
        ("mock_topic_create", number, (pointer, text, number, number)),
        ("mock_topic_set_error", None, (pointer, text, number)),
        ("mock_broker_set_down", number, (pointer, ctypes.c_int32)),
        ("mock_broker_set_up", number, (pointer, ctypes.c_int32)),
        ("mock_partition_delete_records", number, (pointer, text, ctypes.c_int32, ctypes.c_int64)),
        ("mock_push_request_errors_array", None, (pointer, ctypes.c_int16, ctypes.c_size_t, pointer)),
        ("conf_set", number, (pointer, text, text, pointer, ctypes.c_size_t)),
        ("produceva", pointer, (pointer, pointer, ctypes.c_size_t)),
        ("flush", number, (pointer, number)),
        ("mock_set_controller_id", number, (pointer, ctypes.c_int32)),
        ("mock_group_initial_rebalance_delay_ms", None, (pointer, ctypes.c_int32)),
    ):
        function = getattr(library, f"rd_kafka_{name}")
        function.restype, function.argtypes = result, arguments
    return library


class _Bytes(ctypes.Structure):
    _fields_ = (("data", ctypes.c_char_p), ("size", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (("name", ctypes.c_char_p), ("data", ctypes.c_char_p), ("size", ctypes.c_ssize_t))


class _Variant(ctypes.Union):
    _fields_ = (("text", ctypes.c_char_p), ("bytes", _Bytes), ("header", _Header), ("padding", ctypes.c_char * 64))


class _Part(ctypes.Structure):
    """A ``rd_kafka_vu_t``: one part of a message to produce."""

    _fields_ = (("kind", ctypes.c_int), ("part", _Variant))


class MockCluster:
    """A cluster of one broker."""

    def __init__(self) -> None:
        assert confluent_kafka.libversion()
        library = _library()
        self._client = library.rd_kafka_new(0, library.rd_kafka_conf_new(), None, 0)
        self._cluster = library.rd_kafka_mock_cluster_new(self._client, 1)
        library.rd_kafka_mock_set_controller_id(self._cluster, 1)
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.address = library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()

    def topic(self, name: str, partitions: int = 1) -> str:
        """Make a topic."""
        assert _library().rd_kafka_mock_topic_create(self._cluster, name.encode(), partitions, 1) == 0
        return name

    def topic_error(self, name: str, error: int) -> None:
        """Let everything that is asked of a topic fail."""
        _library().rd_kafka_mock_topic_set_error(self._cluster, name.encode(), error)

    def down(self) -> None:
        """Take the broker down."""
        _library().rd_kafka_mock_broker_set_down(self._cluster, 1)

    def up(self) -> None:
        """Bring the broker back."""
        _library().rd_kafka_mock_broker_set_up(self._cluster, 1)

    def delete_before(self, topic: str, partition: int, offset: int) -> None:
        """Delete what a partition has before an offset, as retention does."""
        assert _library().rd_kafka_mock_partition_delete_records(self._cluster, topic.encode(), partition, offset) == 0

    def fail_next(self, request: int, errors: Sequence[int]) -> None:
        """Answer the next requests of a kind with errors, one each."""
        _library().rd_kafka_mock_push_request_errors_array(
            self._cluster, request, len(errors), (ctypes.c_int * len(errors))(*errors)
        )

    def produce_header(self, topic: str, name: bytes, value: bytes) -> None:
        """Write a message whose header has a name that Python's producer would not take."""
        library = _library()
        conf = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(conf, b"bootstrap.servers", self.address.encode(), None, 0)
        producer = library.rd_kafka_new(0, conf, None, 0)
        parts = (_Part * 3)()
        parts[0].kind, parts[0].part.text = 1, topic.encode()
        parts[1].kind, parts[1].part.bytes = 4, _Bytes(b"value", 5)
        parts[2].kind, parts[2].part.header = 9, _Header(name, value, len(value))
        assert not library.rd_kafka_produceva(producer, parts, len(parts))
        assert library.rd_kafka_flush(producer, 10_000) == 0
        library.rd_kafka_destroy(producer)

    def close(self) -> None:
        """End it."""
        _library().rd_kafka_mock_cluster_destroy(self._cluster)
        _library().rd_kafka_destroy(self._client)


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    """Run a cluster."""
    cluster = MockCluster()
    try:
        yield cluster
    finally:
        cluster.close()
