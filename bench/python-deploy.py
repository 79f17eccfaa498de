"""`deploy --dry-run` by the original's method: reads both manifests, checks size and SHA-256 of each file, says what it would send."""

import argparse
import hashlib
import json
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--manifest", type=Path, required=True)
parser.add_argument("--version", required=True)
parser.add_argument("--dry-run", action="store_true")
args = parser.parse_args()

root = json.loads(args.manifest.read_text(encoding="utf-8"))
entry = next(entry for entry in root["versions"] if entry["id"] == args.version)
file = args.manifest.parent / entry["manifest"]
release = json.loads(file.read_text(encoding="utf-8"))
if release["version"] != args.version:
    raise SystemExit(f"{file}: version mismatch")
channels = root.get("deployment", {}).get("channels", {})
for artifact in release["artifacts"]:
    payload = (file.parent / artifact["filename"]).read_bytes()
    if len(payload) != artifact["size"] or hashlib.sha256(payload).hexdigest() != artifact["sha256"]:
        raise SystemExit(f"{artifact['filename']}: mismatch")
    for protocol in artifact.get("protocols", ["mqtt", "https"]):
        settings = {**channels.get(protocol, {}), **release.get("channels", {}).get(protocol, {})}
        print(f"would deliver {artifact['name']} over {protocol} to {settings.get('broker') or settings.get('url')}")
