"""A device over MQTT: two slots as files, record and key set in one file, and the receiver of receiver.py.

    python3 device.py --broker 127.0.0.1:1883 --topic bench/ota --device bench-1 --product gateway \
        --image build/app.bin --folder ./bench-1 --allow-unsigned

It needs paho-mqtt and cryptography. It restarts by starting the receiver anew, and ends once an image is confirmed.
"""

import argparse
import hashlib
import json
import os
import queue
import random
import sys
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding

from messages import parse_envelope, parse_key_set
from receiver import Receiver

SLOT_SIZE = 4 * 1024 * 1024
SECTOR = 4096


def now():
    return int(time.monotonic() * 1000)


class Flash:
    """Two slots and what NVS and otadata keep, as files in a folder."""

    def __init__(self, folder, image):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "state.json"
        if self.file.exists():
            self.state = json.loads(self.file.read_text())
            return
        self.slot(0).write_bytes(Path(image).read_bytes())
        self.slot(1).write_bytes(b"")
        length = self.slot(0).stat().st_size
        self.state = {"running": 0, "lengths": [length, 0], "pending": False, "condemned": False, "boots": 0}
        self.save()

    def slot(self, index):
        return self.folder / f"ota_{index}.bin"

    @property
    def target(self):
        return 1 - self.state["running"]

    def save(self, **changes):
        """Writes the state so that a power cut leaves the old or the new one."""
        self.state |= changes
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps(self.state))
        os.replace(new, self.file)

    def read(self, offset, length):
        with self.slot(self.target).open("rb") as slot:
            slot.seek(offset)
            return slot.read(length).ljust(length, b"\xff")

    def write(self, offset, data):
        with self.slot(self.target).open("r+b") as slot:
            slot.seek(0, os.SEEK_END)
            if slot.tell() < offset:
                slot.write(b"\xff" * (offset - slot.tell()))
            slot.seek(offset)
            slot.write(data)

    def running(self):
        """What the app descriptor of the running image says (esp_app_desc_t at offset 32)."""
        index = self.state["running"]
        data = self.slot(index).read_bytes()[: self.state["lengths"][index]]
        return {
            **describe(data),
            "slot": f"ota_{index}",
            "sha256": hashlib.sha256(data).hexdigest(),
            "pending_verify": self.state["pending"],
        }


def describe(data):
    text = lambda offset: data[offset : offset + 32].split(b"\0")[0].decode("utf-8", "replace")
    return {"version": text(48), "project_name": text(80)}


