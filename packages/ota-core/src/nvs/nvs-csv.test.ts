import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../bytes.ts";
import { isOtaError } from "../errors.ts";
import { formatNvsCsv } from "./format-nvs-csv.ts";
import { parseNvsCsv } from "./nvs-csv.ts";
import type { NvsEntryInput } from "./nvs-entry-input.ts";

const HEADER = "key,type,encoding,value";
const csv = (...rows: readonly string[]) => [HEADER, "n,namespace,,", ...rows].join("\n");
const value = (row: string) => parseNvsCsv(csv(row)).map((entry) => ("value" in entry ? entry.value : undefined))[0];

test.for([
  ["k,data,u8,255", 255],
  ["k,data,I16, -1_000 ", -1000],
  ["k,data,i64,-9223372036854775808", -(2n ** 63n)],
  ["k,data,string,", ""],
  ["k,data,string,  blanks stay ", "  blanks stay "],
  ['k,data,string,"a, ""b"""', 'a, "b"'],
  ['k,data,string,"two\nlines"', "two\nlines"],
  ['k,data,string,"two\n# a comment even here\nlines"', "two\nlines"],
  ["k,data,hex2bin, 00fF ", Uint8Array.of(0, 255)],
  ["k,data,base64,AP8=", Uint8Array.of(0, 255)],
  ["k,data,binary,A", Uint8Array.of(65)],
  ["k,data,blob_fill(3;0xA5),A", Uint8Array.of(65, 0xa5, 0xa5)],
  ["k,data,blob_sz_fill(2;0x00),A", Uint8Array.of(1, 0, 0, 0, 65, 0)],
] as const)("%j", ([row, wanted]) => {
  expect(value(row)).toEqual(wanted);
});

test("a byte-order mark, CRLF, comments, empty lines and other orders of columns are read", () => {
  const text =
    '\uFEFF# made by hand\r\n\r\nvalue,encoding,note,type,key\r\n,,,namespace,n\r\n7,u8,"a, note",data,k\r\n';
  expect(parseNvsCsv(text)).toEqual([{ namespace: "n", key: "k", type: "u8", value: 7 }]);
});

test("keeps an empty namespace, and joins one that is named twice in a row", () => {
  const text = csv("empty,namespace", "n2,namespace,,", "k,data,u8,1", "n2,namespace,,", "l,data,u8,2");
  expect(parseNvsCsv(text)).toEqual([
    { namespace: "n", type: "namespace" },
    { namespace: "empty", type: "namespace" },
    { namespace: "n2", key: "k", type: "u8", value: 1 },
    { namespace: "n2", key: "l", type: "u8", value: 2 },
  ]);
});

const fault = (text: string, files?: Record<string, Uint8Array>) => {
  try {
    parseNvsCsv(text, files && ((path) => files[path]));
  } catch (error) {
    if (isOtaError(error, "nvs/csv-invalid")) return [error.details.line, error.details.column, error.message];
    throw error;
  }
  throw new Error("the CSV was accepted");
};

test.for([
  ["", 1, "key", "the header has no such column"],
  ["key,type,value\n", 1, "encoding", "it must be key,type,encoding,value"],
  ["key;type;encoding;value\n", 1, "key", "no such column"],
  [`${HEADER}\nk,data,u8,1`, 2, "key", "no row of type namespace stands before this one"],
  [csv("k"), 3, "type", "the row ends before this column"],
  [csv("k,data,u8"), 3, "value", "the row ends before this column"],
  [csv("k,data,string,a,b"), 3, "value", "more columns than the header; put a value with a comma into quotes"],
  [csv("k,Data,u8,1"), 3, "type", '"Data" is not namespace, data or file'],
  [csv("# a comment", "", "k,data,u9,1"), 5, "encoding", "it must be one of u8, i8,"],
  [csv("k,data,STRING,x"), 3, "encoding", "in lower case"],
  [csv("k,data,u8,"), 3, "value", "a u8 must be a whole number in decimal digits"],
  [csv("k,data,u8,0x10"), 3, "value", "decimal digits"],
  [csv("k,data,u8,256"), 3, "value", "it is out of range: a u8 is a whole number from 0 to 255"],
  [csv(`k,data,u8,${"9".repeat(100_000)}`), 3, "value", "decimal digits"],
  [csv("k,data,hex2bin,abc"), 3, "value", "pairs of hexadecimal digits"],
  [csv("k,data,base64,AP8"), 3, "value", "padded with ="],
  [csv("k,data,binary,ä"), 3, "value", "must be ASCII"],
  [csv("k,data,blob_fill(1;0x00),ab"), 3, "value", "it is 2 bytes long; the encoding says 1"],
  [csv("k,data,blob_fill(999999999;0x00),"), 3, "encoding", "at most 507996 bytes"],
  [csv(",data,u8,1"), 3, "key", "it is empty"],
  [csv("a-key-of-16-chars,data,u8,1"), 3, "key", "it has 17 characters; at most 15 are allowed"],
  [csv("é,data,u8,1"), 3, "key", "not printable ASCII"],
  [csv("k,data,u8,1", "k,data,string,x"), 4, "key", "k occurs twice in the namespace n: line 3 has it already"],
  [csv("k,data,u8,1", "m,namespace,,", "n,namespace,,"), 5, "key", 'would write what follows to "m"'],
  [csv('k,data,string,"open', "l,data,u8,1"), 3, "value", "the quote is never closed"],
  [csv(`k,data,hex2bin,${"00".repeat(65_537)}`), 3, "value", "Python reads 131072; put the value into a file"],
  [csv("k,file,binary,logo.png"), 3, "type", "no way to read files here"],
  [
    csv("sta.ssid,data,string,x", "sta.pmk,data,hex2bin,00"),
    4,
    "key",
    "the generator adds it beside keys of the Wi-Fi driver",
  ],
] as const)("%j is refused at its line and column", ([text, line, column, message]) => {
  expect(fault(text)).toEqual([line, column, expect.stringContaining(`line ${line}, column ${column}: `)]);
  expect(fault(text)[2]).toContain(message);
});

