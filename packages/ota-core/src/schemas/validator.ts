/** One fault that a validator found, in Ajv's form. */
export interface SchemaError {
  /** JSON pointer (RFC 6901) of the faulty value. */
  readonly instancePath: string;
  /** Place of the violated rule in the schema. */
  readonly schemaPath: string;
  /** The violated rule, for example `type`, `required`, `pattern`. */
  readonly keyword: string;
  /** Requirements of the rule; the members depend on the keyword. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** Checks a value against one JSON Schema, compiled ahead of time from `schemas/`. */
export interface SchemaValidator<T> {
  /**
   * Returns `true` if the value satisfies the schema. Sets {@link SchemaValidator.errors}. Never throws on parsed JSON.
   */
  (value: unknown): value is T;
  /** Findings of the latest call; `null` if there are none. */
  errors?: readonly SchemaError[] | null;
}
