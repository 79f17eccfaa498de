import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "rolldown";
import { parseAst } from "rolldown/parseAst";

/** Text to insert into a source at one place. */
interface Insertion {
  readonly at: number;
  readonly text: string;
}

/** The used part of a node of the syntax tree (ESTree). */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

/** Name of the global variable with the counters, which must be set before an instrumented module is loaded. */
export const COUNTERS_NAME = "__tinybmsCounters";

/**
 * Bundles a module with a counter in each branch: function, arm of `if`, `?:`, `&&`, `||`, `??`, loop and `case`. Only
 * sources of this repository are instrumented.
 *
 * @param entry - The module.
 * @returns The file of the bundle, in a folder of its own, and how many counters it has.
 */
export async function bundleWithCounters(
  entry: string,
): Promise<{ readonly file: string; readonly folder: string; readonly counters: number }> {
  const folder = mkdtempSync(join(tmpdir(), "tinybms-fuzz-"));
  let next = 0;
  await build({
    input: entry,
    platform: "node",
    resolve: { conditionNames: ["@tinybms/source", "node", "import"] },
    logLevel: "warn",
    plugins: [
      {
        name: "counters",
        transform(code: string, id: string): string | undefined {
          if (id.includes("node_modules") || !id.endsWith(".ts")) return undefined;
          const instrumented = insertCounters(code, next);
          next = instrumented.next;
          return instrumented.code;
        },
      },
    ],
    output: { dir: folder, format: "esm", entryFileNames: "core.js", codeSplitting: false },
  });
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return { file: join(folder, "core.js"), folder, counters: next };
}

/**
 * Inserts a counter into each branch of a TypeScript source.
 *
 * @param first - Number of the first counter.
 * @returns The source, and the number of the next counter.
 */
export function insertCounters(source: string, first: number): { readonly code: string; readonly next: number } {
  const insertions: Insertion[] = [];
  let next = first;
  const count = (): string => `__c[${next++}]++`;
  /** Opens are noted on the way down and closes on the way up, so that those at one place nest. */
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
    } else if (isNode(value)) {
      const [open, close] = counterAround(value);
      if (open !== undefined) insertions.push(open);
      for (const [name, child] of Object.entries(value)) if (!isType(name, child)) visit(child);
      if (close !== undefined) insertions.push(close);
    }
  };
  const wanted = new Map<Node, "block" | "expression" | "statement">();
  const counterAround = (node: Node): [open?: Insertion, close?: Insertion] => {
    for (const [child, kind] of branchesOf(node)) wanted.set(child, kind);
    const kind = wanted.get(node);
    if (kind === undefined) return [];
    if (kind === "block") return [{ at: node.start + 1, text: `${count()};` }];
    const [before, after] = kind === "statement" ? [`{${count()};`, "}"] : [`(${count()},(`, "))"];
    return [
      { at: node.start, text: before },
      { at: node.end, text: after },
    ];
  };
  visit(parseAst(source, { lang: "ts" }));
  const sorted = insertions
    .map((insertion, order) => ({ ...insertion, order }))
    .sort((left, right) => left.at - right.at || left.order - right.order);
  let code = `const __c = globalThis.${COUNTERS_NAME};`;
  let from = 0;
  for (const { at, text } of sorted) {
    code += source.slice(from, at) + text;
    from = at;
  }
  return { code: code + source.slice(from), next };
}

/** Returns the parts of a node that run conditionally, and how to insert a counter there. */
function branchesOf(node: Node): readonly (readonly [Node, "block" | "expression" | "statement"])[] {
  const of = (name: string): Node | undefined => {
    const child: unknown = Object.entries(node).find(([key]) => key === name)?.[1];
    return isNode(child) ? child : undefined;
  };
  const statement = (child: Node | undefined) =>
    child === undefined ? [] : ([[child, child.type === "BlockStatement" ? "block" : "statement"]] as const);
  const expression = (child: Node | undefined) => (child === undefined ? [] : ([[child, "expression"]] as const));
  switch (node.type) {
    case "FunctionDeclaration":
    case "FunctionExpression":
    case "CatchClause":
      return statement(of("body"));
    case "ArrowFunctionExpression": {
      const body = of("body");
      return body?.type === "BlockStatement" ? statement(body) : expression(body);
    }
    case "IfStatement":
      return [...statement(of("consequent")), ...statement(of("alternate"))];
    case "ForStatement":
    case "ForOfStatement":
    case "ForInStatement":
    case "WhileStatement":
    case "DoWhileStatement":
      return statement(of("body"));
    case "ConditionalExpression":
      return [...expression(of("consequent")), ...expression(of("alternate"))];
    case "LogicalExpression":
      return expression(of("right"));
    case "SwitchCase": {
      const consequent: unknown = Object.entries(node).find(([key]) => key === "consequent")?.[1];
      const [only, ...more]: unknown[] = Array.isArray(consequent) ? consequent : [];
      // A case of one statement that declares nothing; others count by the branches inside them.
      return more.length === 0 && isNode(only) && only.type !== "VariableDeclaration" ? statement(only) : [];
    }
    default:
      return [];
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && "start" in value && "end" in value;
}

/** Types are not code, but an expression with a type (`x as T`) is. */
function isType(name: string, child: unknown): boolean {
  if (["typeAnnotation", "typeArguments", "typeParameters", "returnType", "superTypeArguments"].includes(name))
    return true;
  return isNode(child) && /^TS(?:Interface|TypeAlias|Enum|Module)/.test(child.type);
}
