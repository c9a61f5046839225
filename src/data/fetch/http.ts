/** One HTTP answer, its body untouched. Node's `fetch` would undo a Content-Encoding that servers put on .tar.gz files. */
import { get as getHttp, type IncomingMessage } from "node:http";
import { get as getHttps } from "node:https";
import { RunError } from "../../errors.js";
import { version } from "../../version.js";

const mostRedirects = 8;
/** A server that says nothing for so long is taken for gone. */
const silenceMilliseconds = 60_000;

/**
 * Sends a GET request and follows redirects. The body is to be read or destroyed by the caller; it fails when the connection
 * breaks or nothing comes for a minute.
 *
 * @throws RunError for too many redirects, or one from https to http; errors of the network as Node has them
 */
export async function httpGet(
  address: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await send(url, headers, signal);
    const status = response.statusCode ?? 0;
    const { location } = response.headers;
    if (status < 300 || status >= 400 || status === 304 || location === undefined) return response;
    response.destroy();
    const next = new URL(location, url);
    if (url.protocol === "https:" && next.protocol !== "https:") {
      throw new RunError({
        where: address,
        problem: `the server sends on from https to ${next.origin}, where nothing protects the data`,
        hint: "download the file by hand",
      });
    }
    url = next;
  }
  throw new RunError({ where: address, problem: `the server sends on more than ${mostRedirects} times` });
}

function send(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const get = url.protocol === "https:" ? getHttps : getHttp;
    const all = { "user-agent": `offmap/${version}`, "accept-encoding": "identity", ...headers };
    const request = get(url, { headers: all, signal, timeout: silenceMilliseconds }, resolve);
    request.on("timeout", () =>
      request.destroy(Object.assign(new Error("the server fell silent"), { code: "ETIMEDOUT" })),
    );
    request.on("error", reject);
  });
}
