/** Meaning of an `error_code` in the gateway's answer. */
export interface GatewayError {
  /** Continuation of a sentence that begins with the gateway's name. */
  readonly meaning: string;
  /** Advice, as one sentence. */
  readonly hint: string;
  /** `true` if the same request may succeed later. */
  readonly transient: boolean;
}

/** Advice for a form that the gateway can't read: it was built correctly, so something changed it. */
const CHANGED_ON_THE_WAY =
  "something between here and the gateway changes the request, or `url` is not its /api/ota: try without proxies";

/** All `error_code` values of `POST /api/ota` of the TinyBMS gateway. */
const GATEWAY_ERRORS: Readonly<Record<number, GatewayError>> = {
  0: {
    meaning: "reports success but refuses the image",
    hint: "check the gateway's log and the version that it runs",
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
    meaning: "does not accept the content type",
    hint: CHANGED_ON_THE_WAY,
    transient: false,
  },
  9: {
    meaning: "refused the image during its check",
    hint: "the image must be for the gateway's chip, fit its OTA slot, and be signed if its build requires that: check it with tinybms-ota inspect",
    transient: false,
  },
  10: {
    meaning: "could not create its answer",
    hint: "the image may already be written: check the version that the gateway shows before you deploy again",
    transient: true,
  },
};

/** Returns the meaning of an `error_code`, including unknown ones from newer gateways. */
export function gatewayErrorOf(code: number): GatewayError {
  const unknown = {
    meaning: "reports an error that this version of tinybms-ota does not know",
    hint: "check the gateway's log",
    transient: false,
  };
  return Object.hasOwn(GATEWAY_ERRORS, code) ? (GATEWAY_ERRORS[code] ?? unknown) : unknown;
}
