"""When a verified image may be started: the application, the offer's time, and the spread of restarts."""

from messages import milliseconds

MINUTE_MS, DAY_MS = 60_000, 86_400_000
LOOK_AGAIN_MS, CLOCK_WAIT_MS = 3_600_000, 60_000


def needs_clock(offer):
    """Returns True if the offer insists on a time to install, which only a device that knows the time can keep."""
    return any(name in offer and name in offer.get("critical", []) for name in ("install_after", "between"))


def next_install_time(offer, utc):
    """Returns the first time from `utc` on at which the offer allows the restart, in milliseconds since 1970."""
    start = max(utc, milliseconds(offer.get("install_after")) or 0)
    window = offer.get("between")
    if window is None:
        return start
    ahead = window.get("offset_minutes", 0) - window["start_minute"]
    since_opening = (start + ahead * MINUTE_MS) % DAY_MS
    return start if since_opening < window["minutes"] * MINUTE_MS else start + DAY_MS - since_opening


class InstallGate:
    def __init__(self, offer, now, random):
        self.offer, self.random = offer, random
        self.clock_wait_ends, self.spread_ends = now + CLOCK_WAIT_MS, None

    def decide(self, now, utc, may_reboot):
        """Returns ("switch", None), or ("wait", time of the next decision or None)."""
        opens = self.opens_at(now, utc) if may_reboot else None
        if opens is None or opens > now:
            self.spread_ends = None
            return "wait", opens
        if self.spread_ends is None:
            spread = self.offer.get("restart_spread_ms", 0)
            self.spread_ends = now + (self.random(spread) if spread else 0)
        return ("wait", self.spread_ends) if now < self.spread_ends else ("switch", None)

    def opens_at(self, now, utc):
        if "install_after" not in self.offer and "between" not in self.offer:
            return now
        if utc is not None:
            return now + min(next_install_time(self.offer, utc) - utc, LOOK_AGAIN_MS)
        return None if needs_clock(self.offer) else self.clock_wait_ends