test("reads files by the name in the row, and parses their content like a value in the row", () => {
  const files = { "a b.txt": utf8(" 42\n"), "é.bin": Uint8Array.of(0xff), "k.hex": utf8("00 ff") };
  const parse = (row: string) => parseNvsCsv(csv(row), (path) => files[path as keyof typeof files]);
  expect(parse("k,file,u8,a b.txt")).toEqual([{ namespace: "n", key: "k", type: "u8", value: 42 }]);
  expect(parse("k,file,binary,é.bin")).toMatchObject([{ value: Uint8Array.of(0xff) }]);
  for (const [row, column, message] of [
    ["k,file,binary,none", "value", 'the file "none" can\'t be read'],
    ["k,file,string,é.bin", "value", "no valid UTF-8"],
    ["k,file,hex2bin,k.hex", "value", "pairs of hexadecimal"],
    ["k,file,blob_fill(9;0x00),k.hex", "type", "take no file"],
    ["sta.ssid,file,string,k.hex", "type", "the generator would write the file's name"],
  ] as const) {
    expect(fault(csv(row), files)).toEqual([3, column, expect.stringContaining(message)]);
  }
});

test("shows no value that may be a secret in a message", () => {
  for (const encoding of ["u8", "hex2bin", "base64", "blob_fill(1;0x00)"]) {
    expect(fault(csv(`k,data,${encoding},!s3cret!`))[2]).not.toContain("s3cret");
  }
});

test("any text gives entries or an OtaError", () => {
  const part = fc.constantFrom(
    HEADER,
    "n,namespace,,",
    "k,data,u8,1",
    ",",
    '"',
    "\n",
    "\r\n",
    "#",
    "\uFEFF",
    "string",
    "file",
    "blob_fill(2;0x00)",
  );
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(fc.oneof(part, fc.string())).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (each) => {
      try {
        expect(Array.isArray(parseNvsCsv(each, () => utf8(each)))).toBe(true);
      } catch (error) {
        if (!isOtaError(error)) throw error;
      }
    }),
    { numRuns: 500 },
  );
});

test.for([
  [{ namespace: "n", key: "k", type: "string", value: "a\rb" }, "a carriage return"],
  [{ namespace: "n", key: "k", type: "string", value: "a\n#b" }, "a line that begins with #"],
  [{ namespace: "n", key: "k", type: "blob", value: new Uint8Array(98_305) }, "is too long a blob"],
  [
    { namespace: "n", key: "sta.ssid", type: "string", value: "x" },
    "the generator adds blobs beside keys of the Wi-Fi driver",
  ],
] as const)("what the generator's CSV can't express is refused: %o", ([entry, message]) => {
  expect(() => formatNvsCsv([entry])).toThrow(message);
});

test("writes a long blob as base64, and quotes fields that need it", () => {
  const entries: NvsEntryInput[] = [
    { namespace: "#n", key: 'a,"b"', type: "string", value: "# no comment" },
    { namespace: "#n", key: "big", type: "blob", value: new Uint8Array(98_304).fill(0xa5) },
    { namespace: "#n", key: "hex", type: "blob", value: new Uint8Array(65_536) },
  ];
  const text = formatNvsCsv(entries);
  expect(text).toContain('"#n",namespace,,\n"a,""b""",data,string,"# no comment"\nbig,data,base64,');
  expect(text).toContain("\nhex,data,hex2bin,0000");
  expect(parseNvsCsv(text)).toEqual(entries);
});

test("leaves out blobs of Wi-Fi keys if the generator adds the same ones", () => {
  const entries = parseNvsCsv(csv("sta.ssid,data,string,shop", "sta.pswd,data,string,secret"));
  expect(entries.map((entry) => ("key" in entry ? entry.key : ""))).toEqual([
    "sta.ssid",
    "sta.apinfo",
    "sta.pmk",
    "sta.apsw",
    "sta.pswd",
  ]);
  expect(formatNvsCsv(entries)).toBe(`${csv("sta.ssid,data,string,shop", "sta.pswd,data,string,secret")}\n`);
});
