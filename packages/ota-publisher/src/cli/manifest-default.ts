/** Where a command looks for the root manifest by default. */
export const MANIFEST_DEFAULT = "ota/manifest.json";
