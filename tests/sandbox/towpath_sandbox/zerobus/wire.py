"""The messages of databricks.zerobus.Zerobus, made at run time: no compiler is needed."""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "databricks.zerobus.Zerobus"
PROTO, JSON = 1, 2

_TYPES = descriptor_pb2.FieldDescriptorProto

# Of each message: fields as (number, name, type or message, repeated, oneof).
_MESSAGES: dict[str, list[tuple[int, str, Any, bool, str]]] = {
    "Duration": [(1, "seconds", _TYPES.TYPE_INT64, False, ""), (2, "nanos", _TYPES.TYPE_INT32, False, "")],
    "CreateIngestStreamRequest": [
        (1, "table_name", _TYPES.TYPE_STRING, False, ""),
        (3, "descriptor_proto", _TYPES.TYPE_BYTES, False, ""),
        (4, "record_type", _TYPES.TYPE_INT32, False, ""),
    ],
    "CreateIngestStreamResponse": [(1, "stream_id", _TYPES.TYPE_STRING, False, "")],
    "IngestRecordRequest": [
        (1, "offset_id", _TYPES.TYPE_INT64, False, ""),
        (2, "proto_encoded_record", _TYPES.TYPE_BYTES, False, "record"),
        (3, "json_record", _TYPES.TYPE_STRING, False, "record"),
    ],
    "ProtoEncodedRecordBatch": [(1, "records", _TYPES.TYPE_BYTES, True, "")],
    "JsonRecordBatch": [(1, "records", _TYPES.TYPE_STRING, True, "")],
    "IngestRecordBatchRequest": [
        (1, "offset_id", _TYPES.TYPE_INT64, False, ""),
        (2, "proto_encoded_batch", "ProtoEncodedRecordBatch", False, "batch"),
        (3, "json_batch", "JsonRecordBatch", False, "batch"),
    ],
    "IngestRecordResponse": [(1, "durability_ack_up_to_offset", _TYPES.TYPE_INT64, False, "")],
    "CloseStreamSignal": [(1, "duration", "Duration", False, "")],
    "EphemeralStreamRequest": [
        (1, "create_stream", "CreateIngestStreamRequest", False, "payload"),
        (2, "ingest_record", "IngestRecordRequest", False, "payload"),
        (3, "ingest_record_batch", "IngestRecordBatchRequest", False, "payload"),
    ],
    "EphemeralStreamResponse": [
        (1, "create_stream_response", "CreateIngestStreamResponse", False, "payload"),
        (2, "ingest_record_response", "IngestRecordResponse", False, "payload"),
        (3, "close_stream_signal", "CloseStreamSignal", False, "payload"),
    ],
}  # fmt: skip


def _message(name: str) -> descriptor_pb2.DescriptorProto:
    message = descriptor_pb2.DescriptorProto(name=name)
    for number, field, kind, repeated, oneof in _MESSAGES[name]:
        added = message.field.add(name=field, number=number)
        added.label = _TYPES.LABEL_REPEATED if repeated else _TYPES.LABEL_OPTIONAL
        if isinstance(kind, str):
            added.type = _TYPES.TYPE_MESSAGE
            added.type_name = f".databricks.zerobus.{kind}"
        else:
            added.type = kind
        if oneof:
            if not message.oneof_decl:
                message.oneof_decl.add(name=oneof)
            added.oneof_index = 0
    return message


_pool = descriptor_pool.DescriptorPool()
_pool.Add(
    descriptor_pb2.FileDescriptorProto(
        name="zerobus_service.proto",
        package="databricks.zerobus",
        syntax="proto2",
        message_type=[_message(name) for name in _MESSAGES],
    )
)


def _class(name: str) -> Any:
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"databricks.zerobus.{name}"))


Request = _class("EphemeralStreamRequest")
Response = _class("EphemeralStreamResponse")
