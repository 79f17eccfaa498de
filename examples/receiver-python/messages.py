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
TIME_LENGTH_MAX = 24
ALGORITHMS = ("ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519")

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
            need(re.match(r"[a-z0-9][a-z0-9-]{0,31}\Z", text_of(signature, "alg")))
            need(len(text_of(signature, "sig")) <= 1024)
            signed = decode_base64(signature["sig"])
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


def units(text):
    """Returns the length of a text as JSON Schema counts it here: in UTF-16 units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def need_text(document, name, high):
    """Requires a text of 1 to `high` units."""
    need(1 <= units(text_of(document, name)) <= high)


def need_list(value, low, high, is_item):
    """Requires a list of `low` to `high` items that all pass a check."""
    need(isinstance(value, list) and low <= len(value) <= high)
    need(all(isinstance(item, str) and is_item(item) for item in value))


def need_number(document, name, low, high):
    """Requires a number, if the member is there."""
    need(name not in document or integer_of(document, name, low, high) is not None)


def is_time(text):
    """Returns whether a text is a time of the protocol. Days are not counted: 31 February is one."""
    found = TIME.match(text)
    if not found or len(text) > TIME_LENGTH_MAX:
        return False
    month, day, hour, minute, second = (int(part) for part in re.findall(r"\d+", text)[1:6])
    return 1 <= month <= 12 and 1 <= day <= 31 and hour <= 23 and minute <= 59 and second <= 59


def parse_offer(payload):
    """Parses an offer."""
    offer = parse_json(payload)
    need(isinstance(offer, dict) and integer_of(offer, "offer", 1, 1))
    need(HEX32.match(text_of(offer, "id")))
    need_text(offer, "topic_root", 45)
    integer_of(offer, "epoch", 1)
    integer_of(offer, "sequence", 1)
    need(is_time(text_of(offer, "issued_at")))
    need("expires_at" not in offer or is_time(text_of(offer, "expires_at")))
    need("release" in offer and (offer["release"] is None or Envelope(offer["release"])))
    need_list(offer.get("chunk_encodings"), 1, 4, re.compile(r"[a-z0-9][a-z0-9-]{0,15}\Z").match)
    for name, low in (("spread_ms", 0), ("restart_spread_ms", 0), ("probation_ms", 1_000), ("probation_max_ms", 1_000)):
        need_number(offer, name, low, 3_600_000)
    need("install_after" not in offer or is_time(text_of(offer, "install_after")))
    if "between" in offer:
        window = offer["between"]
        need(isinstance(window, dict))
        integer_of(window, "start_minute", 0, 1439)
        integer_of(window, "minutes", 1, 1440)
        need_number(window, "offset_minutes", -840, 840)
    need_list(offer.get("critical", []), 0, 16, lambda item: 1 <= units(item) <= 64)
    need_list(offer.get("waive", []), 0, 3, ("chip-id", "project-name", "constraints").__contains__)
    constraints = offer.get("constraints", {})
    need(isinstance(constraints, dict))
    need_number(constraints, "min_battery_percent", 0, 100)
    if "from_images" in constraints:
        need_list(constraints["from_images"], 1, 64, HEX32.match)
    need_target(offer.get("target"))
    return offer


def need_target(target):
    if target == "all":
        return
    need(isinstance(target, dict) and len(set(target) & {"devices", "rollout"}) == 1)
    if "devices" in target:
        return need_list(target["devices"], 1, 256, DEVICE.match)
    rollout = target["rollout"]
    need(isinstance(rollout, dict))
    integer_of(rollout, "permille", 0, 1000)
    need(re.match(r"([0-9a-f]{2}){1,32}\Z", text_of(rollout, "salt")))


def parse_release(payload):
    """Parses a release."""
    release = parse_json(payload)
    need(isinstance(release, dict) and integer_of(release, "release", 1, 1))
    for name, high in (("product", 128), ("hardware", 64), ("version", 128)):
        need_text(release, name, high)
    need(is_time(text_of(release, "created_at")))
    image = release.get("image")
    need(isinstance(image, dict) and HEX64.match(text_of(image, "sha256")))
    need(HEX64.match(text_of(image, "hash_list_sha256")))
    integer_of(image, "chunk_size", CHUNK_SIZE, CHUNK_SIZE)
    integer_of(image, "size", 1, 134_217_728)
    integer_of(image, "secure_version")
    integer_of(image, "chip_id", 0, 65_535)
    return release


def parse_key_set(payload):
    """Parses a key set."""
    keys = parse_json(payload)
    need(isinstance(keys, dict) and integer_of(keys, "keys", 1, 1))
    need_text(keys, "product", 128)
    integer_of(keys, "epoch", 1)
    need(is_time(text_of(keys, "issued_at")))
    need_list(keys.get("revoked"), 0, 64, HEX32.match)
    records, roles = keys.get("records"), keys.get("roles")
    need(isinstance(records, dict) and isinstance(roles, dict))
    for keyid, record in records.items():
        need(isinstance(record, dict) and text_of(record, "alg") in ALGORITHMS)
        need(4 <= len(text_of(record, "spki")) <= 1024)
        need(hashlib.sha256(decode_base64(record["spki"])).hexdigest()[:32] == keyid)
    for name in ("root", "release", "offer"):
        role = roles.get(name)
        need(isinstance(role, dict))
        need_list(role.get("keyids"), 1, 8, records.__contains__)
        need(len(set(role["keyids"])) == len(role["keyids"]))
        integer_of(role, "threshold", 1, len(role["keyids"]))
    return keys


def is_record(record):
    """Returns whether what a device finds in its storage is a record. One that is malformed counts as none."""
    try:
        need(isinstance(record, dict) and isinstance(record.get("accepted"), list) and len(record["accepted"]) == 2)
        need(all(isinstance(number, int) for number in record["accepted"]))
        text_of(record, "payloadSha256")
        if "floor" in record:
            integer_of(record["floor"], "epoch")
            need(is_time(text_of(record["floor"], "time")))
        need(isinstance(record.get("whole", False), bool))
        if "attempt" in record:
            need_ended(record["attempt"])
            integer_of(record["attempt"], "attempts")
            integer_of(record["attempt"], "probationMs")
            need_number(record["attempt"], "probationMaxMs", 0, INTEGER_MAX)
            need(isinstance(record["attempt"].get("proven", False), bool))
        if "outcome" in record:
            need_ended(record["outcome"])
            need(text_of(record["outcome"], "outcome") in ("confirmed", "rolled-back", "failed"))
        return True
    except Malformed:
        return False


def need_ended(part):
    need(isinstance(part, dict) and HEX32.match(text_of(part, "offer")) and HEX64.match(text_of(part, "image")))
    need("error" not in part or text_of(part, "error") is not None)


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
