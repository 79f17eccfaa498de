import { dirname, relative, resolve, sep } from "node:path";

/** File in a tree, with a note. */
export interface TreeEntry {
  readonly path: string;
  readonly note: string;
}

/** Contents of a folder by name: the note of a file, or a subfolder. */
type Folder = Map<string, string | Folder>;

/**
 * Formats files as a tree: the folder that all of them share, then one line for each folder and file below it.
 *
 * @param entries - At least one file.
 */
export function treeOf(entries: readonly TreeEntry[]): string[] {
  const top = commonFolder(entries.map(({ path }) => path));
  const tree: Folder = new Map();
  for (const { path, note } of entries) {
    const names = relative(resolve(top), resolve(path)).split(sep);
    const file = names.pop() ?? path;
    let folder = tree;
    for (const name of names) {
      const below = folder.get(name);
      const next: Folder = below instanceof Map ? below : new Map();
      folder.set(name, next);
      folder = next;
    }
    folder.set(file, note);
  }
  return [top.endsWith(sep) ? top : `${top}${sep}`, ...linesOf(tree, "")];
}

function linesOf(folder: Folder, indent: string): string[] {
  const names = [...folder];
  return names.flatMap(([name, below], index) => {
    const isLast = index === names.length - 1;
    const lead = `${indent}${isLast ? "└─" : "├─"} ${name}`;
    if (typeof below === "string") return [`${lead}  (${below})`];
    return [`${lead}${sep}`, ...linesOf(below, `${indent}${isLast ? "  " : "│ "} `)];
  });
}

/** Returns the deepest folder that contains all files, in the spelling of the first path. */
function commonFolder(paths: readonly string[]): string {
  let folder = dirname(paths[0] ?? ".");
  const isShared = (path: string): boolean => {
    const inside = relative(resolve(folder), resolve(path));
    return inside !== ".." && !inside.startsWith(`..${sep}`);
  };
  while (!paths.every(isShared) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
