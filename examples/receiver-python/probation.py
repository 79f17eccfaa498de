"""The time in which a new image must prove that it works."""

WHY = {"down": "delivery/network-down", "broker-refused": "delivery/broker-refused"}


class Probation:
    def __init__(self, receiver, attempt, duration, latest):
        self.receiver, self.attempt = receiver, attempt
        self.duration, self.latest, self.extended = duration, latest, False
        self.passed = False
        self.ended = False

    def on_self_test(self, passed):
        if self.ended:
            return
        if not passed:
            return self.roll_back("delivery/self-test-failed")
        self.passed = True
        self.check()

    def wait(self):
        now = self.receiver.now
        at = max(now, min(now + self.duration, self.latest))
        self.receiver.act("set-timer", timer="probation", at=at)

    def on_connected(self):
        if self.extended and not self.passed and not self.ended:
            self.wait()
        self.check()

    def check(self):
        """Confirms the image if it passed its test and is connected."""
        receiver = self.receiver
        if self.ended or not self.passed or not receiver.connected:
            return
        self.ended = True
        if self.attempt:
            receiver.store({**receiver.record, "attempt": {**self.attempt, "proven": True}})
        receiver.flash("mark-valid")

    def time_is_up(self):
        if self.ended:
            return
        receiver = self.receiver
        if receiver.connected:
            return self.roll_back("delivery/self-test-unanswered")
        if receiver.network in ("up", "broker-refused") and receiver.now < self.latest:
            # The broker may be overloaded or on its way back: not the image's fault.
            self.extended = True
            return self.wait()
        self.roll_back(WHY.get(receiver.network, "delivery/broker-not-reached"))

    def roll_back(self, code):
        receiver = self.receiver
        self.ended = True
        self.code = code
        receiver.error = code
        if self.attempt:
            receiver.store({**receiver.record, "attempt": {**self.attempt, "error": code}})
        receiver.report_changes()
        receiver.act("clear-timer", timer="probation")
        receiver.flash("roll-back")

    def on_flash(self, operation, esp_err):
        receiver = self.receiver
        if operation == "mark-valid" and esp_err is not None:
            self.roll_back("delivery/image-rejected")
        elif operation == "mark-valid":
            receiver.end(self.attempt, "confirmed")
            receiver.look_again()
        elif operation == "roll-back" and esp_err is not None:
            receiver.end(self.attempt, "failed", "delivery/no-rollback")
            receiver.look_again()
