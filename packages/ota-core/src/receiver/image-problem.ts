import { OtaError } from "../errors.ts";
import type { Release } from "../schemas/types.generated.ts";
import type { StoredImage } from "./receiver-events.ts";

/**
 * Compares the image in flash with the release.
 *
 * @param projectName - Project name that the image must have; `undefined` if the offer waives this check.
 * @returns Why the image must not run: `delivery/image-mismatch`, `offer/wrong-chip`, `offer/secure-version` or
 *   `offer/wrong-project`; `undefined` if it may.
 */
export function imageProblem(
  found: StoredImage,
  image: Release["image"],
  projectName: string | undefined,
): OtaError | undefined {
  // An image with bytes appended would run under another hash, and the device would not recognize it after the boot.
  if (found.sha256 !== image.sha256) {
    const message = `the image that ends within the release's bytes has SHA-256 ${found.sha256}, the release says ${image.sha256}`;
    return new OtaError("delivery/image-mismatch", message, { expected: image.sha256, actual: found.sha256 });
  }
  if (found.chipId !== image.chip_id) {
    const message = `the image is for chip id ${found.chipId}, the release says ${image.chip_id}`;
    return new OtaError("offer/wrong-chip", message, { expected: image.chip_id, found: found.chipId });
  }
  if (found.secureVersion !== image.secure_version) {
    const message = `the image has secure version ${found.secureVersion}, the release says ${image.secure_version}`;
    return new OtaError("offer/secure-version", message, {
      required: image.secure_version,
      found: found.secureVersion,
    });
  }
  if (projectName !== undefined && found.projectName !== projectName) {
    const message = `the image is project ${JSON.stringify(found.projectName)}; this device runs ${JSON.stringify(projectName)}`;
    return new OtaError("offer/wrong-project", message, { expected: projectName, found: found.projectName });
  }
  return undefined;
}

/** Returns the error for an image whose hash in flash differs from the release's. */
export function readBackMismatch(expected: string, actual: string): OtaError {
  const message = `the image read back from flash has SHA-256 ${actual}, the release says ${expected}`;
  return new OtaError("delivery/image-mismatch", message, { expected, actual });
}

/** Returns the error for an image that can't be read back. */
export function unreadable(espErr: number): OtaError {
  const message = `the image can't be read back from flash (esp_err ${espErrText(espErr)})`;
  return new OtaError("delivery/image-rejected", message, { espErr });
}

/** Returns the error for an image that `esp_image_verify` refuses. */
export function rejectedByDevice(espErr: number): OtaError {
  const message = `ESP-IDF's own check refuses the image in flash (esp_err ${espErrText(espErr)})`;
  return new OtaError("delivery/image-rejected", message, { espErr });
}

/** Returns the error for an image that `esp_ota_set_boot_partition` refuses. */
export function notSwitched(espErr: number): OtaError {
  const message = `the image can't be set to boot (esp_err 0x${espErr.toString(16)})`;
  return new OtaError("delivery/image-rejected", message, { espErr });
}

/** Returns the error for a sector that repeatedly can't be erased or programmed. */
export function wornOut(sector: number, espErr: number): OtaError {
  const message = `sector ${sector} of the slot can't be written (esp_err 0x${espErr.toString(16)}); the flash may be worn out`;
  return new OtaError("delivery/flash-failed", message, { sector });
}

function espErrText(espErr: number): string {
  return espErr < 0 ? `${espErr}` : `0x${espErr.toString(16)}`;
}
