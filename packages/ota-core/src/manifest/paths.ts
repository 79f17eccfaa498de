/** Names that Windows gives to devices, whatever extension follows. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:[.:]|$)/i;

/** A name beyond this, in UTF-16 units, is a mistake, and some file systems end at 255 bytes. */
const NAME_LENGTH_MAX = 128;

/**
 * What a file system that takes capital letters for small ones, as those of Windows and macOS do, tells names apart by.
 *
 * @returns The same text for two names that would be one file there.
 */
export function caselessName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/**
 * Why a path in a manifest may not be followed, or `undefined` where it may. It must stay below the folder that it is
 * relative to, on every system the release line may be copied to. Symbolic links are for the caller to check.
 *
 * @returns A phrase to stand after the path: "is absolute".
 */
export function pathFault(path: string): string | undefined {
  if (path.includes("\0")) return "holds a NUL character";
  if (path.includes("\\")) return "holds a backslash; folders are separated by /";
  if (path.startsWith("/")) return "is absolute";
  if (/^[A-Za-z]:/.test(path)) return "begins with the name of a drive";
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(path)) return "is a URL";
  for (const segment of path.split("/")) {
    if (segment === "..") return "goes up with ..";
    // Windows drops spaces and full stops at the end of a name, and may find `..` in what is left.
    if (/^[. ]+$/.test(segment) && segment !== ".")
      return `holds ${JSON.stringify(segment)}, which Windows reads as ..`;
    if (WINDOWS_DEVICE.test(segment)) return `holds ${segment}, the name of a device on Windows`;
  }
  return undefined;
}

/**
 * Why a name can't be one file or folder on every system, or `undefined` where it can.
 *
 * @returns A phrase to stand after the name: "is empty".
 */
export function nameFault(name: string): string | undefined {
  if (name === "") return "is empty";
  if (name.length > NAME_LENGTH_MAX) return `is longer than ${NAME_LENGTH_MAX} characters`;
  if (name === "." || name === "..") return "is the name of a folder above";
  if (/[/\\]/.test(name)) return "holds a path separator";
  if (/\p{Cc}/u.test(name)) return "holds a control character";
  if (/[<>:"|?*]/.test(name)) return 'holds one of < > : " | ? *, which Windows refuses';
  if (/[. ]$/.test(name) || name.startsWith(" ")) return "begins with a space, or ends with a space or a full stop";
  if (WINDOWS_DEVICE.test(name)) return "is the name of a device on Windows";
  return undefined;
}
