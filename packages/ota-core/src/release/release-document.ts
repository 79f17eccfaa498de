import { chipById } from "../image/chips.ts";
import { isoTimeOf } from "../manifest/loose-values.ts";
import { CHUNK_SIZE } from "../messages/timing.ts";
import type { Release, RootManifest } from "../schemas/types.generated.ts";

/** Properties of an image from its file. */
export interface ReleasedImage {
  /** SHA-256 of the whole file, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly sizeBytes: number;
  /** SHA-256 of its hash list, 64 lower-case hexadecimal digits. */
  readonly hashListSha256: string;
  /** `chip_id` of the image header. */
  readonly chipId: number;
  /** `secure_version` of the app descriptor. */
  readonly secureVersion: number;
}

/** Input of {@link releaseDocument}. */
export interface ReleaseParts {
  readonly product: string;
  readonly hardware: string;
  readonly version: string;
  /** Time of packaging, in a form that `isoTimeOf` accepts. */
  readonly createdAt: string;
  readonly image: ReleasedImage;
}

/** Product of a release line without a product name; also the default name of its artifacts. */
const PRODUCT_DEFAULT = "firmware";

/**
 * Returns product and hardware of a release line. If its manifest states no hardware, the hardware is the image's chip.
 */
export function productOf(
  { product }: Pick<RootManifest, "product">,
  chipId: number,
): Pick<ReleaseParts, "product" | "hardware"> {
  return {
    product: product.name ?? PRODUCT_DEFAULT,
    hardware: product.hardware ?? chipById(chipId)?.name ?? "esp32",
  };
}

/**
 * Builds the document of a release, for an envelope.
 *
 * @throws RangeError if `createdAt` is not a date and time.
 */
export function releaseDocument({ product, hardware, version, createdAt, image }: ReleaseParts): Release {
  return {
    release: 1,
    product,
    hardware,
    version,
    created_at: utcOf(createdAt),
    image: {
      sha256: image.sha256,
      size: image.sizeBytes,
      chunk_size: CHUNK_SIZE,
      hash_list_sha256: image.hashListSha256,
      secure_version: image.secureVersion,
      chip_id: image.chipId,
    },
  };
}

function utcOf(text: string): string {
  const utc = isoTimeOf(text);
  if (utc === undefined) throw new RangeError(`${JSON.stringify(text)} is not a date and time in ISO 8601`);
  return utc;
}

/**
 * Compares two releases, ignoring the time of packaging.
 *
 * @returns The first member that differs, with both values, or `undefined` if the releases are the same.
 */
export function releaseDifference(
  left: Release,
  right: Release,
): { readonly member: string; readonly left: string; readonly right: string } | undefined {
  const [leftMembers, rightMembers] = [membersOf(left), membersOf(right)];
  for (const [index, [member, value]] of leftMembers.entries()) {
    const other = rightMembers[index]?.[1] ?? "";
    if (value !== other) return { member, left: value, right: other };
  }
  return undefined;
}

function membersOf({ product, hardware, version, image }: Release): readonly (readonly [string, string])[] {
  return [
    ["product", product],
    ["hardware", hardware],
    ["version", version],
    ["image.sha256", image.sha256],
    ["image.size", String(image.size)],
    ["image.hash_list_sha256", image.hash_list_sha256],
    ["image.secure_version", String(image.secure_version)],
    ["image.chip_id", String(image.chip_id)],
  ];
}
