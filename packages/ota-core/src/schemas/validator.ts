/** One fault that a validator found, in Ajv's form. */
export interface SchemaError {
  /** JSON pointer (RFC 6901) of the faulty value. */
  readonly instancePath: string;
  /** Where in the schema the broken rule stands. */
  readonly schemaPath: string;
  /** The rule that is broken, for example `type`, `required`, `pattern`. */
  readonly keyword: string;
  /** What the rule demands; its members depend on the keyword. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** Checks a value against one JSON Schema, compiled ahead of time from `schemas/`. */
export interface SchemaValidator<T> {
  /** Whether the value satisfies the schema. Sets {@link SchemaValidator.errors}. Never throws on parsed JSON. */
  (value: unknown): value is T;
  /** What the latest call found; `null` when nothing. */
  errors?: readonly SchemaError[] | null;
}
