/**
 * The least that any `package` in Node does: start, hash the image, copy it, flush the copy to the disk, rename it. It
 * takes the options of `package`, looks at nothing, and writes no manifest.
 */
const { createHash } = process.getBuiltinModule("node:crypto");
const fs = process.getBuiltinModule("node:fs");
const { dirname, join } = process.getBuiltinModule("node:path");

const [, , , manifest, , binary, , version] = process.argv;
const folder = join(dirname(manifest), "versions", version);
createHash("sha256").update(fs.readFileSync(binary)).digest("hex");
fs.mkdirSync(folder, { recursive: true });
fs.copyFileSync(binary, join(folder, "copy.tmp"));
const copy = fs.openSync(join(folder, "copy.tmp"), "r+");
fs.fsyncSync(copy);
fs.closeSync(copy);
fs.renameSync(join(folder, "copy.tmp"), join(folder, "copy.bin"));
