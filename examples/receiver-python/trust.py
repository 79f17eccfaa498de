"""Signatures, and the budgets that keep a flood of them affordable (docs/protocol.md, "Signatures")."""

from messages import decode_base64

KEPT = 4
MINUTE = 60_000


class Fault(Exception):
    """An envelope that is not authentic."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Budget:
    """Verifications of one kind of envelope in any 60 s, and the verdicts that are remembered."""

    def __init__(self, retained, live):
        self.limits = {True: retained, False: live}
        self.spent = {True: [], False: []}
        self.verdicts = {True: {}, False: {}}

    def left(self, retained, now):
        recent = [at for at in self.spent[retained] if at > now - MINUTE]
        self.spent[retained] = recent
        return self.limits[retained] - len(recent)

    def spend(self, retained, now):
        self.spent[retained].append(now)

    def ready_at(self, now):
        """When the whole budget for retained messages is back."""
        self.left(True, now)
        return max([at + MINUTE for at in self.spent[True]], default=now)

    def verdict(self, name):
        return self.verdicts[True].get(name, self.verdicts[False].get(name))

    def remember(self, retained, name, verdict):
        kept = self.verdicts[retained]
        kept[name] = verdict
        while len(kept) > KEPT:
            del kept[next(iter(kept))]

    def forget(self):
        self.verdicts = {True: {}, False: {}}


class Examination:
    """The judgement of one message, between two verifications."""

    def __init__(self, kind, name, retained, allowance, checks, result):
        self.kind, self.name, self.retained, self.result = kind, name, retained, result
        self.allowance = self.left = allowance
        self.checks = checks

    def step(self, valid):
        """Goes on with the answer to the last check. Returns (the next check, None) or (None, the verdict)."""
        try:
            check = self.checks.send(valid)
            if self.left > 0:
                self.left -= 1
                return check, None
            if self.allowance < 8:
                return None, "postponed"
            while True:
                self.checks.send(False)
        except StopIteration:
            return None, "verified"
        except Fault as fault:
            return None, fault.code


def verifications_of(keys, release):
    """Verifications that an authentic offer costs."""
    roles = keys["roles"]
    return roles["offer"]["threshold"] + (0 if release is None else roles["release"]["threshold"])


def offer_checks(keys, offer, release, algorithms):
    yield from role_checks(keys, "offer", "offer", offer, algorithms)
    if release is not None:
        yield from role_checks(keys, "release", "release", release, algorithms)


def key_set_checks(current, following, envelope, algorithms):
    yield from role_checks(current, "root", "keys", envelope, algorithms)
    for role in following["roles"].values():
        usable = [keyid for keyid in role["keyids"] if following["records"][keyid]["alg"] in algorithms]
        if len([keyid for keyid in usable if keyid not in following["revoked"]]) < role["threshold"]:
            raise Fault("signing/unsupported-algorithm")
    yield from role_checks(following, "root", "keys", envelope, algorithms)


def role_checks(keys, role_name, kind, envelope, algorithms):
    """Yields verifications until the threshold of a role is reached. Raises Fault if it is not."""
    role, records = keys["roles"][role_name], keys["records"]
    if not envelope.signatures:
        raise Fault("signing/unsigned")
    trusted = [keyid for keyid in role["keyids"] if keyid not in keys["revoked"]]
    counted, used = set(), set()
    named_first = [(position, [keyid] if keyid in trusted else []) for position, (keyid, _, _) in enumerate(envelope.signatures)]
    then_others = [(position, trusted) for position in range(len(envelope.signatures))]
    for position, candidates in named_first + then_others:
        named, algorithm, signature = envelope.signatures[position]
        tried_first = named if named in trusted else None
        for keyid in candidates:
            if len(counted) >= role["threshold"]:
                return
            is_again = candidates is trusted and keyid == tried_first
            if position in used or keyid in counted or is_again:
                continue
            record = records[keyid]
            if record["alg"] != algorithm or algorithm not in algorithms:
                continue
            valid = yield {
                "algorithm": algorithm,
                "spki": decode_base64(record["spki"]),
                "kind": kind,
                "payload": envelope.payload,
                "signature": signature,
            }
            if valid:
                counted.add(keyid)
                used.add(position)
    if len(counted) < role["threshold"]:
        raise Fault(why(keys, role_name, envelope, counted))


def why(keys, role_name, envelope, counted):
    """The code that says best why too few signatures count."""
    if counted:
        return "signing/threshold"
    codes = [code_of(keys, role_name, keyid) for keyid, _, _ in envelope.signatures]
    for code in ("signing/bad-signature", "signing/revoked-key", "signing/wrong-role"):
        if code in codes:
            return code
    return "signing/unknown-key"


def code_of(keys, role_name, keyid):
    if keyid in keys["revoked"]:
        return "signing/revoked-key"
    if keyid in keys["roles"][role_name]["keyids"]:
        return "signing/bad-signature"
    return "signing/wrong-role" if keyid in keys["records"] else "signing/unknown-key"
