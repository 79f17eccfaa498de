/**
 * Reads an app image and says what is in it; without a file, one that it builds itself.
 *
 *     npx -y pnpm@12 exec node --conditions=@tinybms/source examples/parse-image.ts build/app.bin
 */
import { readFile } from "node:fs/promises";
import { isOtaError } from "@tinybms/ota-core";
import { assertAppImage, buildAppImage, chipById, parseAppImage, verifyAppImage } from "@tinybms/ota-core/esp";

const [file] = process.argv.slice(2);
const bytes =
  file === undefined
    ? buildAppImage({ chip: "esp32s3", projectName: "gateway", version: "1.2.3", sizeBytes: 40_000 })
    : await readFile(file);
try {
  // A damaged image is a value: what is stored in it, and what its bytes sum to.
  const image = parseAppImage(bytes);
  assertAppImage(image);
  verifyAppImage(image);
  const { descriptor, header, segments, imageSize } = image;
  console.log(`${descriptor.projectName} ${descriptor.version}, built with ESP-IDF ${descriptor.idfVersion}`);
  console.log(
    `for ${chipById(header.chipId)?.name ?? "an unknown chip"}, ${imageSize} bytes in ${segments.length} segments`,
  );
} catch (error) {
  if (!isOtaError(error)) throw error;
  console.error(`${error.code}: ${error.message}`);
  process.exitCode = 2;
}
