import { FormatError } from "../../errors.js";

/** One entry of a tar archive. */
export interface TarEntry {
  /** As the archive has it; not to be trusted. */
  readonly name: string;
  readonly kind: "file" | "folder" | "other";
  /** To be read to its end, or not at all, before the next entry is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

const blockBytes = 512;
/** Names are short; broken archives claim anything. */
const mostMetadataBytes = 2 ** 20;

/**
 * Reads a tar archive entry by entry: ustar, with the long names of POSIX (pax) and GNU. Links and devices come as `other`,
 * without content.
 *
 * @param where  the archive, for messages
 * @throws FormatError for an archive that is broken or cut off
 */
export async function* tarEntries(source: AsyncIterable<Uint8Array>, where: string): AsyncIterable<TarEntry> {
  const input = new ByteReader(source, where);
  /** What metadata entries say of the next entry. */
  let said: { name?: string; bytes?: number } = {};
  for (;;) {
    const header = await input.take(blockBytes, true);
    // The end is marked by blocks of zeros, which some writers leave out.
    if (header === undefined || header.every((byte) => byte === 0)) return await input.drain();
    const { type, ...own } = parseHeader(header, where);
    const bytes = said.bytes ?? own.bytes;
    if (type === "x" || type === "L") {
      if (own.bytes > mostMetadataBytes) throw broken(where, "a name of more than 1 MiB");
      const text = Buffer.from((await input.take(own.bytes)) as Uint8Array).toString("utf8");
      await input.skip(padding(own.bytes));
      said = type === "x" ? { ...said, ...parsePax(text, where) } : { ...said, name: text.replace(/\0.*$/s, "") };
      continue;
    }
    const name = said.name ?? own.name;
    said = {};
    const kind = kindOf(type, name);
    // Links and devices have no content, whatever their length says.
    const length = "123456".includes(type) ? 0 : bytes;
    const content = input.pieces(length);
    if (type !== "g" && type !== "K") yield { name, kind, content };
    for await (const _ of content) {
      // What was not read is passed over.
    }
    await input.skip(padding(length));
  }
}

function kindOf(type: string, name: string): TarEntry["kind"] {
  if (type === "5") return "folder";
  // Archives older than ustar have no type for folders.
  if (["0", "\0", "7"].includes(type)) return name.endsWith("/") ? "folder" : "file";
  return "other";
}

function parseHeader(header: Uint8Array, where: string): { name: string; bytes: number; type: string } {
  const block = Buffer.from(header);
  const text = (from: number, length: number): string =>
    block.toString("utf8", from, from + length).replace(/\0.*$/s, "");
  const stated = Number.parseInt(text(148, 8).trim(), 8);
  const sum = block.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (stated !== sum) throw broken(where, "a header whose checksum is wrong");
  // GNU's magic has a space where POSIX's has a zero, and no prefix.
  const prefix = block.toString("latin1", 257, 263) === "ustar\0" ? text(345, 155) : "";
  const name = prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
  return { name, bytes: parseLength(block.subarray(124, 136), where), type: block.toString("latin1", 156, 157) };
}

/** Octal digits, or, for files of 8 GiB and more, a binary number. */
function parseLength(field: Buffer, where: string): number {
  const isBinary = ((field[0] as number) & 0x80) !== 0;
  const length = isBinary
    ? Number(field.readBigUInt64BE(4))
    : Number.parseInt(
        field
          .toString("latin1")
          .replace(/[\0 ]+$/, "")
          .trim() || "0",
        8,
      );
  if (Number.isSafeInteger(length) && length >= 0) return length;
  throw broken(where, "a length that is no number");
}

/** Lines of `LENGTH KEY=VALUE`, of which path and size matter. */
function parsePax(text: string, where: string): { name?: string; bytes?: number } {
  const bytes = Buffer.from(text);
  const found: { name?: string; bytes?: number } = {};
  for (let at = 0; at < bytes.length; ) {
    const length = Number(/^(\d+) /.exec(bytes.toString("utf8", at, at + 16))?.[1]);
    if (!(length > 0 && at + length <= bytes.length)) throw broken(where, "metadata that cannot be read");
    const [, key, value = ""] = /^\d+ ([^=]*)=(.*)\n$/s.exec(bytes.toString("utf8", at, at + length)) ?? [];
    if (key === "path") found.name = value;
    if (key === "size") found.bytes = Number(value);
    at += length;
  }
  return found;
}

const padding = (length: number): number => (blockBytes - (length % blockBytes)) % blockBytes;

function broken(where: string, what: string): FormatError {
  return new FormatError({ where, problem: `the archive is broken (${what})`, hint: "remove it and fetch it again" });
}

/** Reads a given number of bytes from pieces of any length. */
class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #where: string;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(source: AsyncIterable<Uint8Array>, where: string) {
    this.#source = source[Symbol.asyncIterator]();
    this.#where = where;
  }

  /** Up to `most` bytes; undefined at the end. */
  async #some(most: number): Promise<Uint8Array | undefined> {
    while (this.#rest.length === 0) {
      const next = await this.#source.next();
      if (next.done) return undefined;
      this.#rest = next.value;
    }
    const some = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(some.length);
    return some;
  }

  /** @param mayEnd  gives undefined where nothing is left, instead of an error */
  async take(length: number, mayEnd = false): Promise<Uint8Array | undefined> {
    const taken = Buffer.alloc(length);
    let at = 0;
    while (at < length) {
      const some = await this.#some(length - at);
      if (some === undefined) {
        if (mayEnd && at === 0) return undefined;
        throw broken(this.#where, "it ends early");
      }
      taken.set(some, at);
      at += some.length;
    }
    return taken;
  }

  /** The next bytes as they come; goes on where reading stopped when it is read a second time. */
  pieces(length: number): AsyncIterable<Uint8Array> {
    let left = length;
    const next = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined };
      const some = await this.#some(left);
      if (some === undefined) throw broken(this.#where, "it ends early");
      left -= some.length;
      return { done: false, value: some };
    };
    return { [Symbol.asyncIterator]: () => ({ next }) };
  }

  /** Takes what is left: whoever feeds the archive waits until it is read to its end. */
  async drain(): Promise<void> {
    while ((await this.#some(Number.POSITIVE_INFINITY)) !== undefined);
  }

  async skip(length: number): Promise<void> {
    for await (const _ of this.pieces(length)) {
      // Nothing to do with it.
    }
  }
}
