"""The device's side of the delivery protocol as a state machine: events go in, actions come out.

Written from docs/protocol.md and vectors/v1 alone. Events and actions are dictionaries in the words of
vectors/v1/README.md; bytes are bytes.
"""

import hashlib
import json
import re

from download import Download
from install import needs_clock
from messages import INTEGER_MAX, Envelope, Malformed, is_record, milliseconds
from messages import parse_envelope, parse_key_set, parse_offer, parse_release
from probation import Probation
from trust import Budget, Examination, key_set_checks, key_set_problem, offer_checks, verifications_of

REPORT_MS, PROBATION_MS, PROBATION_MAX_MS, ASK_MS = 1_000, 60_000, 900_000, 60_000
STARTS_MAX = 2
FLASH = {"read-flash", "erase-sector", "program", "verify-image", "invalidate-otadata", "set-boot-partition"}
FLASH |= {"mark-valid", "roll-back"}
ANSWERS_MAX, ANSWERS_KEPT = 8, 1
UTC_MAX = 253_402_300_799_999  # the last millisecond of the year 9999

# White space that may stand around the name of a chip.
SPACE = " \t\n\v\f\r\u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))

# Names that an offer's `critical` may have: members that this receiver knows, and encodings.
KNOWN = {"target", "constraints", "from_images", "min_battery_percent", "waive", "expires_at", "spread_ms"}
KNOWN |= {"probation_ms", "probation_max_ms", "restart_spread_ms", "install_after", "between", "identity", "offer", "id", "topic_root", "epoch", "sequence", "issued_at", "release"}
KNOWN |= {"chunk_encodings", "critical"}

CHIPS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c2": 12, "esp32c6": 13, "esp32h2": 16}
CHIPS |= {"esp32p4": 18, "esp32c61": 20, "esp32c5": 23, "esp32h21": 25, "esp32h4": 28, "esp32s31": 32}


def sha256(data):
    return hashlib.sha256(data).digest()


def is_epoch(level):
    return re.match(r"[1-9][0-9]{0,9}\Z", level) is not None and int(level) <= INTEGER_MAX


