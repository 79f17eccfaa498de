import { PROVISIONING_NAMESPACE, type Provisioning, readProvisioning } from "@tinybms/ota-core/esp";
import { envelopeFromJson, parseKeySet, trustKeys } from "@tinybms/ota-core/signing";
import type { AppContext } from "../esp-idf/app-context.ts";
import { nvs_get_blob, nvs_get_str, nvs_get_u8, nvs_open } from "../nvs/nvs.ts";
import type { AgentOptions } from "./agent.ts";
import { openDeviceNvs } from "./device-nvs.ts";

/**
 * Reads the provisioning data of the factory, as the app does at each start.
 *
 * @throws {@link OtaError} `nvs/not-provisioned` if it is missing or unreadable; `provisioning/invalid`. {@link
 *   PowerCut} if the flash loses power.
 */
export function readProvisionedIdentity(app: AppContext): Provisioning {
  const { nvs } = openDeviceNvs(app, { mayErase: false });
  const { handle } = nvs === undefined ? {} : nvs_open(nvs, PROVISIONING_NAMESPACE, "readonly");
  return readProvisioning(({ key, type }) => {
    if (handle === undefined) return undefined;
    if (type === "u8") return nvs_get_u8(handle, key).value;
    return type === "string" ? nvs_get_str(handle, key).value : nvs_get_blob(handle, key).value;
  });
}

/** Identity of an agent. */
export type AgentIdentity = Pick<
  AgentOptions,
  "device" | "topicRoot" | "product" | "allowUnsigned" | "keySet" | "isProvisioned"
>;

/**
 * Returns an agent's identity from provisioning data. Trusts the factory: does not verify the signatures of the key
 * set.
 */
export function agentIdentityOf(provisioning: Provisioning): AgentIdentity {
  const { device_id: device, topic: topicRoot, product, allow_unsigned: allowUnsigned = false, key_set } = provisioning;
  const keySet = key_set === undefined ? undefined : trustKeys(parseKeySet(envelopeFromJson(key_set).payload));
  return { device, topicRoot, product, allowUnsigned, keySet, isProvisioned: true };
}
