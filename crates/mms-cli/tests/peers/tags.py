"""Prints the tags of each ASF file as mutagen reads them: one JSON object on a line."""

import json
import sys
import uuid

from mutagen.asf import ASF

KINDS = {0: "text", 1: "bytes", 2: "bool", 3: "u32", 4: "u64", 5: "u16", 6: "guid"}


def tag(name, attribute):
    kind, value = KINDS[attribute.TYPE], attribute.value
    shown = {
        "bytes": lambda: "%d bytes" % len(value),
        "bool": lambda: "true" if value else "false",
        "guid": lambda: str(uuid.UUID(bytes_le=bytes(value))).upper(),
    }.get(kind, lambda: str(value))()
    return {
        "name": name,
        "kind": kind,
        "value": shown,
        "hex": bytes(value).hex() if kind == "bytes" and len(value) <= 256 else None,
        "stream": attribute.stream or None,
    }


for path in sys.argv[1:]:
    try:
        found = {"tags": [tag(name, attribute) for name, attribute in ASF(path).tags]}
    except Exception as error:
        found = {"error": str(error)}
    print(json.dumps(found))
