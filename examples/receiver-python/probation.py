"""The time in which a new image must prove that it works."""

WHY = {"down": "delivery/network-down", "broker-refused": "delivery/broker-refused"}


class Probation:
    def __init__(self, receiver, attempt):
        self.receiver, self.attempt = receiver, attempt
        self.passed, self.reached = False, False
        self.ended = False

    def on_self_test(self, passed):
        if self.ended:
            return
        if not passed:
            return self.roll_back("delivery/self-test-failed")
        self.passed = True
        self.check()

    def check(self):
        """Confirms the image once it reached the broker and passed its test."""
        receiver = self.receiver
        self.reached = self.reached or receiver.connected
        if self.ended or not self.passed or not self.reached:
            return
        self.ended = True
        if self.attempt:
            receiver.store({**receiver.record, "attempt": {**self.attempt, "proven": True}})
        receiver.flash("mark-valid")

    def time_is_up(self):
        if self.ended:
            return
        code = "delivery/self-test-failed"
        if not self.reached:
            code = WHY.get(self.receiver.network, "delivery/broker-not-reached")
        self.roll_back(code)

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
