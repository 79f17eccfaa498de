"""The download of one image, until the device restarts into it."""

import hashlib

from install import InstallGate
from messages import CHUNK_SIZE, parse_chunk

RETRY_MS, RETRY_MAX_MS = 1_500, 60_000
UNICAST_AFTER, STALLED_AFTER = 3, 5
FLASH_FAILURES_MAX, RANGES_MAX = 3, 64


class Download:
    def __init__(self, receiver, offer, release):
        self.receiver, self.offer, self.image = receiver, offer, release["image"]
        self.size = self.image["size"]
        self.total = (self.size + CHUNK_SIZE - 1) // CHUNK_SIZE
        self.missing = set(range(self.total))
        self.hashes, self.phase = None, "hashes"
        self.cursor, self.writing, self.failures = 0, None, 0
        self.fruitless, self.window_left = 0, 0
        self.saw_chunk_zero, self.started_over = False, False
        self.fault, self.gate = None, None
        # Whether the last reset cut nothing off in the slot.
        self.trusts_flash = receiver.boot["clean_reset"] or receiver.record.get("whole", False)

    @property
    def id(self):
        return self.image["sha256"][:32]

    @property
    def received(self):
        return self.total - len(self.missing)

    @property
    def is_stalled(self):
        return self.fruitless > STALLED_AFTER

    @property
    def is_switching(self):
        return self.phase in ("switch", "condemn")

    def topics(self):
        topic = self.receiver.topic
        return [f"{topic['image']}{self.id}/chunk", topic["chunk"], f"{topic['image']}{self.id}/hashes"]

    def begin(self):
        self.receiver.state = "checking"
        self.join()

    def join(self):
        receiver = self.receiver
        if not receiver.connected:
            return
        for topic in self.topics():
            receiver.act("subscribe", topic=topic)
        if self.phase == "hashes":
            self.await_hashes()
        elif self.phase == "fetch":
            self.ask_within_spread()

    # -- Requests

    def retry(self):
        doubled = min(RETRY_MAX_MS, RETRY_MS * 2 ** min(self.fruitless, 16))
        return doubled + self.receiver.random(RETRY_MS)

    def set_timer(self, delay):
        self.receiver.act("set-timer", timer="request", at=self.receiver.now + delay)

    def await_hashes(self):
        self.set_timer(self.retry())
        self.fruitless += 1

    def ask_within_spread(self):
        spread = self.offer.get("spread_ms", 0)
        if spread == 0:
            return self.ask()
        self.set_timer(self.receiver.random(spread))

    def ask(self):
        receiver = self.receiver
        if not receiver.connected:
            return
        window = receiver.device["window"]
        receiver.publish("request", {
            "protocol": 1,
            "image": self.id,
            "missing": self.ranges(),
            "missing_count": len(self.missing),
            "window": window,
            "unicast": self.fruitless >= UNICAST_AFTER,
        }, retain=False)
        self.window_left = window
        self.set_timer(self.retry())
        self.fruitless += 1

    def ranges(self):
        found = []
        for index in sorted(self.missing):
            if found and sum(found[-1]) == index:
                found[-1][1] += 1
            elif len(found) == RANGES_MAX:
                break
            else:
                found.append([index, 1])
        return found

    def on_timer(self):
        receiver = self.receiver
        if not receiver.connected:
            return
        if self.phase == "hashes":
            receiver.act("subscribe", topic=self.topics()[2])
            self.await_hashes()
        elif self.phase == "fetch":
            self.ask()

    # -- Messages

    def on_hashes(self, image, payload):
        right = image == self.id and len(payload) == 16 * self.total
        if self.phase != "hashes" or not right:
            return
        if hashlib.sha256(payload).hexdigest() != self.image["hash_list_sha256"]:
            return
        self.receiver.act("clear-timer", timer="request")
        self.hashes, self.fruitless = payload, 0
        self.scan()

    def scan(self):
        self.phase, self.cursor = "scan", 0
        self.read()

    def read(self):
        self.receiver.flash("read-flash", offset=self.cursor * CHUNK_SIZE, length=self.length(self.cursor))

    def length(self, index):
        return min(CHUNK_SIZE, self.size - index * CHUNK_SIZE)

    def matches(self, index, data):
        wanted = self.hashes[16 * index:16 * index + 16]
        return len(data) == self.length(index) and hashlib.sha256(data).digest()[:16] == wanted

    def on_chunk(self, payload):
        chunk = parse_chunk(payload)
        if self.phase != "fetch" or chunk is None or self.writing is not None:
            return
        flags, image, index, data = chunk
        if flags or image.hex() != self.image["sha256"][:16] or index not in self.missing:
            return
        if index == 0 and len(self.missing) > 1:
            self.saw_chunk_zero = True
            return
        if not self.matches(index, data):
            return
        self.writing = (index, data)
        self.receiver.flash("erase-sector", offset=index * CHUNK_SIZE)

    # -- Flash

    def on_flash(self, operation, result, esp_err):
        failed = esp_err is not None
        self.advance(operation, result, failed)
        if not failed and self.receiver.download is self and self.receiver.state == "downloading":
            self.receiver.progress()

    def advance(self, operation, result, failed):
        if self.phase == "scan":
            return self.scanned(not failed and self.matches(self.cursor, result["bytes"]))
        if self.phase == "invalidate":
            return self.invalidated(operation, failed)
        if self.phase == "fetch":
            return self.flash_failed() if failed else self.written(operation)
        if self.phase == "verify":
            return self.verified(result)
        if self.phase == "switch":
            return self.switched(failed)
        if self.phase == "condemn":
            return self.fail(self.fault)

    def scanned(self, matched):
        if matched:
            self.missing.discard(self.cursor)
        self.cursor += 1
        if self.cursor < self.total:
            return self.read()
        if self.started_over and not self.missing:
            self.missing = set(range(self.total))
        if not self.trusts_flash:
            self.distrust_gaps()
        if not self.missing:
            return self.verify()
        self.missing.add(0)
        self.phase = "invalidate"
        self.receiver.state = "downloading"
        self.receiver.flash("erase-sector", offset=0)

    def distrust_gaps(self):
        """Half-programmed cells can read right once: chunks next to a gap are fetched again."""
        gaps = set(self.missing) or {0}
        if 0 in gaps:
            gaps.add(self.total - 1)
        beside = {index + step for index in self.missing for step in (-1, 1)}
        self.missing = gaps | {index for index in beside if 0 <= index < self.total}

    def invalidated(self, operation, failed):
        if operation == "erase-sector":
            if failed:
                return self.flash_failed(retry=True)
            if self.receiver.boot["target"]["condemned"]:
                return self.receiver.flash("invalidate-otadata")
        self.phase = "fetch"
        self.ask_within_spread()

    def flash_failed(self, retry=False):
        self.failures += 1
        self.writing = None
        if self.failures >= FLASH_FAILURES_MAX:
            return self.fail("delivery/flash-failed")
        if retry:
            self.receiver.flash("erase-sector", offset=0)

    def written(self, operation):
        if self.writing is None:
            return
        index, data = self.writing
        if operation == "erase-sector":
            return self.receiver.flash("program", offset=index * CHUNK_SIZE, bytes=data)
        self.writing = None
        self.missing.discard(index)
        self.fruitless = 0
        self.receiver.stats["chunks_useful"] += 1
        if not self.missing:
            self.receiver.act("clear-timer", timer="request")
            return self.verify()
        self.window_left = max(0, self.window_left - 1)
        is_spent = self.receiver.device["window"] > 0 and self.window_left == 0
        if is_spent or (self.missing == {0} and self.saw_chunk_zero):
            self.saw_chunk_zero = False
            self.ask()
        else:
            self.set_timer(self.retry())

    def verify(self):
        self.phase = "verify"
        self.receiver.state = "verifying"
        self.receiver.flash("verify-image", length=self.size)

    def verified(self, result):
        if result is None:
            return self.start_over("delivery/image-rejected")
        if result["stored_sha256"] != self.image["sha256"]:
            return self.start_over("delivery/image-mismatch")
        found = result["image"]
        if "esp_err" in found:
            return self.condemn("delivery/image-rejected")
        if found["sha256"] != self.image["sha256"]:
            return self.condemn("delivery/image-mismatch")
        if found["chip_id"] != self.image["chip_id"]:
            return self.condemn("offer/wrong-chip")
        if found["secure_version"] != self.image["secure_version"]:
            return self.condemn("offer/secure-version")
        waived = "project-name" in self.offer.get("waive", [])
        if not waived and found["project_name"] != self.receiver.boot["running"]["project_name"]:
            return self.condemn("offer/wrong-project")
        self.phase = "ready"
        self.receiver.state = "ready-to-reboot"
        self.gate = InstallGate(self.offer, self.receiver.now, self.receiver.random)
        self.proceed()

    def start_over(self, code):
        if self.started_over:
            return self.condemn(code)
        self.started_over = True
        self.missing = set(range(self.total))
        self.receiver.state = "checking"
        self.scan()

    def condemn(self, code):
        """Makes an image that must not run unbootable."""
        self.phase, self.fault = "condemn", code
        self.receiver.flash("erase-sector", offset=0)

    def proceed(self):
        """Starts a verified image, unless something holds it back."""
        receiver = self.receiver
        if self.phase != "ready":
            return
        decision, until = self.gate.decide(receiver.now, receiver.utc(), receiver.may_reboot)
        if decision == "switch":
            return self.switch()
        if until is not None:
            receiver.act("set-timer", timer="install", at=until)
        if not receiver.record.get("whole"):
            receiver.store({**receiver.record, "whole": True})

    def switch(self):
        receiver = self.receiver
        self.phase = "switch"
        before = receiver.record.get("attempt")
        starts = before["attempts"] if before and before["offer"] == self.offer["id"] else 0
        attempt = {"offer": self.offer["id"], "image": self.image["sha256"], "attempts": starts + 1,
                   "probationMs": self.offer.get("probation_ms", 60_000)}
        if "probation_max_ms" in self.offer:
            attempt["probationMaxMs"] = self.offer["probation_max_ms"]
        receiver.store({**receiver.record, "attempt": attempt})
        receiver.flash("set-boot-partition")

    def switched(self, failed):
        if failed:
            return self.fail("delivery/image-rejected")
        if self.receiver.connected:
            self.receiver.publish_report()
        self.receiver.act("reboot")

    def fail(self, code):
        receiver = self.receiver
        receiver.end({"offer": self.offer["id"], "image": self.image["sha256"]}, "failed", code)
        receiver.leave_download()
        receiver.look_again()
