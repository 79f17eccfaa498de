import { dirname, resolve } from "node:path";
import { decodeText, isOtaError, OtaError } from "@tinybms/ota-core";
import { parseAppImage, verifyAppImage } from "@tinybms/ota-core/esp";
import { type LoadedArtifact, loadRootManifest, loadVersion } from "@tinybms/ota-core/node";
import type { FlasherArgs, FlashImage, FlashPart, FlashSettingNames, PlacedFile } from "@tinybms/ota-serial";
import { definedMembers } from "../defined-members.ts";
import { openImage } from "../image-file.ts";
import type { FlashContent } from "../serial/flash-job.ts";
import type { SerialPackage } from "../serial/load-serial.ts";
import { readWholeFile } from "../whole-file.ts";
import type { FlashCommandOptions } from "./flash-options.ts";

/**
 * Reads and checks the files to flash.
 *
 * @param onWarning - Called with each warning, a sentence.
 * @throws {@link OtaError} `manifest/…`, `image/…`, `arguments/invalid`.
 */
export async function flashContentOf(
  serial: SerialPackage,
  options: FlashCommandOptions,
  onWarning: (text: string) => void,
): Promise<FlashContent> {
  const { version, app, all, image = [], slot = "next", select, keepOtadata = false, force = false } = options;
  const nvs = options.nvs === undefined ? undefined : await readWholeFile(options.nvs);
  const { partitionTableOffset } = options;
  if (version !== undefined || app !== undefined) {
    const found = app === undefined ? await releasedApp(options, version ?? "") : await appOf(app);
    return { type: "app", app: found, options: { slot, select, force, nvs } };
  }
  const build = all === undefined ? undefined : await buildOf(serial, all);
  const files = build?.files ?? image.map((text) => serial.parsePlacedFile(text));
  for (const warning of build?.warnings ?? []) onWarning(warning);
  const settings = { ...build?.settings, ...settingsOf(serial, options) };
  return {
    type: "parts",
    parts: await partsOf(files),
    options: { keepOtadata, settings, force, chip: build?.chip, nvs, tableOffset: partitionTableOffset },
  };
}

/**
 * Reads the app of a release and checks it against the manifest.
 *
 * @throws {@link OtaError} `manifest/…`, `image/…`; `arguments/invalid` if the release has several artifacts and none
 *   is named.
 */
async function releasedApp(options: FlashCommandOptions, version: string): Promise<FlashImage> {
  const root = await loadRootManifest(options.manifest);
  const { file, artifacts } = await loadVersion(root, version);
  return imageOfArtifact(artifactNamed(artifacts, options.artifact, version), file);
}

/**
 * Reads the app image of an artifact.
 *
 * @param manifestFile - Path of the version manifest, for messages.
 * @throws {@link OtaError} The codes of `openImage`.
 */
export function imageOfArtifact({ artifact, path }: LoadedArtifact, manifestFile: string): FlashImage {
  const { name, size, sha256 } = artifact;
  const file = openImage(path, { file: manifestFile, name, expected: { size, sha256 } });
  try {
    const bytes = new Uint8Array(file.sizeBytes);
    file.readAt(bytes, 0);
    return { name: artifact.filename, bytes, image: parseAppImage(bytes) };
  } finally {
    file.close();
  }
}

function artifactNamed(
  artifacts: readonly LoadedArtifact[],
  name: string | undefined,
  version: string,
): LoadedArtifact {
  const names = artifacts.map(({ artifact }) => artifact.name);
  const wanted = name === undefined ? artifacts : artifacts.filter(({ artifact }) => artifact.name === name);
  const [found] = wanted;
  if (found !== undefined && wanted.length === 1) return found;
  const fault = name === undefined ? `has ${artifacts.length} artifacts` : `has no artifact ${JSON.stringify(name)}`;
  const message = `version ${version} ${fault}; --artifact names one of ${names.join(", ")}`;
  throw new OtaError("arguments/invalid", message, { option: "--artifact" });
}

async function appOf(path: string): Promise<FlashImage> {
  const bytes = await readWholeFile(path);
  try {
    const image = parseAppImage(bytes);
    verifyAppImage(image);
    return { name: path, bytes, image };
  } catch (error) {
    if (!isOtaError(error)) throw error;
    const { code, message, details, hint } = error;
    throw new OtaError(code, `${path}: ${message}`, details, { cause: error, hint });
  }
}

/** Returns the flash settings in the options. */
function settingsOf(
  serial: SerialPackage,
  { flashMode, flashSize, flashFreq }: FlashCommandOptions,
): FlashSettingNames {
  serial.assertSettings({ mode: flashMode }, "--flash-mode", "");
  serial.assertSettings({ size: flashSize }, "--flash-size", "");
  return definedMembers({ mode: flashMode, size: flashSize, frequency: flashFreq });
}

async function buildOf(serial: SerialPackage, path: string): Promise<FlasherArgs> {
  const text = decodeText(await readWholeFile(path)) ?? "";
  const folder = dirname(path);
  const build = serial.parseFlasherArgs(text, path);
  return { ...build, files: build.files.map((file) => ({ ...file, path: resolve(folder, file.path) })) };
}

async function partsOf(files: readonly PlacedFile[]): Promise<readonly FlashPart[]> {
  const parts: FlashPart[] = [];
  for (const { path, offset } of files) parts.push({ name: path, offset, bytes: await readWholeFile(path) });
  return parts;
}
