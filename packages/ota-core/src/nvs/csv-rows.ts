/** A row of a CSV file. */
export interface CsvRow {
  /** Line on which it begins, counted from 1. */
  readonly line: number;
  readonly fields: readonly string[];
}

/** A row whose last field has no closing quote. */
export interface UnclosedCsvRow {
  readonly line: number;
  /** Index of that field. */
  readonly unclosedIndex: number;
}

/**
 * Splits CSV into rows, like Python's `csv.reader` over the lines of a text file without those that begin with `#`.
 * Fields may be in double quotes, in which a quote is doubled. All line ends count as LF, also in quoted fields. Lines
 * that begin with `#` are skipped even inside quotes, and so are empty lines.
 *
 * @param text - Text without a byte-order mark.
 */
export function readCsvRows(text: string): readonly (CsvRow | UnclosedCsvRow)[] {
  const lines = text.split(/\r\n|\r|\n/);
  const rows: (CsvRow | UnclosedCsvRow)[] = [];
  for (let index = 0; index < lines.length; index++) {
    if (isComment(lines, index) || lines[index] === "") continue;
    const reader = new RowReader(index + 1);
    reader.readLine(lines[index] ?? "");
    while (reader.isInQuotes && index + 1 < lines.length) {
      index++;
      if (!isComment(lines, index)) reader.readLine(`\n${lines[index]}`);
    }
    rows.push(reader.end());
  }
  return rows;
}

function isComment(lines: readonly string[], index: number): boolean {
  return lines[index]?.startsWith("#") === true;
}

class RowReader {
  isInQuotes = false;
  readonly #line: number;
  readonly #fields: string[] = [];
  #field = "";
  /** `true` at the start of a field, where a quote opens it. */
  #isAtStart = true;

  constructor(line: number) {
    this.#line = line;
  }

  readLine(text: string): void {
    for (let index = 0; index < text.length; index++) {
      const character = text.charAt(index);
      if (this.isInQuotes && character === '"' && text.charAt(index + 1) === '"') {
        this.#field += '"';
        index++;
      } else if (this.isInQuotes) {
        if (character === '"') this.isInQuotes = false;
        else this.#field += character;
      } else if (character === ",") this.#endField();
      else if (character === '"' && this.#isAtStart) {
        this.isInQuotes = true;
        this.#isAtStart = false;
      } else {
        this.#field += character;
        this.#isAtStart = false;
      }
    }
  }

  end(): CsvRow | UnclosedCsvRow {
    if (this.isInQuotes) return { line: this.#line, unclosedIndex: this.#fields.length };
    this.#endField();
    return { line: this.#line, fields: this.#fields };
  }

  #endField(): void {
    this.#fields.push(this.#field);
    this.#field = "";
    this.#isAtStart = true;
  }
}
