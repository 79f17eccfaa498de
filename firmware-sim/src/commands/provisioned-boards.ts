import { isOtaError, OtaError } from "@tinybms/ota-core";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import { provisioningInFlash } from "../device/device-partitions.ts";
import type { DeviceInputOptions } from "./device-input-options.ts";

/** A device to run. */
export interface NamedBoard {
  /** Device ID. */
  readonly id: string;
  readonly hardware: Hardware;
  /** Provisioning data in its NVS; `undefined` if options describe the device. */
  readonly provisioning: Provisioning | undefined;
}

/** A device with provisioning data in its NVS. */
export interface ProvisionedBoard extends NamedBoard {
  readonly provisioning: Provisioning;
}

/**
 * Reads the identity of a board from its NVS.
 *
 * @param file - File with the NVS, for messages.
 * @param must - Whether the board must be provisioned.
 * @param tableOffset - Offset of the partition table, in bytes.
 * @defaultValue `tableOffset`: 0x8000
 * @returns `undefined` if the board is not provisioned and need not be.
 * @throws {@link OtaError} `nvs/not-provisioned` and `nvs/encrypted` if it must be; `provisioning/invalid`.
 */
export function provisionedBoard(
  hardware: Hardware,
  file: string,
  must: boolean,
  tableOffset?: number,
): ProvisionedBoard | undefined {
  try {
    const provisioning = provisioningInFlash(hardware.flash, tableOffset);
    return { id: provisioning.device_id, hardware, provisioning };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    if (!must && (error.code === "nvs/not-provisioned" || error.code === "nvs/encrypted")) return undefined;
    const { code, message, details, hint } = error;
    throw new OtaError(code, `${file}: ${message}`, details, { cause: error, hint });
  }
}

/**
 * Asserts that no option contradicts the NVS of a device, and that no two devices have the same ID.
 *
 * @throws {@link OtaError} `arguments/invalid`.
 */
export function refuseContradictions(boards: readonly ProvisionedBoard[], options: DeviceInputOptions): void {
  const ids = new Set<string>();
  for (const { id, provisioning } of boards) {
    if (ids.has(id)) throw invalid("--nvs", `two NVS partitions have the device ID ${id}`);
    ids.add(id);
    const wanted = { topic: options.topic, product: options.product };
    for (const member of ["topic", "product"] as const) {
      const value = wanted[member];
      if (value === undefined || value === provisioning[member]) continue;
      const stored = `the NVS of ${id} has ${JSON.stringify(provisioning[member])}`;
      throw invalid(`--${member}`, `--${member} is ${JSON.stringify(value)}, but ${stored}`);
    }
  }
  const others = { "--id": options.id, "--key-set": options.keySet };
  for (const [option, value] of Object.entries(others)) {
    if (value === undefined) continue;
    throw invalid(
      option,
      `${option} can't be combined with the NVS of ${boards.map(({ id }) => id).join(", ")}, which already decides it`,
    );
  }
  const { devices } = options;
  if (devices === undefined || devices === boards.length) return;
  throw invalid("--devices", `--devices is ${devices}, but --nvs has ${boards.length}; each device needs its own NVS`);
}

function invalid(option: string, message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option });
}
