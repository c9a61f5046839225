import type { IncomingMessage } from "node:http";
import { RunError } from "../../errors.js";
import type { Progress } from "../../progress.js";
import { httpGet } from "./http.js";
import type { PartFile } from "./part-file.js";
import type { CatalogueFile } from "./types.js";

/** The connection broke or the server is busy: worth another attempt. */
export class Interrupted extends Error {}

export interface TransferContext {
  readonly progress: Progress;
  readonly signal: AbortSignal;
  /** Told the length of every piece that was written. */
  readonly count: (bytes: number) => void;
  readonly freeBytes: (path: string) => Promise<number>;
}

/**
 * One attempt: asks for what is missing, and writes what comes.
 *
 * @throws Interrupted when another attempt may help
 * @throws RunError when the server has no such file, or another one than the catalogue says, or the disk is too small
 */
export async function transfer(file: CatalogueFile, part: PartFile, context: TransferContext): Promise<void> {
  const have = await resumable(file, part);
  const { validator } = (await part.origin()) ?? {};
  const response = await request(file, have, validator, context.signal);
  try {
    if (response.statusCode === 416) return await alreadyComplete(response, part, have);
    const start = await startOf(response, part, have);
    const length = Number(response.headers["content-length"] ?? Number.NaN);
    const total = Number.isFinite(length) ? start + length : file.bytes;
    await checkAnswer(file, response, total, start, part, context);
    if (start === 0) await part.setOrigin({ url: file.url, ...validatorOf(response) });
    await write(file, response, part, start, total, context);
  } finally {
    response.destroy();
  }
}

/** Bytes of a former download that may be built upon: those of the same address, if what comes of it can be checked. */
async function resumable({ url, checksum }: CatalogueFile, part: PartFile): Promise<number> {
  const origin = await part.origin();
  if (origin?.url !== url || (origin.validator === undefined && checksum === undefined)) return 0;
  return part.size();
}

async function request(
  { url }: CatalogueFile,
  have: number,
  validator: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const range: Record<string, string> = have === 0 ? {} : { range: `bytes=${have}-` };
  if (have > 0 && validator !== undefined) range["if-range"] = validator;
  let response: IncomingMessage;
  try {
    response = await httpGet(url, range, signal);
  } catch (cause) {
    throw isTemporary(cause) ? new Interrupted(`the connection failed (${messageOf(cause)})`, { cause }) : cause;
  }
  const status = response.statusCode ?? 0;
  if ([200, 206, 416].includes(status)) return response;
  response.destroy();
  const said = `${status} ${response.statusMessage ?? ""}`.trim();
  if (status >= 500 || status === 408 || status === 429) throw new Interrupted(`the server answered ${said}`);
  throw new RunError({
    where: url,
    expected: "the file",
    received: `${said} from the server`,
    hint: "the address may have moved; see `offmap fetch --list` for the page of the publishers",
  });
}

/** The server has nothing after what is there: either that is all, or the file there is another one. */
async function alreadyComplete(response: IncomingMessage, part: PartFile, have: number): Promise<void> {
  if (/\/(\d+)$/.exec(response.headers["content-range"] ?? "")?.[1] === String(have)) return;
  await part.remove();
  throw new Interrupted("the server's file is shorter than what is there");
}

/** Where the body belongs; 0 from a server that sends everything anew. */
async function startOf(response: IncomingMessage, part: PartFile, have: number): Promise<number> {
  if (response.statusCode !== 206) return 0;
  const start = /^bytes (\d+)-/.exec(response.headers["content-range"] ?? "")?.[1];
  if (Number(start) === have) return have;
  await part.remove();
  throw new Interrupted("the server sent another part of the file than was asked for");
}

/** Weak ETags do not promise the same bytes, and If-Range must not have them. */
function validatorOf({ headers }: IncomingMessage): { validator?: string } {
  const { etag } = headers;
  const validator = etag !== undefined && !etag.startsWith("W/") ? etag : headers["last-modified"];
  return validator === undefined ? {} : { validator };
}

async function checkAnswer(
  { url, name, bytes }: CatalogueFile,
  response: IncomingMessage,
  total: number | undefined,
  start: number,
  part: PartFile,
  { freeBytes }: TransferContext,
): Promise<void> {
  if (/^text\/html\b/i.test(response.headers["content-type"] ?? "") && !/\.html?$/.test(name)) {
    throw new RunError({
      where: url,
      expected: name,
      received: "a web page",
      hint: "open the address in a browser to see what it asks for",
    });
  }
  if (bytes !== undefined && total !== bytes) {
    throw new RunError({
      where: url,
      expected: `${bytes} bytes`,
      received: `${total} offered by the server`,
      hint: "the publisher has changed the file, or something on the way did",
    });
  }
  const missing = (total ?? 0) - start;
  const free = await freeBytes(part.path);
  if (missing > free) {
    throw new RunError({
      where: part.path,
      problem: `${megabytes(missing)} are to come, and the disk has room for ${megabytes(free)}`,
      hint: "free some space or choose another --root",
    });
  }
}

async function write(
  { url, name }: CatalogueFile,
  response: IncomingMessage,
  part: PartFile,
  start: number,
  total: number | undefined,
  { progress, count }: TransferContext,
): Promise<void> {
  // Progress counts what this attempt has to bring, so that rate and time left are right.
  const from = start === 0 ? "" : ` from ${megabytes(start)} on`;
  progress.start(`${name}${from}`, total === undefined ? 0 : inMegabytes(total - start), "MB");
  const file = await part.openAt(start);
  let done = start;
  try {
    for await (const piece of pieces(response)) {
      if (total !== undefined && done + piece.length > total) {
        throw new RunError({ where: url, expected: `${total} bytes`, received: "more" });
      }
      await writeAll(file, piece, done);
      done += piece.length;
      count(piece.length);
      progress.update(inMegabytes(done - start));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  if (total !== undefined && done < total) throw new Interrupted("the connection ended early");
  progress.finish();
}

/** The body; a connection that breaks is an interruption, and nothing that the caller does with the pieces is. */
async function* pieces(response: IncomingMessage): AsyncIterable<Uint8Array> {
  const body = response[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  for (;;) {
    let next: IteratorResult<Uint8Array>;
    try {
      next = await body.next();
    } catch (cause) {
      throw new Interrupted(`the connection broke (${messageOf(cause)})`, { cause });
    }
    if (next.done) return;
    yield next.value;
  }
}

async function writeAll(file: Awaited<ReturnType<PartFile["openAt"]>>, piece: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < piece.length; ) {
    written += (await file.write(piece, written, piece.length - written, at + written)).bytesWritten;
  }
}

function isTemporary(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  return ["ECONNRESET", "ECONNREFUSED", "ECONNABORTED", "ETIMEDOUT", "EPIPE", "EHOSTUNREACH", "ENETUNREACH"].includes(
    code,
  );
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

export const inMegabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;

/** `170.1 MB`, in millions of bytes. */
export const megabytes = (bytes: number): string => `${inMegabytes(bytes).toFixed(1)} MB`;
