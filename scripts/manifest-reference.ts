/** What the reference page of the manifests is made of. */
type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Schema = { [name: string]: Json };

/** One schema by the name of its type. */
export interface NamedSchema {
  readonly title: string;
  readonly schema: Schema;
}

/** The objects of the page in their order, by the titles of their schemas, with where they stand. */
const SECTIONS: readonly (readonly [title: string, heading: string])[] = [
  ["RootManifest", "Root manifest"],
  ["Product", "Root manifest: `product`"],
  ["Deployment", "Root manifest: `deployment`"],
  ["VersionEntry", "Root manifest: one of `versions`"],
  ["VersionManifest", "Version manifest"],
  ["Artifact", "Version manifest: one of `artifacts`"],
  ["Channels", "Channels"],
  ["MqttChannel", "Channels: `mqtt`"],
  ["HttpsChannel", "Channels: `https`"],
];

const INTRODUCTION = `<!-- Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run \`pnpm generate\`. -->

# Manifests

A release line is a folder with a root manifest, and for each version a folder with a version manifest and its files.
Editors with JSON Schema complete and check both manifests: name the schema in \`$schema\`.
Members that are not described here are kept unchanged.
\`tinybms-ota validate\` finds every fault of a release line, with file, line and column.

Paths of manifests and artifacts are relative to the file that names them, use \`/\`, and stay below its folder.
Absolute paths, \`..\`, symbolic links out of the folder, and names of Windows devices are refused.
A manifest is UTF-8 of at most 1 MiB, with or without a byte-order mark.
A name may occur only once in an object, and the nesting depth is at most 64.

The tables describe the values that the schemas require.
A value with another spelling and only one meaning is accepted with the warning \`manifest/loose-value\`: see
[accepted values](migrate-from-python.md#values).
\`tinybms-ota validate --strict\` makes every warning an error.
`;

const ENVIRONMENT = `
## Environment variables and secrets

Strings in channels may name environment variables, which \`deploy\` expands:

| written | means |
|---|---|
| \`$NAME\`, \`\${NAME}\` | the variable's value; if it is unset, \`deploy\` fails and \`validate\` warns |
| \`\${NAME:-default}\` | its value, or the default if it is unset or empty |
| \`$$\` | a dollar sign |

A literal password, token, authorization header or user information in a URL works, and \`validate\` warns of it:
everyone who can read the manifest can read it.
No command prints, logs or writes the value of such a member.
`;

/**
 * The reference page of the manifests: a table of members for each object.
 *
 * @param schemas - Every schema and every `$defs` entry, by title.
 * @param nameOf - The title of what a `$ref` names.
 * @returns Markdown.
 * @throws Error where a section's schema is missing or a member has no description.
 */
export function manifestReference(schemas: readonly NamedSchema[], nameOf: (reference: string) => string): string {
  const byTitle = new Map(schemas.map(({ title, schema }) => [title, schema]));
  const sectionOf = ([title, heading]: readonly [string, string]): string => {
    const schema = byTitle.get(title);
    if (schema === undefined) throw new Error(`the reference page needs a schema named ${title}`);
    const required = Array.isArray(schema.required) ? schema.required : [];
    const rows = Object.entries(schemaAt(schema.properties)).map(([name, value]) => {
      const member = schemaAt(value);
      const reference = typeof member.$ref === "string" ? nameOf(member.$ref) : undefined;
      const described = reference === undefined ? member : { ...byTitle.get(reference), ...member };
      const description = described.description;
      if (typeof description !== "string") throw new Error(`${title}.${name} has no description`);
      const need = required.includes(name) ? "yes" : "";
      const item = schemaAt(member.items).$ref;
      const link = linkTo(reference ?? (typeof item === "string" ? nameOf(item) : undefined));
      // An object that has a section of its own is described there.
      const meaning = reference !== undefined && link !== "" ? link : cell(description) + exampleOf(member) + link;
      return `| \`${name}\` | ${typeOf(described)} | ${need} | ${meaning.trim()} |`;
    });
    const table = ["| member | type | required | meaning |", "|---|---|---|---|", ...rows].join("\n");
    return `\n## ${heading}\n\n${sentences(String(schema.description))}\n\n${table}\n`;
  };
  return INTRODUCTION + SECTIONS.map(sectionOf).join("") + ENVIRONMENT;
}

/** Where a type has its own section, as GitHub names the headings of a page. */
function linkTo(title: string | undefined): string {
  const heading = SECTIONS.find(([name]) => name === title)?.[1];
  if (heading === undefined) return "";
  const anchor = heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");
  return ` See [${heading.replaceAll("`", "")}](#${anchor}).`;
}

function typeOf(schema: Schema): string {
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ");
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.type === "array") {
    const { type } = schemaAt(schema.items);
    return typeof type === "string" ? `list of ${type}s` : "list";
  }
  return String(schema.type ?? "any");
}

function exampleOf({ examples }: Schema): string {
  if (!Array.isArray(examples) || examples.length === 0) return "";
  return ` For example ${examples.map((example) => `\`${cell(JSON.stringify(example))}\``).join(", ")}.`;
}

/** A table's cells end at a bar. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function schemaAt(value: Json | undefined): Schema {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

/** Puts each sentence, and each part between semicolons, on a line of its own. */
function sentences(text: string): string {
  return text.replaceAll(/(?<=[a-z`)][.;]) (?=[A-Za-z`$])/g, "\n");
}
