import { expect, test } from "vitest";
import { releaseOf } from "../../test/bench-offer.ts";
import { buildAppImage } from "../image/build-app-image.ts";
import { decideOnImage, type ImageDecision } from "./decide-on-image.ts";
import type { RefusedImage, StoredImage } from "./receiver-events.ts";

const EXPECTED = releaseOf(buildAppImage({ chip: "esp32", version: "1.1.0", projectName: "bench" })).image;
const STORED: StoredImage = {
  sha256: EXPECTED.sha256,
  chipId: EXPECTED.chip_id,
  secureVersion: EXPECTED.secure_version,
  projectName: "bench",
};
const OTHER = "00".repeat(32);

function decide(
  image: StoredImage | RefusedImage,
  projectName: string | undefined,
  storedSha256 = EXPECTED.sha256,
): ImageDecision {
  return decideOnImage({ operation: "verify-image", storedSha256, image }, EXPECTED, projectName);
}

test("accepts the image of the release", () => {
  expect(decide(STORED, "bench")).toEqual({ type: "accept" });
});

test("starts over if flash holds other bytes, even if ESP-IDF refuses them", () => {
  const startsOver = { type: "start-over", error: { code: "delivery/image-mismatch" } };
  expect(decide(STORED, "bench", OTHER)).toMatchObject(startsOver);
  expect(decide({ espErr: 0x2002 }, "bench", OTHER)).toMatchObject(startsOver);
});

test.for([
  ["that ESP-IDF refuses", { espErr: 0x2002 }, "delivery/image-rejected"],
  ["that ends early", { ...STORED, sha256: OTHER }, "delivery/image-mismatch"],
  ["for another chip", { ...STORED, chipId: 9 }, "offer/wrong-chip"],
  ["of another project", { ...STORED, projectName: "other" }, "offer/wrong-project"],
] as const)("condemns an image %s", ([, image, code]) => {
  expect(decide(image, "bench")).toMatchObject({ type: "condemn", error: { code } });
});

test("accepts another project's image if the offer waives the check", () => {
  expect(decide({ ...STORED, projectName: "other" }, undefined)).toEqual({ type: "accept" });
});
