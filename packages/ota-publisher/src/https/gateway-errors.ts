/** What one `error_code` in the gateway's answer means. */
export interface GatewayError {
  /** What happened, as the end of a sentence that begins with the gateway's name. */
  readonly meaning: string;
  /** What to do about it, as one sentence. */
  readonly hint: string;
  /** The same request can succeed a little later. */
  readonly transient: boolean;
}

/** How a form that the gateway does not understand comes about: we build it the way it reads it. */
const CHANGED_ON_THE_WAY =
  "something between here and the gateway changes the request, or `url` is not its /api/ota: try without proxies";

/** Every `error_code` of `POST /api/ota` of the TinyBMS gateway, by its number. */
const GATEWAY_ERRORS: Readonly<Record<number, GatewayError>> = {
  0: {
    meaning: "reports success and refuses all the same",
    hint: "look at the gateway's log, and at what it runs now",
    transient: false,
  },
  1: {
    meaning: "got no payload",
    hint: "a proxy may have dropped the body: send to the gateway's own address",
    transient: false,
  },
  2: {
    meaning: "got no content type",
    hint: CHANGED_ON_THE_WAY,
    transient: false,
  },
  3: {
    meaning: "can't use the boundary of the multipart form",
    hint: CHANGED_ON_THE_WAY,
    transient: false,
  },
  4: {
    meaning: "is busy with another update",
    hint: "wait until that one has ended, or restart the gateway, and deploy again",
    transient: true,
  },
  5: {
    meaning: "can't read the multipart form",
    hint: CHANGED_ON_THE_WAY,
    transient: false,
  },
  6: {
    meaning: "could not write the image as it came in",
    hint: "its connection or its flash failed: deploy again closer to it; its partition table must have OTA slots that the image fits (tinybms-ota inspect)",
    transient: true,
  },
  7: {
    meaning: "found no field `firmware` in the form",
    hint: CHANGED_ON_THE_WAY,
    transient: false,
  },
  8: {
    meaning: "does not take the content type",
    hint: CHANGED_ON_THE_WAY,
    transient: false,
  },
  9: {
    meaning: "refused the image when it checked it",
    hint: "the image must be for the gateway's chip, fit its OTA slot, and be signed where its build demands it: tinybms-ota inspect shows what it is",
    transient: false,
  },
  10: {
    meaning: "could not put its answer together",
    hint: "the image may be written already: look at the version that the gateway shows before you deploy again",
    transient: true,
  },
};

/** What an `error_code` means; one that came with a newer gateway too. */
export function gatewayErrorOf(code: number): GatewayError {
  const unknown = {
    meaning: "reports an error that this version of tinybms-ota does not know",
    hint: "look at the gateway's log",
    transient: false,
  };
  return Object.hasOwn(GATEWAY_ERRORS, code) ? (GATEWAY_ERRORS[code] ?? unknown) : unknown;
}
