"""Writes the OpenAPI 3.1 description of the JSON form of the API, as a Swift file, from protoc's descriptors on standard input.

Called by `generate`. Needs the package protobuf (PyPI, or Debian's python3-protobuf).
"""

import json
import sys

from google.protobuf import descriptor_pb2 as pb

SCALARS = {
    pb.FieldDescriptorProto.TYPE_STRING: {"type": "string"},
    pb.FieldDescriptorProto.TYPE_BOOL: {"type": "boolean"},
    pb.FieldDescriptorProto.TYPE_DOUBLE: {"type": "number", "format": "double"},
    pb.FieldDescriptorProto.TYPE_UINT32: {"type": "integer", "format": "uint32", "minimum": 0},
    pb.FieldDescriptorProto.TYPE_INT32: {"type": "integer", "format": "int32"},
    # ProtoJSON writes 64 bits as text, and reads numbers too.
    pb.FieldDescriptorProto.TYPE_UINT64: {"type": ["string", "integer"], "format": "uint64"},
    pb.FieldDescriptorProto.TYPE_INT64: {"type": ["string", "integer"], "format": "int64"},
    pb.FieldDescriptorProto.TYPE_BYTES: {"type": "string", "format": "byte"},
}
WELL_KNOWN = {
    ".google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    ".google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    ".google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
}
ERROR = {
    "type": "object",
    "required": ["code"],
    "properties": {
        "code": {"type": "string", "description": "A Connect error code, e.g. permission_denied."},
        "message": {"type": "string"},
        "details": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "value": {"type": "string", "description": "Binary protobuf, base64 without padding."},
                    "debug": {"type": "object", "additionalProperties": True},
                },
            },
        },
    },
}


def comments_of(file):
    return {tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location}


def described(schema, comment):
    return {**schema, "description": comment} if comment else dict(schema)


def field_schema(field, maps):
    if field.type_name in maps:
        schema = {"type": "object", "additionalProperties": value_schema(maps[field.type_name])}
    else:
        schema = value_schema(field)
        if field.label == pb.FieldDescriptorProto.LABEL_REPEATED:
            schema = {"type": "array", "items": schema}
    return schema


def value_schema(field):
    if field.type in SCALARS:
        return dict(SCALARS[field.type])
    if field.type_name in WELL_KNOWN:
        return dict(WELL_KNOWN[field.type_name])
    return {"$ref": "#/components/schemas/" + field.type_name.lstrip(".")}


def add_message(message, name, path, comments, schemas):
    maps = {}
    for index, nested in enumerate(message.nested_type):
        if nested.options.map_entry:
            maps[f".{name}.{nested.name}"] = next(f for f in nested.field if f.name == "value")
        else:
            add_message(nested, f"{name}.{nested.name}", path + (3, index), comments, schemas)
    for index, enum in enumerate(message.enum_type):
        add_enum(enum, f"{name}.{enum.name}", comments.get(path + (4, index)), schemas)
    properties = {
        field.json_name: described(field_schema(field, maps), comments.get(path + (2, index)))
        for index, field in enumerate(message.field)
    }
    schemas[name] = described({"type": "object", "properties": properties}, comments.get(path))


def add_enum(enum, name, comment, schemas):
    schemas[name] = described({"type": "string", "enum": [value.name for value in enum.value]}, comment)


def operation(service, method, comment, authenticated):
    request, response = method.input_type.lstrip("."), method.output_type.lstrip(".")
    content = lambda name: {"application/json": {"schema": {"$ref": "#/components/schemas/" + name}}}
    result = {
        "operationId": f"{service}.{method.name}",
        "tags": [service],
        "requestBody": {"required": True, "content": content(request)},
        "responses": {
            "200": {"description": "The answer.", "content": content(response)},
            "default": {"description": "The error.", "content": content("connect.Error")},
        },
    }
    if not authenticated:
        result["security"] = []
    return described(result, comment)


def document(files):
    schemas, paths = {"connect.Error": ERROR}, {}
    for file in sorted(files, key=lambda file: file.name):
        if not file.package.startswith(("domicile.v1", "grpc.health")):
            continue
        comments = comments_of(file)
        for index, message in enumerate(file.message_type):
            add_message(message, f"{file.package}.{message.name}", (4, index), comments, schemas)
        for index, service in enumerate(file.service):
            for number, method in enumerate(service.method):
                paths[f"/{file.package}.{service.name}/{method.name}"] = {
                    "post": operation(
                        service.name, method, comments.get((6, index, 2, number)), file.package.startswith("domicile.")
                    )
                }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Domicile",
            "version": "1",
            "description": "The JSON form of the Connect API. Unknown members are ignored; user data is not to be cached.",
        },
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


text = json.dumps(document(pb.FileDescriptorSet.FromString(sys.stdin.buffer.read()).file), indent=1, sort_keys=True)
print("// Generated by Sources/DomicileAPI/generate. Do not edit.\n// swift-format-ignore-file\n")
print("/// The API's JSON form, described for tools (OpenAPI 3.1).")
print('package enum OpenAPI {\n  package static let document = #"""')
print("\n".join("    " + line for line in text.splitlines()))
print('    """#\n}')
