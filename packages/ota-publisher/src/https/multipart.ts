import { utf8 } from "@tinybms/ota-core";
import type { BodyFrame } from "./image-body.ts";

/** A `multipart/form-data` body with one file (RFC 7578), without the file's bytes. */
export interface MultipartFrame extends BodyFrame {
  /** Value of the request's `Content-Type`. */
  readonly contentType: string;
}

/**
 * Frames one file as a field of a form.
 *
 * @param name - Name of the field.
 * @param filename - Quotes and line ends are escaped as browsers do it (WHATWG HTML, "multipart/form-data encoding").
 * @param boundary - 1 to 70 letters and digits that do not occur in the file (RFC 2046 section 5.1.1).
 */
export function multipartFrame(name: string, filename: string, boundary: string): MultipartFrame {
  const disposition = `form-data; name="${escapeName(name)}"; filename="${escapeName(filename)}"`;
  const headers = `Content-Disposition: ${disposition}\r\nContent-Type: application/octet-stream\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    head: utf8(`--${boundary}\r\n${headers}\r\n`),
    tail: utf8(`\r\n--${boundary}--\r\n`),
  };
}

function escapeName(text: string): string {
  return text.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}
