import fc from "fast-check";
import { expect, test } from "vitest";
import { multipartFrame } from "./multipart.ts";

test("a form with one file is framed as RFC 7578 shows it", () => {
  const { contentType, head, tail } = multipartFrame("firmware", "a.bin", "b0");
  expect(contentType).toBe("multipart/form-data; boundary=b0");
  expect(Buffer.from(head).toString()).toBe(
    [
      "--b0",
      'Content-Disposition: form-data; name="firmware"; filename="a.bin"',
      "Content-Type: application/octet-stream",
      "",
      "",
    ].join("\r\n"),
  );
  expect(Buffer.from(tail).toString()).toBe("\r\n--b0--\r\n");
});

test("no file name can end its header or its quotes", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (filename) => {
      const lines = Buffer.from(multipartFrame("firmware", filename, "b0").head)
        .toString()
        .split("\r\n");
      expect(lines).toHaveLength(5);
      expect(lines[1]).toMatch(/^Content-Disposition: form-data; name="firmware"; filename="[^"\r\n]*"$/);
    }),
  );
});
