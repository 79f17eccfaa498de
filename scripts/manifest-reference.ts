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

A release line is a folder: a root manifest, and for each version a manifest of its own beside its files. An editor that
reads JSON Schema completes and checks both: name the schema in \`$schema\`. Members that are not described here are kept
as they are. \`tinybms-ota validate\` finds every fault of a line, with file, line and column.

Paths of manifests and artifacts are relative to the file that names them, separated by \`/\`, and stay below its folder:
absolute paths, \`..\`, symbolic links that lead out, and names that Windows gives to devices are refused. A manifest is UTF-8 of at most 1 MiB,
with or without a byte-order mark; a name may stand once in an object, and nothing is nested more than 64 deep.

The tables describe the values that these schemas demand.
A value that is spelled another way and has one meaning is read as that, with the warning \`manifest/loose-value\`: see
[values that are read another way](migrate-from-python.md#values).
\`tinybms-ota validate --strict\` makes every warning an error.
`;

const ENVIRONMENT = `
## Environment variables and secrets

Strings in channels may name environment variables, which \`deploy\` looks up:

| written | means |
|---|---|
| \`$NAME\`, \`\${NAME}\` | the variable's value; \`deploy\` ends with an error where it is unset, \`validate\` warns |
| \`\${NAME:-default}\` | its value, or the default where it is unset or empty |
| \`$$\` | a dollar sign |

A password, token, authorization header or user information in a URL that is written out works, and \`validate\` warns:
whoever can read the manifest has it. No command prints, logs or writes elsewhere what such a member holds.
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
