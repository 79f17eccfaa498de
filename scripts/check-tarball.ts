import { execFileSync } from "node:child_process";

/** What a tarball may hold, besides what its package adds. */
const ALLOWED: readonly RegExp[] = [
  /^(?:package\.json|README\.md|LICENSE|sbom\.cdx\.json)$/,
  /^dist\/[\w./-]+\.(?:js|d\.ts)(?:\.map)?$/,
  /^src\/(?!.*\.test\.ts$)[\w./-]+\.ts$/,
];

/** Files that single packages have besides. */
const ALLOWED_ALSO: Readonly<Record<string, RegExp>> = {
  "@tinybms/ota-publisher": /^dist\/bin\/help\.json$/,
  "@tinybms/firmware-sim": /^src\/replay-page\/page\.(?:html|css|js)$/,
  "@tinybms/ota-device-wasm": /^(?:provenance\.json|tinybms_ota\.wasm)$/,
  "esp-idf-nvs-partition-gen": /^requirements\.txt$/,
};

const NEEDED: readonly string[] = ["package.json", "README.md", "LICENSE", "sbom.cdx.json"];

/** Scripts that run on a user's machine when a package is installed. */
const INSTALL_SCRIPTS: readonly string[] = ["preinstall", "install", "postinstall", "prepare"];

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
}

interface Sbom {
  readonly metadata: { readonly component: { readonly purl: string } };
  readonly components: readonly { readonly purl: string }[];
}

/**
 * Checks what a tarball brings onto a user's machine: only files of the list, no script that runs at installation, and an
 * SBOM (CycloneDX) of this very package that names every dependency.
 *
 * @throws Error that names the first fault.
 */
export function checkTarball(tarball: string): void {
  const files = tar("-tzf", tarball)
    .trim()
    .split("\n")
    .map((path) => path.replace(/^package\//, ""));
  const manifest: Manifest = JSON.parse(tar("-xzOf", tarball, "package/package.json"));
  const { name, version, dependencies = {}, optionalDependencies = {}, scripts = {} } = manifest;
  const also = ALLOWED_ALSO[name];
  const allowed = also === undefined ? ALLOWED : [...ALLOWED, also];
  const stray = files.filter((file) => !allowed.some((pattern) => pattern.test(file)));
  if (stray.length > 0) throw new Error(`${name}: the tarball holds ${stray.join(", ")}, which is on no list`);
  const missing = NEEDED.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`${name}: the tarball lacks ${missing.join(", ")}`);
  const script = INSTALL_SCRIPTS.find((it) => it in scripts);
  if (script !== undefined) throw new Error(`${name}: the script ${script} would run at every user's installation`);
  const sbom: Sbom = JSON.parse(tar("-xzOf", tarball, "package/sbom.cdx.json"));
  const own = purlOf(name, version);
  if (sbom.metadata.component.purl !== own) throw new Error(`${name}: the SBOM is of ${sbom.metadata.component.purl}`);
  const named = sbom.components.map(({ purl }) => purl);
  for (const dependency of Object.keys({ ...dependencies, ...optionalDependencies })) {
    const isNamed = named.some((purl) => purl.startsWith(`${purlOf(dependency, "")}`));
    if (!isNamed) throw new Error(`${name}: the SBOM doesn't name ${dependency}`);
  }
}

/** Package URL of a package in the npm registry. */
function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

function tar(...args: readonly string[]): string {
  return execFileSync("tar", args, { encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
}
