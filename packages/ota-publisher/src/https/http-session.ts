import { OtaError } from "@tinybms/ota-core";
import { definedMembers } from "../defined-members.ts";
import { ExchangeError, type HttpAnswer, type HttpConnection } from "./http-connection.ts";
import { addressOf, exchangeFault, type HttpFault, type Server } from "./http-fault.ts";
import type { HttpsTarget } from "./https-channel.ts";
import type { ImageBody } from "./image-body.ts";
import { ServerText } from "./server-text.ts";

/** Result of a request: an answer that is not a redirect, with its server, or a fault. */
export type RequestOutcome =
  | { readonly answer: HttpAnswer; readonly server: Server; readonly fault?: never }
  | { readonly fault: HttpFault; readonly answer?: never; readonly server?: never };

/** Request of a delivery, before redirects. */
export interface SessionRequest {
  readonly method: string;
  /** URL on the target's origin. */
  readonly url: URL;
  readonly headers: ReadonlyMap<string, string>;
  /** Creates the body. Called again for each redirect. */
  readonly createBody?: () => ImageBody;
}

/** Largest number of redirects to follow within one request. */
const REDIRECTS_MAX = 5;

/** Sends the requests of one delivery. */
export class HttpSession {
  readonly target: HttpsTarget;
  /** Masks the target's secrets in what the server says. */
  readonly text: ServerText;
  readonly #connection: HttpConnection;
  readonly #signal: AbortSignal;

  /** @param signal - Ends a request; its promise then rejects with the signal's reason. */
  constructor(target: HttpsTarget, connection: HttpConnection, signal: AbortSignal) {
    this.target = target;
    this.text = new ServerText(target.secrets);
    this.#connection = connection;
    this.#signal = signal;
  }

  /**
   * Sends a request and follows redirects with 307 and 308 on the same origin, which keep method and body (RFC 9110
   * sections 15.4.8 and 15.4.9). Any other redirect is a fault that names its location.
   */
  async request({ method, url, headers, createBody }: SessionRequest): Promise<RequestOutcome> {
    let server: Server = { url, display: this.#displayOf(url), text: this.text };
    for (let redirects = 0; ; redirects++) {
      const { url: at } = server;
      const body = createBody?.();
      let answer: HttpAnswer;
      try {
        const request = {
          method,
          path: `${at.pathname}${at.search}`,
          headers,
          ...definedMembers({ body }),
        };
        answer = await this.#connection.exchange(request, this.target.timeoutMs, this.#signal);
      } catch (error) {
        this.#signal.throwIfAborted();
        if (error instanceof ExchangeError) return { fault: exchangeFault(error, server) };
        throw error;
      }
      const location = answer.headers.get("location");
      if (answer.status < 300 || answer.status > 399 || location === undefined) {
        return answer.isEarly && answer.status < 300 ? { fault: earlyFault(server) } : { answer, server };
      }
      const next = URL.canParse(location, at.href) ? new URL(location, at) : undefined;
      const isFollowed = next?.origin === at.origin && (answer.status === 307 || answer.status === 308);
      if (!isFollowed || redirects === REDIRECTS_MAX)
        return { fault: this.#redirectFault(server, answer.status, next) };
      server = { url: next, display: this.#displayOf(next), text: this.text };
    }
  }

  /** Returns a URL without user information, query and fragment, and without its path if that contains a secret. */
  #displayOf(url: URL): string {
    const display = `${url.origin}${url.pathname}`;
    return display === this.target.display ? display : this.text.show(display) || url.origin;
  }

  #redirectFault({ url, display }: Server, status: number, next: URL | undefined): HttpFault {
    const location = next === undefined ? "a location that is not a URL" : this.#displayOf(next);
    const details = { ...addressOf(url), status, location };
    if (next?.origin === url.origin && (status === 307 || status === 308)) {
      const message = `${display} redirects too often, most recently to ${location}`;
      return { error: new OtaError("delivery/redirected", message, details), transient: false };
    }
    const rule =
      next !== undefined && next.origin !== url.origin
        ? "the image and the credentials are not sent to another server"
        : "only 307 and 308 keep method and body";
    const message = `${display} redirects (${status}) to ${location}, which is not followed: ${rule}`;
    const hint = "if the image should go there, set it as the url of the channel";
    return { error: new OtaError("delivery/redirected", message, details, { hint }), transient: false };
  }
}

/** Creates the fault for a server that reports success before it has the whole image. */
function earlyFault({ url, display }: Server): HttpFault {
  const message = `${display} reported success before it had received the whole image`;
  const hint = "check that url is the one for uploads";
  return { error: new OtaError("delivery/answer-invalid", message, addressOf(url), { hint }), transient: false };
}
