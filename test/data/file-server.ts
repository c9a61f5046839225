import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll } from "vitest";

/** What a path answers with. */
export interface ServedFile {
  readonly content: Uint8Array;
  /** Default 200, or 206 for a range. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Answers requests for a part; default true. */
  readonly ranges?: boolean;
  /** Does not say how long the body is. */
  readonly unsized?: boolean;
  /** Breaks the connection after so many bytes of the body. */
  readonly cutAfter?: number;
  /** Says so many bytes more than it sends. */
  readonly claimsMore?: number;
  /** After so many bytes sends nothing more and keeps the connection. */
  readonly stallAfter?: number;
}

export interface FileServer {
  readonly address: string;
  /** Answers in turn for a path; the last one stays. */
  serve(path: string, ...answers: readonly ServedFile[]): string;
  /** Headers of the requests that came for a path. */
  requests(path: string): readonly IncomingHttpHeaders[];
}

/** A server on this machine that lives as long as the test file. */
export async function fileServer(): Promise<FileServer> {
  const files = new Map<string, ServedFile[]>();
  const seen = new Map<string, IncomingHttpHeaders[]>();
  const server = createServer((request, response) => {
    const path = request.url ?? "";
    seen.set(path, [...(seen.get(path) ?? []), request.headers]);
    const answers = files.get(path) ?? [];
    const file = answers.length > 1 ? answers.shift() : answers[0];
    if (file === undefined) {
      response.writeHead(404).end("not here");
      return;
    }
    const { etag } = file.headers ?? {};
    const condition = request.headers["if-range"];
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    const applies = file.ranges !== false && (condition === undefined || condition === etag);
    const start = asked !== undefined && applies ? Number(asked) : 0;
    if (start >= file.content.length && start > 0) {
      response.writeHead(416, { "content-range": `bytes */${file.content.length}` }).end();
      return;
    }
    const body = file.content.subarray(start);
    response.writeHead(file.status ?? (start > 0 ? 206 : 200), {
      ...(file.unsized ? {} : { "content-length": String(body.length + (file.claimsMore ?? 0)) }),
      ...(start > 0 ? { "content-range": `bytes ${start}-${file.content.length - 1}/${file.content.length}` } : {}),
      ...file.headers,
    });
    // What a client has received but not read is lost with the connection, so it is given time to read.
    const cut = () => void setTimeout(() => response.destroy(), 200);
    if (file.cutAfter !== undefined) response.write(body.subarray(0, file.cutAfter), cut);
    else if (file.stallAfter !== undefined) response.write(body.subarray(0, file.stallAfter));
    else if (file.claimsMore !== undefined) response.write(body, cut);
    else response.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address,
    serve(path, ...answers) {
      files.set(path, [...answers]);
      seen.delete(path);
      return `${address}${path}`;
    },
    requests: (path) => seen.get(path) ?? [],
  };
}
