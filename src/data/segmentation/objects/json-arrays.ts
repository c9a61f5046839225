import { FormatError } from "../../../errors.js";

const [space, quote, backslash, comma, colon] = [0x20, 0x22, 0x5c, 0x2c, 0x3a];
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d];

/**
 * Walks over the elements of the arrays that lie directly in the object of a JSON file, without building any of them:
 * COCO's annotations are a single object of half a gigabyte, which takes several when it is built.
 * Values are not checked; whoever parses an element finds what is wrong with it.
 *
 * @param visit  gets the array's key and where an element lies in the bytes
 * @throws FormatError when the file is no JSON object, or ends too early
 */
export function visitJsonArrays(
  bytes: Uint8Array,
  where: string,
  visit: (key: string, start: number, end: number) => void,
): void {
  // A byte order mark is no part of the text.
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  const wrong = (expected: string): FormatError =>
    new FormatError({
      where: `${where} byte ${at}`,
      expected,
      received: at < bytes.length ? `"${String.fromCharCode(bytes[at] as number)}"` : "the end of the file",
      hint: "the file is truncated or no JSON",
    });
  const skipSpace = (): void => {
    while (at < bytes.length && (bytes[at] as number) <= space) at++;
  };
  const expect = (byte: number): void => {
    skipSpace();
    if (bytes[at] !== byte) throw wrong(`"${String.fromCharCode(byte)}"`);
    at++;
  };
  const skipString = (): void => {
    at++;
    while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
    if (at >= bytes.length) throw wrong("the end of a text");
    at++;
  };
  const skipValue = (): void => {
    let depth = 0;
    for (; at < bytes.length; at++) {
      const byte = bytes[at] as number;
      if (byte === quote) {
        skipString();
        at--;
      } else if (byte === openBrace || byte === openBracket) depth++;
      else if (byte === closeBrace || byte === closeBracket) {
        if (depth === 0) return;
        depth--;
      } else if (byte === comma && depth === 0) return;
    }
    throw wrong("the end of a value");
  };
  /** After a value: whether another one follows. */
  const another = (close: number): boolean => {
    skipSpace();
    if (bytes[at] !== comma && bytes[at] !== close) throw wrong(`"," or "${String.fromCharCode(close)}"`);
    return bytes[at++] === comma;
  };
  const elements = (key: string): void => {
    at++;
    skipSpace();
    if (bytes[at] === closeBracket) {
      at++;
      return;
    }
    do {
      skipSpace();
      const start = at;
      skipValue();
      visit(key, start, at);
    } while (another(closeBracket));
  };
  expect(openBrace);
  skipSpace();
  if (bytes[at] === closeBrace) return;
  do {
    skipSpace();
    if (bytes[at] !== quote) throw wrong("a key");
    const start = at;
    skipString();
    const key = Buffer.from(bytes.subarray(start + 1, at - 1)).toString("utf8");
    expect(colon);
    skipSpace();
    if (bytes[at] === openBracket) elements(key);
    else skipValue();
  } while (another(closeBrace));
}
