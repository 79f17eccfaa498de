import { toHex } from "../bytes.ts";
import { piecesOf } from "../manifest/load-file.ts";
import { createSha256 } from "../sha256.ts";
import { createCopy } from "./new-file.ts";
import { type Binary, binaryChanged } from "./read-image.ts";
import { type PreparedFile, prepareFile } from "./write-atomically.ts";

/**
 * Copies a binary that was read and judged, and makes sure that the copy is what was judged.
 *
 * The kernel copies: where the file system can, both files share their blocks (reflink), else the bytes never pass
 * through this process (`copy_file_range`, `sendfile`). Such a copy can't be hashed on its way, and a linker may write
 * the source between our reading it and the kernel's, without its time of change telling: mapped writes change that
 * late, and two within one tick not at all. So the copy itself is hashed. That reads it from memory, where it has just
 * been written, and it is the one proof that holds: whatever happens to the source, a release has the bytes that its
 * manifest names, and those are the bytes that were checked.
 *
 * @param to - The copy; its folder exists.
 * @param within - As for `prepareFile`.
 * @throws {@link OtaError} `package/binary-changed`; the file system's own errors; the signal's reason. Nothing is left.
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