class Receiver:
    """One life of a device, from boot to reset. `random(limit)` returns an integer below `limit`."""

    def __init__(self, device, random):
        self.device, self.random = device, random
        base = f"{device['topic_root']}/v1"
        self.topic = {
            "offer": f"{base}/offer",
            "own": f"{base}/device/{device['device']}/offer",
            "request": f"{base}/device/{device['device']}/request",
            "state": f"{base}/device/{device['device']}/state",
            "chunk": f"{base}/device/{device['device']}/chunk",
            "keys": f"{base}/keys/",
            "image": f"{base}/image/",
        }
        self.out, self.now, self.connected = [], 0, False
        self.boot, self.record = None, {"accepted": [0, 0], "payloadSha256": ""}
        # Locked: the stored key set can't be used, and what it demands can't be known.
        self.keys, self.locked = None, False
        self.state, self.offer_id, self.image, self.error = "idle", None, None, None
        self.download, self.probation = None, None
        self.clock, self.network, self.may_reboot = None, None, True
        self.awaits_clock = False
        self.refused, self.stats = None, {"chunks_received": 0, "chunks_useful": 0, "requests": 0}
        self.examination = None
        self.flash_open, self.flash_held, self.programming = False, None, False
        self.budgets = {"offer": Budget(16, 8), "keys": Budget(8, 8)}
        self.asked_at, self.verify_timer, self.offer_waits = None, False, False
        self.answered, self.must_renew_will = [], False
        self.reported, self.reported_at, self.report_timer = None, 0, False

    # -- Events ---------------------------------------------------------------------------------------------------

    def handle(self, event):
        """Handles one event. Returns the actions, in order."""
        self.out, self.now = [], event["now"]
        kind = event["type"]
        if kind == "booted":
            self.on_booted(event)
        elif self.boot is not None:
            getattr(self, "on_" + kind.replace("-", "_"))(event)
        self.report_changes()
        if self.must_renew_will and self.connected:
            self.act("renew-will")
        self.must_renew_will = False
        return self.out

    def act(self, action, **members):
        if action in FLASH:
            if action == "erase-sector" and self.download and self.record.get("whole"):
                self.store({name: value for name, value in self.record.items() if name != "whole"})
            if self.flash_open:
                # An activity ended while its last operation was under way.
                self.flash_held = (action, members)
                return
            self.flash_open = True
            self.programming = action == "program"
        self.out.append({"type": action, **members})

    def on_booted(self, event):
        self.boot = event
        if is_record(event.get("record")):
            self.record = event["record"]
        provisioned, stored = self.device["key_set"], event.get("key_set")
        self.keys = provisioned
        if provisioned and (not self.is_ours(stored) or stored["epoch"] < provisioned["epoch"]):
            self.act("store-key-set", key_set=provisioned)
        elif stored and (not provisioned or stored["epoch"] > provisioned["epoch"]):
            is_usable = self.is_ours(stored) and not key_set_problem(stored, self.device["algorithms"])
            self.keys, self.locked = (stored, False) if is_usable else (None, True)
        self.decide_at_boot()

    def is_ours(self, keys):
        return keys is not None and keys["product"] == self.device["product"]

    def decide_at_boot(self):
        running, attempt = self.boot["running"], self.record.get("attempt")
        pending = running["pending_verify"]
        if attempt is None:
            if pending:
                return self.begin_probation(None)
            outcome = self.record.get("outcome")
            return self.rest_with(outcome) if outcome else None
        self.offer_id, self.image = attempt["offer"], attempt["image"]
        if attempt["image"] == running["sha256"]:
            if pending:
                return self.begin_probation(attempt)
            if attempt.get("proven"):
                return self.end(attempt, "confirmed")
            if attempt["attempts"] < STARTS_MAX:
                attempt = {**attempt, "attempts": attempt["attempts"] + 1}
                self.store({**self.record, "attempt": attempt})
                return self.begin_probation(attempt)
            self.begin_probation(attempt, timer=False)
            return self.roll_back("delivery/attempts-exhausted")
        if pending:
            self.begin_probation(attempt, timer=False)
            return self.roll_back("delivery/image-mismatch")
        if "error" in attempt or attempt["attempts"] >= STARTS_MAX:
            self.state = "rolled-back"
            self.error = attempt.get("error", "delivery/self-test-failed")
            return self.flash("erase-sector", offset=0)
        outcome = self.record.get("outcome")
        return self.rest_with(outcome) if outcome else None

    def rest_with(self, outcome):
        self.offer_id, self.image, self.error = outcome["offer"], outcome["image"], outcome.get("error")
        is_gone = outcome["outcome"] == "confirmed" and outcome["image"] != self.boot["running"]["sha256"]
        self.state = "idle" if is_gone else outcome["outcome"]

    def on_connected(self, _):
        self.connected = True
        self.asked_at = self.now
        self.subscribe_to_offers()
        self.publish_report()
        if self.download:
            self.download.join()
        if self.probation:
            self.probation.on_connected()

    def on_disconnected(self, _):
        self.connected = False

    def on_message(self, event):
        topic, payload = event["topic"], event["payload"]
        retained = event["retained"]
        if topic in (self.topic["offer"], self.topic["own"]):
            self.on_offer(payload, retained)
        elif topic.startswith(self.topic["keys"]) and is_epoch(topic[len(self.topic["keys"]):]):
            self.on_key_set(payload, retained)
        elif topic.startswith(self.topic["image"]) and topic.endswith("/hashes"):
            if self.download:
                self.download.on_hashes(topic.split("/")[-2], payload)
        elif topic.endswith("/chunk"):
            self.stats["chunks_received"] += 1
            if self.download and self.examination is None:
                self.download.on_chunk(payload)

    def on_timer(self, event):
        timer = event["timer"]
        if timer == "report":
            self.report_timer = False
            if self.connected and self.download:
                self.publish_report()
        elif timer == "verify":
            self.on_verify_timer()
        elif timer == "request" and self.download:
            self.download.on_timer()
        elif timer == "install" and self.download:
            self.download.proceed()
        elif timer == "probation" and self.probation:
            self.probation.time_is_up()

    def on_flash_done(self, event):
        self.on_flash(event["result"]["operation"], event["result"], None)

    def on_flash_failed(self, event):
        self.on_flash(event["operation"], None, event["esp_err"])

    def on_flash(self, operation, result, esp_err):
        held, self.flash_open, self.flash_held = self.flash_held, False, None
        self.programming = False
        if held:
            # The answer is of the former activity.
            return self.act(held[0], **held[1])
        if self.download:
            self.download.on_flash(operation, result, esp_err)
        elif self.probation:
            self.probation.on_flash(operation, esp_err)
        elif self.state == "rolled-back" and operation == "erase-sector":
            self.end(self.record["attempt"], "rolled-back", self.error)
            self.look_again()

    def on_verified(self, event):
        if self.examination is not None:
            self.go_on(event["valid"])

    def on_self_test(self, event):
        if self.probation:
            self.probation.on_self_test(event["passed"])

    def on_cancel(self, _):
        if self.download:
            self.leave_download()
            self.state, self.error = "idle", None

    def on_clock(self, event):
        utc = event.get("utc")
        self.clock = None if utc is None or utc > UTC_MAX else utc - self.now
        if self.clock is not None and self.awaits_clock:
            # The broker repeats the offer that was rejected for want of a clock.
            self.awaits_clock = False
            self.look_for_offers()
        if self.download:
            self.download.proceed()

    def utc(self):
        return None if self.clock is None else self.clock + self.now

    def on_network(self, event):
        self.network = event["status"]

    def on_may_reboot(self, event):
        self.may_reboot = event["allowed"]
        if self.download:
            self.download.proceed()

    # -- Envelopes ------------------------------------------------------------------------------------------------

    def on_offer(self, payload, retained):
        if not payload:
            return
        try:
            envelope = parse_envelope(payload)
            offer = parse_offer(envelope.payload)
            if not self.is_for_us(offer):
                return
            number = [offer["epoch"], offer["sequence"]]
            if retained and self.is_old(number):
                return
            if self.keys and offer["epoch"] != self.keys["epoch"]:
                if offer["epoch"] > self.keys["epoch"]:
                    return self.answer("waiting", offer["id"], "offer/wrong-epoch")
                return self.refuse("offer/wrong-epoch", offer["id"])
            if number < self.record["accepted"]:
                return self.refuse("offer/stale", offer["id"])
            sealed = None if offer["release"] is None else Envelope(offer["release"])
            release = None if sealed is None else parse_release(sealed.payload)
        except Malformed as error:
            return self.count(error.code)
        if self.is_busy():
            return self.postpone("offer")
        accepted = (offer, release, sha256(envelope.payload).hex())
        if not self.keys:
            if self.locked or not self.device["allow_unsigned"]:
                return self.refuse("offer/untrusted", offer["id"])
            return self.on_authentic(*accepted)
        checks = offer_checks(self.keys, envelope, sealed, self.device["algorithms"])
        cost = verifications_of(self.keys, sealed)
        self.examine("offer", payload, retained, cost, checks, accepted)

    def is_for_us(self, offer):
        target, name = offer["target"], self.device["device"]
        if offer["topic_root"] != self.device["topic_root"]:
            return False
        if target == "all":
            return True
        if "devices" in target:
            return name in target["devices"]
        salted = sha256(bytes.fromhex(target["rollout"]["salt"]) + name.encode())
        return int.from_bytes(salted[:4], "big") % 1000 < target["rollout"]["permille"]

    def is_old(self, number):
        accepted = self.record["accepted"]
        if number < accepted:
            return True
        return number == accepted and self.keys is not None and number[0] < self.keys["epoch"]

    def on_key_set(self, payload, retained):
        if not self.keys or not payload:
            return
        if self.is_busy():
            return self.postpone("keys")
        try:
            envelope = parse_envelope(payload)
            keys = parse_key_set(envelope.payload)
        except Malformed as error:
            return self.count(error.code)
        if keys["epoch"] != self.keys["epoch"] + 1:
            return self.count("signing/key-set-epoch")
        if keys["product"] != self.device["product"]:
            return self.count("signing/key-set-product")
        checks = key_set_checks(self.keys, keys, envelope, self.device["algorithms"])
        cost = self.keys["roles"]["root"]["threshold"] + keys["roles"]["root"]["threshold"]
        self.examine("keys", payload, retained, cost, checks, keys)

    def is_busy(self):
        is_writing = self.programming or (self.download is not None and self.download.writing is not None)
        return self.examination is not None or is_writing

    def examine(self, kind, payload, retained, cost, checks, result):
        budget = self.budgets[kind]
        name = sha256(payload)
        known = budget.verdict(name)
        if known is not None:
            return self.conclude(kind, known, result)
        allowance = min(8, budget.left(retained, self.now))
        if cost > allowance:
            return self.postpone(kind)
        self.examination = Examination(kind, name, retained, allowance, checks, result)
        self.go_on(None)

    def go_on(self, valid):
        examination = self.examination
        budget = self.budgets[examination.kind]
        check, verdict = examination.step(valid)
        if check is not None:
            budget.spend(examination.retained, self.now)
            return self.act("verify", **check)
        self.examination = None
        if verdict == "postponed":
            return self.postpone(examination.kind)
        budget.remember(examination.retained, examination.name, verdict)
        self.conclude(examination.kind, verdict, examination.result)

    def conclude(self, kind, verdict, result):
        if kind == "offer":
            if verdict != "verified":
                return self.refuse(verdict, result[0]["id"])
            return self.on_authentic(*result)
        if verdict != "verified":
            return self.count(verdict)
        self.take_key_set(result)

    def postpone(self, kind):
        if not self.verify_timer:
            self.verify_timer = True
            self.set_verify_timer()

    def set_verify_timer(self):
        ready = max(budget.ready_at(self.now) for budget in self.budgets.values())
        asked = self.now if self.asked_at is None else self.asked_at + ASK_MS
        self.act("set-timer", timer="verify", at=max(ready, asked, self.now))

    def on_verify_timer(self):
        ready = max(budget.ready_at(self.now) for budget in self.budgets.values())
        if ready > self.now:
            return self.set_verify_timer()
        self.verify_timer = False
        self.look_for_offers()

    def look_for_offers(self):
        """Subscribes to key sets and offers again, so that the broker repeats them."""
        if not self.connected:
            return
        self.asked_at = self.now
        self.subscribe_to_offers()

    def count(self, code):
        self.refused = {"count": (self.refused or {"count": 0})["count"] + 1, "code": code}

    def refuse(self, code, offer_id):
        self.count(code)
        self.answer("rejected", offer_id, code, is_authentic=False)

    def answer(self, state, offer_id, code=None, is_authentic=True):
        """Publishes a report that is not retained, for the sender of one offer."""
        if not self.connected or not self.may_answer(is_authentic):
            return
        report = self.report(True)
        for name in ("image", "error", "stalled"):
            report.pop(name, None)
        report |= {"state": state, "offer": offer_id}
        if code:
            report["error"] = {"code": code, "message": ""}
        self.publish("state", report, retain=False)

    def may_answer(self, is_authentic):
        self.answered = [at for at in self.answered if at > self.now - 60_000]
        if len(self.answered) >= ANSWERS_MAX - (0 if is_authentic else ANSWERS_KEPT):
            return False
        self.answered.append(self.now)
        return True

    def take_key_set(self, keys):
        before = self.keys
        self.keys = keys
        for budget in self.budgets.values():
            budget.forget()
        self.act("store-key-set", key_set=keys)
        if self.connected:
            self.act("unsubscribe", topic=f"{self.topic['keys']}{before['epoch'] + 1}")
            self.subscribe_to_offers()
        self.asked_at = self.now
        if self.download and not self.download.is_switching:
            self.leave_download()
            self.state, self.error = "rejected", "offer/wrong-epoch"

    def on_authentic(self, offer, release, payload_hash):
        number = [offer["epoch"], offer["sequence"]]
        if number == self.record["accepted"]:
            if payload_hash != self.record["payloadSha256"]:
                return self.refuse("offer/sequence-conflict", offer["id"])
            if self.is_under_way_or_ended(offer):
                return
        elif number < self.record["accepted"]:
            return self.refuse("offer/stale", offer["id"])
        if self.probation or (self.download and self.download.is_switching) or self.is_condemning():
            self.offer_waits = True
            return self.answer("waiting", offer["id"])
        # An accepted offer was taken while the device knew the time. After a reset it waits for the time to come back.
        has_clock = self.clock is not None or number == self.record["accepted"]
        fault = None if release is None else self.release_fault(offer, release, has_clock)
        if fault is not None:
            return self.reject(offer, fault)
        self.accept(offer, release, number, payload_hash)

    def is_condemning(self):
        return self.state == "rolled-back" and "attempt" in self.record

    def is_under_way_or_ended(self, offer):
        outcome = self.record.get("outcome")
        if outcome and outcome["offer"] == offer["id"] and not self.download:
            is_gone = outcome["outcome"] == "confirmed" and outcome["image"] != self.boot["running"]["sha256"]
            if not is_gone:
                self.rest_with(outcome)
            return not is_gone
        attempt = self.record.get("attempt")
        if self.probation and attempt and attempt["offer"] == offer["id"]:
            return True
        return self.offer_id == offer["id"] and (self.download is not None or self.error == "offer/withdrawn")

    def release_fault(self, offer, release, has_clock):
        waived, image, boot = offer.get("waive", []), release["image"], self.boot
        running, target = boot["running"], boot.get("target")
        if any(name not in KNOWN for name in offer.get("critical", [])) or "identity" not in offer["chunk_encodings"]:
            return "offer/unsupported"
        if needs_clock(offer) and not has_clock:
            self.awaits_clock = True
            return "offer/unsupported"
        expires, time = milliseconds(offer.get("expires_at")), self.time()
        if expires is not None and time is not None and expires < time:
            return "offer/expired"
        if release["product"] != self.device["product"]:
            return "offer/wrong-product"
        if "chip-id" not in waived:
            if image["chip_id"] != self.device["chip_id"]:
                return "offer/wrong-chip"
            chip = CHIPS.get(re.sub("[-_ ]", "", release["hardware"].strip(SPACE).lower()))
            if chip not in (None, 0, self.device["chip_id"]):
                return "offer/wrong-hardware"
        if image["secure_version"] < boot["secure_version"]:
            return "offer/secure-version"
        images = offer.get("constraints", {}).get("from_images")
        if images is not None and running["sha256"][:32] not in images and "constraints" not in waived:
            return "offer/constraint"
        if image["sha256"] == running["sha256"]:
            return None
        if target is None:
            return "offer/no-slot"
        return "offer/too-large" if image["size"] > target["size_bytes"] else None

    def time(self):
        """A time that is past for certain, in milliseconds since 1970."""
        floor = self.record.get("floor")
        times = [milliseconds(self.boot["running"].get("built_at"))]
        times.append(milliseconds(self.keys["issued_at"]) if self.keys else None)
        if floor and (not self.keys or floor["epoch"] == self.keys["epoch"]):
            times.append(milliseconds(floor["time"]))
        times.append(self.utc())
        known = [time for time in times if time is not None]
        return max(known) if known else None

    def reject(self, offer, code):
        self.raise_floor(offer)
        if self.download or self.probation or "outcome" in self.record and self.record["outcome"]["offer"] == self.offer_id:
            return self.answer("rejected", offer["id"], code)
        is_said = self.state == "rejected" and self.offer_id == offer["id"]
        if is_said or not self.may_answer(True):
            return
        self.state, self.offer_id, self.image, self.error = "rejected", offer["id"], None, code

    def raise_floor(self, offer):
        """A signed offer tells the time even if the device can't take it."""
        if not self.keys:
            return
        known = [self.boot["running"].get("built_at"), self.keys["issued_at"]]
        floor = self.record.get("floor")
        if floor and floor["epoch"] == offer["epoch"]:
            known.append(floor["time"])
        if all(milliseconds(time) < milliseconds(offer["issued_at"]) for time in known if time is not None):
            self.store({**self.record, "floor": {"epoch": offer["epoch"], "time": offer["issued_at"]}})

    def accept(self, offer, release, number, payload_hash):
        floor = self.record.get("floor")
        issued = {"epoch": offer["epoch"], "time": offer["issued_at"]}
        if not floor or floor["epoch"] != issued["epoch"] or milliseconds(issued["time"]) >= milliseconds(floor["time"]):
            floor = issued
        record = {"accepted": number, "payloadSha256": payload_hash, "floor": floor}
        if number == self.record["accepted"]:
            record |= {name: self.record[name] for name in ("whole", "attempt") if name in self.record}
        before, self.download = self.download, None
        if before is not None:
            self.act("clear-timer", timer="request")
        is_new_download = release is not None and release["image"]["sha256"] != self.boot["running"]["sha256"]
        self.download = Download(self, offer, release) if is_new_download else None
        self.leave_topics(before)
        if number != self.record["accepted"]:
            self.store(record)
        self.offer_id, self.error = offer["id"], None
        if not is_new_download:
            if release is None:
                self.state, self.image, self.error = "idle", None, "offer/withdrawn"
                self.must_renew_will = True
                return
            return self.end({"offer": offer["id"], "image": release["image"]["sha256"]}, "confirmed")
        self.image = release["image"]["sha256"]
        self.download.begin()

    # -- Helpers of all activities ----------------------------------------------------------------------------------

    def store(self, record):
        self.record = record
        self.act("store", record=record)

    def flash(self, operation, **members):
        self.act(operation, **members)

    def subscribe_to_offers(self):
        if self.keys and self.keys["epoch"] < INTEGER_MAX:
            self.act("subscribe", topic=f"{self.topic['keys']}{self.keys['epoch'] + 1}")
        self.act("subscribe", topic=self.topic["offer"])
        self.act("subscribe", topic=self.topic["own"])

    def look_again(self):
        """Subscribes again for an offer that had to wait."""
        if self.offer_waits and self.connected:
            self.subscribe_to_offers()
        self.offer_waits = False

    def leave_topics(self, before):
        """Leaves the topics of a download, except those that the next one joins: a broker may handle both at once."""
        if before is None:
            return
        keep = self.download.topics() if self.download else []
        for topic in before.topics() if self.connected else []:
            if topic not in keep:
                self.act("unsubscribe", topic=topic)

    def leave_download(self):
        before, self.download = self.download, None
        if before is not None:
            self.act("clear-timer", timer="request")
        self.leave_topics(before)

    def begin_probation(self, attempt, timer=True):
        self.state = "pending-verify"
        attempt_times = attempt or {}
        duration = attempt_times.get("probationMs", PROBATION_MS)
        longest = attempt_times.get("probationMaxMs", PROBATION_MAX_MS)
        self.probation = Probation(self, attempt, duration, self.now + max(duration, longest))
        if timer:
            self.probation.wait()

    def roll_back(self, code):
        self.probation.roll_back(code)

    def end(self, attempt, outcome, error=None):
        """Records how an offer ended."""
        self.probation = None
        self.state, self.error = outcome, error
        record = {name: value for name, value in self.record.items() if name not in ("attempt", "whole")}
        if attempt:
            ended = {"offer": attempt["offer"], "image": attempt["image"], "outcome": outcome}
            self.offer_id, self.image = attempt["offer"], attempt["image"]
            self.store({**record, "outcome": {**ended, "error": error} if error else ended})
        if self.download is None:
            self.act("clear-timer", timer="probation")
        self.must_renew_will = True

    # -- Reports ----------------------------------------------------------------------------------------------------

    def report(self, online):
        """Returns the state report as it would be sent now."""
        running, download = self.boot["running"], self.download
        report = {"protocol": 1, "device": self.device["device"], "state": self.state}
        if self.offer_id:
            report["offer"] = self.offer_id
        if self.image:
            report["image"] = self.image[:32]
        report |= {"version": running["version"], "slot": running["slot"], "running_sha256": running["sha256"]}
        report |= {"received": download.received if download else 0, "total": download.total if download else 0}
        report["accepted"] = self.record["accepted"]
        if self.keys:
            report["key_set"] = self.keys["epoch"]
        if self.refused:
            report["refused"] = self.refused
        report |= {"rollback": self.boot["rollback"], "clock": self.clock is not None, "online": online}
        report["boot_count"] = self.boot["boot_count"]
        if download and download.is_stalled:
            report["stalled"] = True
        if self.error:
            report["error"] = {"code": self.error, "message": ""}
        return report

    def publish(self, leaf, document, retain):
        payload = json.dumps(document, separators=(",", ":")).encode()
        self.act("publish", topic=self.topic[leaf], payload=payload, qos=1, retain=retain)

    def publish_report(self):
        self.reported, self.reported_at = self.report_key(), self.now
        self.publish("state", self.report(True), retain=True)

    def report_key(self):
        stalled = self.download is not None and self.download.is_stalled
        return (self.state, self.offer_id, self.error, tuple(self.record["accepted"]),
                self.keys["epoch"] if self.keys else None, self.clock is not None, stalled)

    def report_changes(self):
        if not self.connected or self.boot is None:
            return
        if self.reported != self.report_key():
            return self.publish_report()

    def progress(self):
        """Reports progress at most once a second."""
        if not self.connected or self.report_timer:
            return
        if self.now >= self.reported_at + REPORT_MS:
            return self.publish_report()
        self.report_timer = True
        self.act("set-timer", timer="report", at=self.reported_at + REPORT_MS)
