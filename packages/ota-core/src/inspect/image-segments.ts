import { formatHex } from "../format-hex.ts";
import type { AppImageSegment } from "../image/app-image.ts";
import { APP_IMAGE_HEADER_SIZE, parseSegmentHeader, SEGMENT_HEADER_SIZE } from "../image/app-image-header.ts";
import { type Chip, MMU_PAGE_SIZE } from "../image/chips.ts";
import type { Findings } from "./findings.ts";
import type { InspectedSegment } from "./inspection.ts";

/** Returns the segments of an image; of a truncated image, those with a complete header. */
export function walkSegments(bytes: Uint8Array, segmentCount: number): AppImageSegment[] {
  const segments: AppImageSegment[] = [];
  let offset = APP_IMAGE_HEADER_SIZE;
  while (segments.length < segmentCount && offset + SEGMENT_HEADER_SIZE <= bytes.length) {
    const { loadAddress, dataSize } = parseSegmentHeader(bytes.subarray(offset));
    segments.push({ loadAddress, dataOffset: offset + SEGMENT_HEADER_SIZE, dataSize });
    offset += SEGMENT_HEADER_SIZE + dataSize;
  }
  return segments;
}

/** Returns the kind of memory at an address of a chip. Without a chip, only padding is recognized. */
export function memoryOf(chip: Chip | undefined, address: number): InspectedSegment["memory"] {
  if (address === 0) return "padding";
  if (chip === undefined) return "ram";
  const isIn = ({ start, end }: { readonly start: number; readonly end: number }) => address >= start && address < end;
  if (isIn(chip.drom)) return chip.drom.start === chip.irom.start ? "flash" : "drom";
  if (isIn(chip.irom)) return "irom";
  if (chip.psram !== undefined && isIn(chip.psram)) return "psram";
  return isIn(chip.dram) ? "dram" : "ram";
}

/** Returns `true` if a segment is mapped from flash, not copied. */
export function isMapped({ memory }: InspectedSegment): boolean {
  return memory === "drom" || memory === "irom" || memory === "flash" || memory === "psram";
}

/**
 * Finds mapped segments that the MMU can't map: offset in flash and load address must agree modulo the page
 * (`process_segment` of `esp_image_format.c`). Slots begin on a page, so the offset in the image decides.
 *
 * @param mmuPageSize - log2 of the page, as in the app descriptor; 0 for the default.
 */
export function checkMapping(segments: readonly InspectedSegment[], mmuPageSize: number, findings: Findings): void {
  const pageSize = mmuPageSize >= 12 && mmuPageSize <= 16 ? 2 ** mmuPageSize : MMU_PAGE_SIZE;
  for (const [index, segment] of segments.entries()) {
    if (!isMapped(segment) || segment.offset % pageSize === segment.loadAddress % pageSize) continue;
    const [offset, address] = [formatHex(segment.offset), formatHex(segment.loadAddress)];
    const message = `segment ${index} at ${offset} can't be mapped to ${address}: both must agree modulo ${formatHex(pageSize)}`;
    findings.problem("image/invalid", message, segment.offset, `/segments/${index}`);
  }
}

/**
 * Notes mapped segments that the bootloader does not map. It maps the last segment of DROM and of IROM; on chips with
 * one bus, it stops at a third segment (`unpack_load_app` of `bootloader_utility.c`).
 */
export function noteUnmapped(segments: readonly InspectedSegment[], findings: Findings): void {
  for (const [memory, mapped] of [
    ["drom", 1],
    ["irom", 1],
    ["flash", 2],
  ] as const) {
    const indices = [...segments.keys()].filter((index) => segments[index]?.memory === memory);
    if (indices.length <= mapped) continue;
    const what =
      memory === "flash"
        ? "the bootloader maps two and stops at the third"
        : "the bootloader maps only the last of them";
    const message = `segments ${indices.join(", ")} are all mapped ${memory === "flash" ? "from flash" : `as ${memory.toUpperCase()}`}: ${what}`;
    findings.note("image/invalid", message, segments[indices[0] ?? 0]?.offset, "/segments");
  }
}
