"""Packages a firmware image the way the original Python script did: the peer that `pnpm bench` measures ours against.

Written from the table of its options: start, read the manifest, hash the image, copy it, write the version manifest,
rewrite the root manifest. Nothing is atomic, nothing is locked, and the image is not looked at.
"""

import argparse
import hashlib
import json
import logging
import shutil
import sys
from datetime import datetime, timezone
from pathlib import Path

LOG = logging.getLogger("package")


class ManifestError(Exception):
    """The root manifest is not as it must be."""


def load_manifest(path: Path) -> dict:
    with path.open(encoding="utf-8") as file:
        manifest = json.load(file)
    if not isinstance(manifest, dict) or not isinstance(manifest.get("schema_version"), int):
        raise ManifestError("schema_version must be an integer")
    if not isinstance(manifest.get("product"), dict) or not isinstance(manifest.get("versions"), list):
        raise ManifestError("product must be an object and versions a list")
    for entry in manifest["versions"]:
        if not isinstance(entry.get("id"), str) or not isinstance(entry.get("manifest"), str):
            raise ManifestError("each version needs id and manifest")
        if not (path.parent / entry["manifest"]).is_file():
            raise ManifestError(f"{entry['manifest']} does not exist")
    return manifest


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1024 * 1024), b""):
            digest.update(piece)
    return digest.hexdigest()


def write_json(path: Path, document: dict, sort_keys: bool = False) -> None:
    with path.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=2, sort_keys=sort_keys)
        file.write("\n")


def package(options: argparse.Namespace) -> None:
    manifest = load_manifest(options.manifest)
    folder = options.manifest.parent
    deployment = manifest.get("deployment", {})
    project = options.project or manifest["product"].get("name") or "firmware"
    filename = options.artifact_name or f"{project}-{options.version}.bin"
    target = (options.output or folder / "versions") / options.version
    target.mkdir(parents=True, exist_ok=True)
    digest = sha256_of(options.binary)
    LOG.debug("%s: %s", options.binary, digest)
    if options.dry_run:
        return
    shutil.copy2(options.binary, target / filename)
    channels = deployment.get("channels", {})
    artifact = {
        "name": project,
        "filename": filename,
        "size": options.binary.stat().st_size,
        "sha256": digest,
        "protocols": deployment.get("default_protocols", ["mqtt", "https"]),
        "channels": channels,
    }
    created_at = datetime.now(timezone.utc).isoformat()
    document = {"version": options.version, "created_at": created_at, "channels": channels, "artifacts": [artifact]}
    write_json(target / "ota.json", document)
    if options.update_manifest:
        path = (target / "ota.json").resolve().relative_to(folder.resolve()).as_posix()
        entries = [entry for entry in manifest["versions"] if entry["id"] != options.version]
        label = {"label": options.label} if options.label else {}
        entries.append({"id": options.version, "manifest": path, **label})
        manifest["versions"] = entries
        write_json(options.manifest, manifest, sort_keys=True)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--manifest", type=Path, default=Path("ota/manifest.json"))
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--project")
    parser.add_argument("--output", type=Path)
    parser.add_argument("--artifact-name")
    parser.add_argument("--label")
    parser.add_argument("--update-manifest", action="store_true")
    parser.add_argument("--dry-run", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.INFO)
    try:
        package(options)
    except ManifestError as error:
        LOG.error("%s", error)
        return 2
    except Exception as error:  # noqa: BLE001 - as the original: anything else is 1
        LOG.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
