import { isOtaError, OtaError } from "@tinybms/ota-core";
import type { Provisioning } from "@tinybms/ota-core/esp";
import type { Hardware } from "../boot/boot-options.ts";
import { provisioningInFlash } from "../device/device-partitions.ts";
import type { DeviceInputOptions } from "./device-input-options.ts";

/** A device that a command is to run. */
export interface NamedBoard {
  /** The device's name. */
  readonly id: string;
  readonly hardware: Hardware;
  /** Who it is, by the NVS in its flash; `undefined` where options say it. */
  readonly provisioning: Provisioning | undefined;
}

/** A board whose flash says who it is. */
export interface ProvisionedBoard extends NamedBoard {
  readonly provisioning: Provisioning;
}

/**
 * The board of a flash that says who it is.
 *
 * @param file - Where its NVS comes from, for messages.
 * @param tableOffset - Where its partition table lies, if not at 0x8000.
 * @returns `undefined` where NVS says nothing of it, and needn't.
 * @throws OtaError `nvs/not-provisioned` where it must, `nvs/encrypted`, `provisioning/invalid`.
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
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    throw new OtaError(error.code, `${file}: ${error.message}`, error.details, { cause: error, ...hint });
  }
}

/**
 * Sees that options say nothing else than the NVS of each device, and that no two have one name.
 *
 * @throws OtaError `arguments/invalid`.
 */
export function refuseContradictions(boards: readonly ProvisionedBoard[], options: DeviceInputOptions): void {
  const told = new Map<string, string>();
  for (const { id, provisioning } of boards) {
    if (told.has(id)) throw invalid("--nvs", `two NVS partitions are those of ${id}; a device has one`);
    told.set(id, id);
    const wanted = { topic: options.topic, product: options.product };
    for (const member of ["topic", "product"] as const) {
      const value = wanted[member];
      if (value === undefined || value === provisioning[member]) continue;
      const said = `its NVS says ${JSON.stringify(provisioning[member])}`;
      throw invalid(`--${member}`, `--${member} is ${JSON.stringify(value)} for ${id}, and ${said}`);
    }
  }
  const others = { "--id": options.id, "--key-set": options.keySet };
  for (const [option, value] of Object.entries(others)) {
    if (value === undefined) continue;
    throw invalid(
      option,
      `${option} would say what the NVS of ${boards.map(({ id }) => id).join(", ")} says; leave it away`,
    );
  }
  const { devices } = options;
  if (devices === undefined || devices === boards.length) return;
  throw invalid("--devices", `--devices is ${devices}, and NVS of ${boards.length} is given: each device has its own`);
}

function invalid(option: string, message: string): OtaError<"arguments/invalid"> {
  return new OtaError("arguments/invalid", message, { option });
}
