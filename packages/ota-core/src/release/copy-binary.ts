import { toHex } from "../bytes.ts";
import { piecesOf } from "../manifest/load-file.ts";
import { createSha256 } from "../sha256.ts";
import { createCopy } from "./new-file.ts";
import { type Binary, binaryChanged } from "./read-image.ts";
import { type PreparedFile, prepareFile } from "./write-atomically.ts";

/**
 * Copies a checked binary and verifies that the copy has the checked bytes.
 *
 * The kernel makes the copy: both files share their blocks if the file system supports it (reflink); otherwise the
 * bytes are copied without passing through this process (`copy_file_range`, `sendfile`). Such a copy can't be hashed on
 * its way, and a linker may write the source between the check and the copy. Its modification time does not reveal that
 * reliably: mapped writes update it late, and two writes within one tick not at all. Therefore this function hashes the
 * copy, which is still in the page cache. A release then has the checked bytes even if the source changes.
 *
 * @param binary - The checked binary.
 * @param to - Path of the copy; its folder must exist.
 * @param within - As in `prepareFile`.
 * @throws {@link OtaError} `package/binary-changed` if the copy has other bytes.
 * @throws The file system's own errors, and the signal's reason. Leaves no file behind.
 */
export async function copyBinary(
  binary: Binary,
  to: string,
  within: string,
  signal: AbortSignal | undefined,
): Promise<PreparedFile> {
  return await prepareFile(to, within, async (temporary) => {
    await createCopy(binary.file, temporary);
    const hash = createSha256();
    for await (const piece of piecesOf(temporary, signal)) hash.update(piece);
    if (toHex(hash.digest()) !== binary.sha256) throw binaryChanged(binary.file);
  });
}
