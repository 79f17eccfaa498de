"""Formats of the delivery protocol: strict JSON, envelopes, chunks, times (docs/protocol.md, "Messages")."""

import base64
import hashlib
import json
import re
from datetime import datetime, timezone

CHUNK_SIZE = 4096
HEADER_SIZE = 20
MESSAGE_SIZE_MAX = 4096
INTEGER_MAX = 2**31 - 1

DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
HEX32 = re.compile(r"[0-9a-f]{32}\Z")
HEX64 = re.compile(r"[0-9a-f]{64}\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")

# An escape of a letter, a digit or one of +-./:=_ hides what devices read as it stands.
PLAIN_ESCAPE = re.compile(r"\\u00(?:2[bdefBDEF]|3[0-9aAdD]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF])|\\/")


class Malformed(Exception):
    """A message that is not what it should be. `code` is the protocol's."""

    def __init__(self, code="protocol/malformed"):
        super().__init__(code)
        self.code = code


def parse_json(data):
    """Parses bytes as strict JSON.

    Raises Malformed if a member occurs twice, a name has a backslash, nesting is deeper than 8, or a number is not an
    integer of at most 31 bits.
    """
    try:
        text = data.decode("utf-8")
        if text.startswith("\ufeff"):
            raise Malformed()
        check_tokens(text)
        return json.loads(
            text,
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_refuse,
            parse_constant=_refuse,
        )
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Malformed() from error


def check_tokens(text):
    """Checks what json.loads does not: depth, backslashes in names, and escapes of plain characters."""
    depth = 0
    for token in re.finditer(r'("(?:[^"\\]|\\.)*")(\s*:)?|[\[\]{}]', text):
        string, is_name = token.group(1), token.group(2)
        if string is None:
            depth += 1 if token.group() in "[{" else -1
            need(depth <= 8)
        elif "\\" in string:
            need(not is_name)
            need(not PLAIN_ESCAPE.search(string))


def _members(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names) or "__proto__" in names:
        raise Malformed()
    return dict(pairs)


def _integer(text):
    value = int(text)
    if abs(value) > INTEGER_MAX or text == "-0":
        raise Malformed()
    return value


def _refuse(_):
    raise Malformed()


def decode_base64(text):
    """Decodes canonical base64."""
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, TypeError) as error:
        raise Malformed() from error
    if base64.b64encode(data).decode() != text:
        raise Malformed()
    return data


class Envelope:
    """Bytes with signatures over them."""

    def __init__(self, document):
        need(isinstance(document, dict))
        signatures = document.get("signatures")
        need(isinstance(signatures, list) and len(signatures) <= 4)
        need(isinstance(document.get("payload"), str))
        self.payload = decode_base64(document["payload"])
        need(len(self.payload) > 0)
        self.signatures = []
        for signature in signatures:
            need(isinstance(signature, dict) and HEX32.match(text_of(signature, "keyid")))
            signed = decode_base64(text_of(signature, "sig"))
            self.signatures.append((signature["keyid"], text_of(signature, "alg"), signed))


def need(condition):
    """Raises Malformed unless a condition holds."""
    if not condition:
        raise Malformed()


def text_of(document, name):
    value = document.get(name)
    need(isinstance(value, str))
    return value


def integer_of(document, name, low=0, high=INTEGER_MAX):
    value = document.get(name)
    need(isinstance(value, int) and not isinstance(value, bool) and low <= value <= high)
    return value


def parse_envelope(data):
    """Parses an envelope of at most 4 096 bytes."""
    if len(data) > MESSAGE_SIZE_MAX:
        raise Malformed("protocol/too-large")
    return Envelope(parse_json(data))


def parse_offer(payload):
    """Parses an offer and checks the members that this receiver reads."""
    offer = parse_json(payload)
    need(isinstance(offer, dict) and offer.get("offer") == 1)
    need(HEX32.match(text_of(offer, "id")) and 1 <= len(text_of(offer, "topic_root").encode()) <= 45)
    integer_of(offer, "epoch", 1)
    integer_of(offer, "sequence", 1)
    need(TIME.match(text_of(offer, "issued_at")))
    need("expires_at" not in offer or TIME.match(text_of(offer, "expires_at")))
    need("release" in offer)
    encodings = offer.get("chunk_encodings")
    need(isinstance(encodings, list) and encodings and all(isinstance(item, str) for item in encodings))
    for name, high in (("spread_ms", 3_600_000), ("probation_ms", 3_600_000)):
        need(name not in offer or integer_of(offer, name, 0, high) is not None)
    for name in ("waive", "critical"):
        need(name not in offer or all(isinstance(item, str) for item in offer[name]))
    target = offer.get("target")
    if target != "all":
        need(isinstance(target, dict) and len(set(target) & {"devices", "rollout"}) == 1)
        if "devices" in target:
            need(all(isinstance(item, str) and DEVICE.match(item) for item in target["devices"]))
        else:
            integer_of(target["rollout"], "permille", 0, 1000)
            need(re.match(r"([0-9a-f]{2}){1,32}\Z", text_of(target["rollout"], "salt")))
    return offer


def parse_release(payload):
    """Parses a release."""
    release = parse_json(payload)
    need(isinstance(release, dict) and release.get("release") == 1)
    for name in ("product", "hardware", "version"):
        text_of(release, name)
    image = release.get("image")
    need(isinstance(image, dict) and HEX64.match(text_of(image, "sha256")))
    need(HEX64.match(text_of(image, "hash_list_sha256")) and image.get("chunk_size") == CHUNK_SIZE)
    integer_of(image, "size", 1, 134_217_728)
    integer_of(image, "secure_version")
    integer_of(image, "chip_id", 0, 65_535)
    return release


def parse_key_set(payload):
    """Parses a key set."""
    keys = parse_json(payload)
    need(isinstance(keys, dict) and keys.get("keys") == 1)
    text_of(keys, "product")
    integer_of(keys, "epoch", 1)
    need(TIME.match(text_of(keys, "issued_at")) and isinstance(keys.get("revoked"), list))
    for name in ("root", "release", "offer"):
        role = keys.get("roles", {}).get(name)
        need(isinstance(role, dict) and isinstance(role.get("keyids"), list) and role["keyids"])
        integer_of(role, "threshold", 1, len(role["keyids"]))
        for keyid in role["keyids"]:
            record = keys.get("records", {}).get(keyid)
            need(isinstance(record, dict))
            need(hashlib.sha256(decode_base64(text_of(record, "spki"))).hexdigest()[:32] == keyid)
    return keys


def parse_chunk(data):
    """Parses a chunk message. Returns (flags, first 8 bytes of the image hash, index, data), or None."""
    if not HEADER_SIZE < len(data) <= HEADER_SIZE + CHUNK_SIZE:
        return None
    magic, version, flags = int.from_bytes(data[0:2], "little"), data[2], data[3]
    length, reserved = int.from_bytes(data[16:18], "little"), int.from_bytes(data[18:20], "little")
    if magic != 0x4254 or version != 1 or flags & ~1 or reserved != 0 or length != len(data) - HEADER_SIZE:
        return None
    return flags, data[4:12], int.from_bytes(data[12:16], "little"), data[HEADER_SIZE:]


def milliseconds(time):
    """Converts an ISO 8601 time in UTC to milliseconds since 1970. Fractions of a second do not count."""
    if time is None:
        return None
    return int(datetime.fromisoformat(time[:19]).replace(tzinfo=timezone.utc).timestamp()) * 1000
