/** Default path of the root manifest. */
export const MANIFEST_DEFAULT = "ota/manifest.json";
