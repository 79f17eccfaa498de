"""Lets `tinybms-sim conformance` judge the receiver: one JSON document per line (vectors/v1/README.md)."""

import base64
import hashlib
import json
import sys

from receiver import Receiver

CHUNK_SIZE = 4096


def image_of(size, seed):
    data, state = bytearray(), seed
    for _ in range(size):
        state = (state * 1103515245 + 12345) % 2**31
        data.append(state >> 16 & 255)
    return bytes(data)


def decode(value, image):
    """Replaces the forms of bytes by bytes."""
    if isinstance(value, list):
        return [decode(item, image) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("text"), str):
        return value["text"].encode()
    if isinstance(value.get("b64"), str):
        return base64.b64decode(value["b64"])
    if isinstance(value.get("image"), list):
        offset, length = value["image"]
        return image[offset:offset + length]
    if isinstance(value.get("fill"), int):
        return bytes([value["fill"]]) * value["length"]
    if set(value) == {"chunk"}:
        data = image[value["chunk"] * CHUNK_SIZE:(value["chunk"] + 1) * CHUNK_SIZE]
        header = bytes.fromhex("54420100") + hashlib.sha256(image).digest()[:8]
        return header + value["chunk"].to_bytes(4, "little") + len(data).to_bytes(2, "little") + bytes(2) + data
    if value.get("hash_list") is True:
        chunks = [image[offset:offset + CHUNK_SIZE] for offset in range(0, len(image), CHUNK_SIZE)]
        return b"".join(hashlib.sha256(chunk).digest()[:16] for chunk in chunks)
    return {name: member if name in ("record", "key_set") else decode(member, image) for name, member in value.items()}


def encode(action):
    return {name: {"b64": base64.b64encode(member).decode()} if isinstance(member, bytes) else member
            for name, member in action.items()}


class Judged:
    def begin(self, header):
        self.header = header
        self.image = image_of(header["image"]["size"], header["image"]["seed"])
        self.drawn = 0
        self.receiver = None

    def random(self, limit):
        numbers = self.header["random_permille"]
        self.drawn += 1
        return numbers[(self.drawn - 1) % len(numbers)] * limit // 1000

    def handle(self, event):
        if event["type"] == "booted":
            self.receiver = Receiver(self.header["device"], self.random)
        if self.receiver is None:
            return []
        return [encode(action) for action in self.receiver.handle(decode(event, self.image))]


def main():
    judged = Judged()
    for line in sys.stdin:
        document = json.loads(line)
        if "vector" in document:
            judged.begin(document)
        else:
            print(json.dumps({"actions": judged.handle(document["event"])}), flush=True)


if __name__ == "__main__":
    main()
