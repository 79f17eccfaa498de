/** Device names of Windows, which are reserved with any extension. */
const WINDOWS_DEVICE = /^(?:con|prn|aux|nul|conin\$|conout\$|clock\$|com[0-9¹²³]|lpt[0-9¹²³])[ ]*(?:[.:]|$)/i;

/** Maximum length of a name in UTF-16 units. Some file systems allow at most 255 bytes. */
const NAME_LENGTH_MAX = 128;

/**
 * Returns the key of a name on a case-insensitive file system, like those of Windows and macOS.
 *
 * @returns Equal text for two names that would be the same file there.
 */
export function caselessName(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/**
 * Returns the reason why a path in a manifest is not allowed, or `undefined` if it is. A path must stay below its
 * folder on every operating system. Does not check symbolic links.
 *
 * @returns A phrase to follow the path, for example "is absolute".
 */
export function pathFault(path: string): string | undefined {
  if (path.includes("\0")) return "holds a NUL character";
  if (path.includes("\\")) return "holds a backslash; folders are separated by /";
  if (path.startsWith("/")) return "is absolute";
  if (/^[A-Za-z]:/.test(path)) return "begins with the name of a drive";
  if (/^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(path)) return "is a URL";
  for (const segment of path.split("/")) {
    if (segment === "..") return "goes up with ..";
    // Windows removes spaces and periods at the end of a name, which may leave `..`.
    if (/^[. ]+$/.test(segment) && segment !== ".")
      return `holds ${JSON.stringify(segment)}, which Windows reads as ..`;
    if (WINDOWS_DEVICE.test(segment)) return `holds ${segment}, the name of a device on Windows`;
  }
  return undefined;
}

/**
 * Returns the reason why a name can't be a file or folder on every operating system, or `undefined` if it can.
 *
 * @returns A phrase to follow the name, for example "is empty".
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
