"""Reads the textual form of a lowered graph: enough of the language for what `--emit=npu` writes.

A second reading of docs/language.md that shares nothing with the compiler. It expects correct files and checks little.
"""

import json
import os
import re

import numpy as np

TOKEN = re.compile(r'\s+|//[^\n]*|("[^"]*"|->|[%@]?[\w.]+(?:(?<=[eE])[-+]\d+)?|-[\w.]+(?:(?<=[eE])[-+]\d+)?|.)')
ELEMENTS = {"F32": np.float32, "I8": np.int8, "I32": np.int32}


class Type:
    """Element type, shape and quantization: scales and zero points are arrays, of one element or one a channel."""

    def __init__(self, element, shape, axis=None, scales=(1.0,), zero_points=(0,)):
        self.element, self.shape, self.axis = element, shape, axis
        self.scales, self.zero_points = np.array(scales, np.float32), np.array(zero_points, np.int32)

    @property
    def dtype(self):
        return {"f32": np.float32, "i32": np.int32}.get(self.element, np.int8)


class Operation:
    def __init__(self, result, name, operands, attributes, type):
        self.result, self.name, self.operands, self.attributes, self.type = result, name, operands, attributes, type


class Graph:
    """Data by name as arrays, their types, inputs as (name, type), operations in order, and the names of the outputs."""

    def __init__(self):
        self.data, self.types, self.inputs, self.operations, self.outputs = {}, {}, [], [], []


def read_safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    length = int.from_bytes(content[:8], "little")
    tensors = {}
    for name, entry in json.loads(content[8 : 8 + length]).items():
        if name != "__metadata__" and entry["dtype"] in ELEMENTS:
            start, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = np.frombuffer(content[start:end], ELEMENTS[entry["dtype"]]).reshape(entry["shape"])
    return tensors


class Reader:
    def __init__(self, text, folder):
        self.tokens = [match.group(1) for match in TOKEN.finditer(text) if match.group(1)]
        self.at, self.folder = 0, folder

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self, expected=None):
        token = self.peek()
        if token is None or expected is not None and token != expected:
            raise ValueError(f"expected {expected}, found {token} after {self.tokens[self.at - 5 : self.at]}")
        self.at += 1
        return token

    def accept(self, token):
        if self.peek() == token:
            self.at += 1
            return True
        return False

    def sequence(self, end, item):
        """Items with commas between, up to and with the closing token."""
        items = []
        while not self.accept(end):
            items.append(item())
            self.accept(",")
        return items

    def value(self):
        token = self.take()
        if token == "[":
            return self.sequence("]", self.value)
        if token.startswith('"'):
            return token[1:-1]
        if token in ("true", "false"):
            return token == "true"
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        return float(token) if re.match(r"-?[\d.]", token) else token

    def type(self):
        element = self.take()
        parameters = {}
        if element == "q8":
            self.take("<")
            if self.accept("axis"):
                self.take("=")
                parameters["axis"] = self.value()
                self.take(",")
                scales = self.value()
                zero_points = self.value() if self.accept(",") else [0] * len(scales)
            else:
                scales = [self.value()]
                zero_points = [self.value()] if self.accept(",") else [0]
            parameters.update(scales=scales, zero_points=zero_points)
            self.take(">")
        return Type(element, self.value(), **parameters)

    def attributes(self):
        if not self.accept("{"):
            return {}

        def pair():
            key = self.take()
            self.take("=")
            return key, self.value()

        return dict(self.sequence("}", pair))

    def source(self, type):
        """The elements of a data definition."""
        if self.peek() == "[":
            return np.array(self.value(), type.dtype).reshape(type.shape)
        kind = self.take()
        self.take("(")
        arguments = self.sequence(")", self.value)
        if kind == "file":
            path = os.path.join(self.folder, arguments[0])
            return read_safetensors(path)[arguments[1]] if len(arguments) > 1 else np.load(path)
        if kind == "splat":
            return np.full(type.shape, arguments[0], type.dtype)
        if kind == "hex":
            return np.frombuffer(bytes.fromhex(arguments[0]), np.dtype(type.dtype).newbyteorder("<")).reshape(type.shape)
        raise ValueError(f"data source {kind}")

    def graph(self):
        graph = Graph()
        while self.accept("data"):
            name = self.take()[1:]
            self.take(":")
            type = self.type()
            self.take("=")
            graph.data[name], graph.types[name] = self.source(type), type
        self.take("graph")
        self.take()
        self.take("(")

        def parameter():
            name = self.take()
            self.take(":")
            type = self.type()
            self.attributes()
            return name, type

        graph.inputs = self.sequence(")", parameter)
        self.take("->")
        if self.accept("("):
            self.sequence(")", self.type)
        else:
            self.type()
        self.take("{")
        while not self.accept("return"):
            result = self.take()
            self.take("=")
            name = self.take()
            operands = [self.take()]
            while self.accept(","):
                operands.append(self.take())
            attributes = self.attributes()
            # A constant of the type of its data need not repeat it.
            type = self.type() if self.accept(":") else graph.types[operands[0][1:]]
            graph.operations.append(Operation(result, name, operands, attributes, type))
        while self.peek() != "}":
            graph.outputs.append(self.take())
            self.accept(",")
        return graph


def read_graph(path):
    with open(path, encoding="utf-8") as file:
        return Reader(file.read(), os.path.dirname(path)).graph()
