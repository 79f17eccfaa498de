"""Signatures, and the budgets that keep a flood of them affordable (docs/protocol.md, "Signatures")."""

from messages import decode_base64
from public_keys import key_problem

KEPT = 4
MINUTE = 60_000

# Of several signatures, the one that was most likely meant to count says why an envelope is refused.
LIKELIEST = ("signing/bad-signature", "signing/wrong-algorithm", "signing/unsupported-algorithm")
LIKELIEST += ("signing/revoked-key", "signing/wrong-role")


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
    problem = key_set_problem(following, algorithms)
    if problem:
        raise Fault(problem)
    yield from role_checks(following, "root", "keys", envelope, algorithms)


def key_set_problem(keys, algorithms):
    """Returns why a device can't use a key set, None if it can."""
    for record in keys["records"].values():
        problem = key_problem(decode_base64(record["spki"]), record["alg"])
        if problem:
            return problem
    for role in keys["roles"].values():
        if len([keyid for keyid in role["keyids"] if keys["records"][keyid]["alg"] in algorithms]) < role["threshold"]:
            return "signing/unsupported-algorithm"
    return None


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
        raise Fault(why(keys, role_name, envelope, counted, algorithms))


def why(keys, role_name, envelope, counted, algorithms):
    """The code that says best why too few signatures count."""
    if counted:
        return "signing/threshold"
    codes = [code_of(keys, role_name, keyid, named, algorithms) for keyid, named, _ in envelope.signatures]
    for code in LIKELIEST:
        if code in codes:
            return code
    return "signing/unknown-key"


def code_of(keys, role_name, keyid, named, algorithms):
    if keyid in keys["revoked"]:
        return "signing/revoked-key"
    if keyid not in keys["records"]:
        return "signing/unknown-key"
    if keyid not in keys["roles"][role_name]["keyids"]:
        return "signing/wrong-role"
    algorithm = keys["records"][keyid]["alg"]
    if algorithm not in algorithms:
        return "signing/unsupported-algorithm"
    return "signing/bad-signature" if algorithm == named else "signing/wrong-algorithm"
