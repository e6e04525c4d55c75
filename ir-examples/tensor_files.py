"""Writes safetensors files: an 8-byte length, a JSON header, then the tensors' bytes."""

import json

import numpy as np

ELEMENT_TYPES = {"float32": "F32", "int32": "I32", "int8": "I8"}


def write_safetensors(path, tensors):
    """Writes named arrays in the order given; the same arrays always give the same bytes."""
    header, payload = {}, b""
    for name, array in tensors.items():
        data = np.ascontiguousarray(array).tobytes()
        header[name] = {
            "dtype": ELEMENT_TYPES[array.dtype.name],
            "shape": list(array.shape),
            "data_offsets": [len(payload), len(payload) + len(data)],
        }
        payload += data
    text = json.dumps(header, separators=(",", ":")).encode()
    # Padding the header to eight bytes keeps the tensors aligned for readers that map the file.
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + payload)
