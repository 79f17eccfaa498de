"""Public keys of key sets: which are well-formed, and which the protocol knows (docs/protocol.md, "Key sets")."""

EC, P256 = bytes.fromhex("2a8648ce3d0201"), bytes.fromhex("2a8648ce3d030107")
RSA, ED25519 = bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2b6570")
INTEGER, BIT_STRING, NULL, OBJECT_ID, SEQUENCE = 0x02, 0x03, 0x05, 0x06, 0x30

PRIME = 2**256 - 2**224 + 2**192 + 2**96 - 1
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B

MALFORMED, UNSUPPORTED = "signing/key-malformed", "signing/key-unsupported"


class NotDer(Exception):
    """Bytes that are not the DER that was expected."""


def take(der, tag):
    """Returns the content of the first element, and what follows it."""
    if len(der) < 2 or der[0] != tag:
        raise NotDer()
    length, header = der[1], 2
    if length >= 0x80:
        count = length - 0x80
        if not 1 <= count <= 2 or len(der) < 2 + count:
            raise NotDer()
        length, header = int.from_bytes(der[2:2 + count], "big"), 2 + count
        if length < (0x80 if count == 1 else 0x100):
            raise NotDer()
    if len(der) < header + length:
        raise NotDer()
    return der[header:header + length], der[header + length:]


def take_only(der, tag):
    content, rest = take(der, tag)
    if rest:
        raise NotDer()
    return content


def take_positive(der):
    content, rest = take(der, INTEGER)
    if not content or content[0] >= 0x80 or (content[0] == 0 and (len(content) < 2 or content[1] < 0x80)):
        raise NotDer()
    return int.from_bytes(content, "big"), rest


def key_problem(spki, algorithm):
    """Returns the code of what is wrong with a key, None if nothing is."""
    try:
        algorithm_info, bits = take(take_only(spki, SEQUENCE), SEQUENCE)
        kind, parameters = take(algorithm_info, OBJECT_ID)
        key = take_only(bits, BIT_STRING)
        if not key or key[0] != 0:
            raise NotDer()
        if kind == EC:
            found, problem = "ecdsa-p256-sha256", ec_problem(parameters, key[1:])
        elif kind == RSA:
            found, problem = "rsa-pkcs1v15-sha256", rsa_problem(parameters, key[1:])
        elif kind == ED25519:
            found, problem = "ed25519", MALFORMED if parameters or len(key) != 33 else None
        else:
            return UNSUPPORTED
    except NotDer:
        return MALFORMED
    return problem or (None if found == algorithm else UNSUPPORTED)


def ec_problem(parameters, point):
    try:
        if take_only(parameters, OBJECT_ID) != P256:
            return UNSUPPORTED
    except NotDer:
        return UNSUPPORTED
    if len(point) == 33 and point[0] in (2, 3):
        return UNSUPPORTED
    if len(point) != 65 or point[0] != 4:
        return MALFORMED
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    is_point = x < PRIME and y < PRIME and (y * y - x * x * x + 3 * x - B) % PRIME == 0
    return None if is_point else MALFORMED


def rsa_problem(parameters, key):
    if take_only(parameters, NULL):
        return MALFORMED
    modulus, rest = take_positive(take_only(key, SEQUENCE))
    exponent, rest = take_positive(rest)
    if rest:
        return MALFORMED
    if not 2048 <= modulus.bit_length() <= 4096 or exponent != 65537:
        return UNSUPPORTED
    return None if modulus % 2 else MALFORMED
