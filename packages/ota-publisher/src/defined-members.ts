/** Members of `T` without `undefined` among their types, all optional. */
type DefinedMembers<T extends object> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** Returns the members of an object that are not `undefined`, so that spreading the result replaces nothing by them. */
export function definedMembers<T extends object>(members: T): DefinedMembers<T> {
  const result: DefinedMembers<T> = { ...members };
  for (const name in result) if (result[name] === undefined) delete result[name];
  return result;
}