class Device:
    def __init__(self, options):
        self.options, self.flash = options, Flash(options.folder, options.image)
        self.events = queue.Queue()
        key_set = None
        if options.key_set:
            key_set = parse_key_set(parse_envelope(Path(options.key_set).read_bytes()).payload)
        self.identity = {
            "device": options.device,
            "topic_root": options.topic,
            "product": options.product,
            "chip_id": options.chip_id,
            "allow_unsigned": options.allow_unsigned,
            "algorithms": ["ecdsa-p256-sha256", "rsa-pkcs1v15-sha256"],
            "window": 0,
            "key_set": key_set,
        }

    def run(self):
        while self.live():
            print("restart", flush=True)

    def live(self):
        """One life of the device. Returns True to restart, False once an image is confirmed."""
        flash, state = self.flash, self.flash.state
        flash.save(boots=state["boots"] + 1)
        self.receiver = Receiver(self.identity, lambda limit: random.randrange(limit))
        self.timers, self.client, self.restart = {}, None, False
        self.feed({
            "type": "booted",
            "running": flash.running(),
            "target": {"slot": f"ota_{flash.target}", "size_bytes": SLOT_SIZE, "condemned": state["condemned"]},
            "record": state.get("record"),
            "key_set": state.get("key_set"),
            "boot_count": state["boots"],
            "clean_reset": True,
            "rollback": True,
            "secure_version": 0,
        })
        self.connect()
        self.feed({"type": "self-test", "passed": True})
        while not self.restart:
            event = self.next_event()
            if event is not None:
                self.feed(event)
            outcome = state.get("record", {}).get("outcome", {})
            if outcome.get("outcome") == "confirmed" and self.receiver.state == "confirmed":
                self.close()
                print(f"confirmed {flash.running()['version']}", flush=True)
                return False
        self.close()
        return True

    def next_event(self):
        """Waits for a message or for the next timer."""
        timer, at = min(self.timers.items(), key=lambda item: item[1], default=(None, now() + 1000))
        try:
            return self.events.get(timeout=max(0, at - now()) / 1000)
        except queue.Empty:
            if timer is None:
                return None
            del self.timers[timer]
            return {"type": "timer", "timer": timer}

    def connect(self):
        host, _, port = self.options.broker.partition(":")
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=f"tinybms-{self.options.device}")
        client.on_connect = lambda *_: self.events.put({"type": "connected"})
        client.on_disconnect = lambda *_: self.events.put({"type": "disconnected"})
        client.on_message = lambda _client, _data, message: self.events.put({
            "type": "message",
            "topic": message.topic,
            "retained": bool(message.retain),
            "payload": bytes(message.payload),
        })
        will = json.dumps(self.receiver.report(False)).encode()
        client.will_set(self.receiver.topic["state"], will, qos=1, retain=True)
        client.reconnect_delay_set(1, 5)
        client.connect(host, int(port or 1883))
        client.loop_start()
        self.client = client

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()
        while not self.events.empty():
            self.events.get()

    def feed(self, event):
        """Hands an event to the receiver and carries out what it wants, until nothing is left."""
        pending = [event]
        while pending and not self.restart:
            for action in self.receiver.handle({"now": now(), **pending.pop(0)}):
                answer = self.carry_out(action)
                if answer is not None:
                    pending.append(answer)

    def carry_out(self, action):
        kind = action["type"]
        if kind == "publish":
            info = self.client.publish(action["topic"], action["payload"], action["qos"], action["retain"])
            self.last_publish = info
        elif kind in ("subscribe", "unsubscribe"):
            getattr(self.client, kind)(action["topic"], *([1] if kind == "subscribe" else []))
        elif kind == "set-timer":
            self.timers[action["timer"]] = action["at"]
        elif kind == "clear-timer":
            self.timers.pop(action["timer"], None)
        elif kind == "store":
            self.flash.save(record=action["record"])
        elif kind == "store-key-set":
            self.flash.save(key_set=action["key_set"])
        elif kind == "verify":
            return {"type": "verified", "valid": is_valid(action)}
        elif kind in ("reboot", "roll-back"):
            return self.leave(kind)
        elif kind != "renew-will":
            return {"type": "flash-done", "result": {"operation": kind, **self.flash_operation(kind, action)}}
        return None

    def leave(self, kind):
        flash = self.flash
        if kind == "roll-back":
            flash.save(running=flash.target, pending=False, condemned=True)
        elif flash.state.get("boot") == flash.target:
            flash.save(running=flash.target, pending=True, boot=None)
        self.last_publish.wait_for_publish(2)
        self.restart = True

    def flash_operation(self, kind, action):
        flash = self.flash
        if kind == "read-flash":
            return {"bytes": flash.read(action["offset"], action["length"])}
        if kind == "erase-sector":
            flash.write(action["offset"], b"\xff" * SECTOR)
        elif kind == "program":
            flash.write(action["offset"], action["bytes"])
        elif kind == "verify-image":
            data = flash.read(0, action["length"])
            lengths = list(flash.state["lengths"])
            lengths[flash.target] = action["length"]
            flash.save(lengths=lengths)
            found = {
                "sha256": hashlib.sha256(data).hexdigest(),
                "chip_id": int.from_bytes(data[12:14], "little"),
                "secure_version": int.from_bytes(data[36:40], "little"),
                "project_name": describe(data)["project_name"],
            }
            return {"stored_sha256": found["sha256"], "image": found}
        elif kind == "invalidate-otadata":
            flash.save(condemned=False)
        elif kind == "set-boot-partition":
            flash.save(boot=flash.target)
        elif kind == "mark-valid":
            flash.save(pending=False)
        return {}


def is_valid(action):
    """Verifies a signature over the kind and the payload."""
    signed = f"tinybms-ota/{action['kind']}/v1".encode() + b"\0" + action["payload"]
    try:
        key = serialization.load_der_public_key(action["spki"])
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(action["signature"], signed, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(action["signature"], signed, padding.PKCS1v15(), hashes.SHA256())
        return True
    except (InvalidSignature, ValueError):
        return False


def main():
    parser = argparse.ArgumentParser(description="A device of the TinyBMS delivery protocol.")
    parser.add_argument("--broker", required=True, help="HOST:PORT")
    parser.add_argument("--topic", required=True, help="the channel's topic")
    parser.add_argument("--device", required=True, help="name of the device")
    parser.add_argument("--product", required=True)
    parser.add_argument("--image", required=True, help="image that runs at first")
    parser.add_argument("--folder", required=True, help="folder of the slots and of what the device stores")
    parser.add_argument("--key-set", help="provisioned key set, as keys/1.json has it")
    parser.add_argument("--allow-unsigned", action="store_true")
    parser.add_argument("--chip-id", type=int, default=0)
    Device(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
