// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
// @ts-nocheck
import type { DeviceRequest, Envelope, KeySet, Offer, Release, StateReport } from "./types.generated.ts";
import type { SchemaValidator } from "./validator.ts";

/** Whether a value is a {@link Envelope}. */
export const validateEnvelope: SchemaValidator<Envelope> = messageValidate20;
const messageSchema31 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///protocol/envelope.schema.json",
  type: "object",
  required: ["payload", "signatures"],
  properties: {
    payload: { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 4096 },
    signatures: { type: "array", maxItems: 4, items: { $ref: "#/$defs/EnvelopeSignature" } },
  },
  additionalProperties: true,
  $defs: {
    EnvelopeSignature: {
      type: "object",
      required: ["keyid", "alg", "sig"],
      properties: {
        keyid: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
        alg: { type: "string", pattern: "^[a-z0-9][a-z0-9-]*$", maxLength: 32 },
        sig: { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 1024 },
      },
      additionalProperties: true,
    },
  },
};
const messageSchema32 = {
  type: "object",
  required: ["keyid", "alg", "sig"],
  properties: {
    keyid: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    alg: { type: "string", pattern: "^[a-z0-9][a-z0-9-]*$", maxLength: 32 },
    sig: { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 1024 },
  },
  additionalProperties: true,
};
const messagePattern4 = new RegExp("^[A-Za-z0-9+/]*={0,2}$", "u");
const messagePattern5 = new RegExp("^[0-9a-f]{32}$", "u");
const messagePattern6 = new RegExp("^[a-z0-9][a-z0-9-]*$", "u");
function messageValidate20(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///protocol/envelope.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate20.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (
        (data.payload === undefined && (missing0 = "payload")) ||
        (data.signatures === undefined && (missing0 = "signatures"))
      ) {
        messageValidate20.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.payload !== undefined) {
          let data0 = data.payload;
          const _errs2 = errors;
          if (errors === _errs2) {
            if (typeof data0 === "string") {
              if (data0.length > 4096) {
                messageValidate20.errors = [
                  {
                    instancePath: instancePath + "/payload",
                    schemaPath: "#/properties/payload/maxLength",
                    keyword: "maxLength",
                    params: { limit: 4096 },
                  },
                ];
                return false;
              } else {
                if (!messagePattern4.test(data0)) {
                  messageValidate20.errors = [
                    {
                      instancePath: instancePath + "/payload",
                      schemaPath: "#/properties/payload/pattern",
                      keyword: "pattern",
                      params: { pattern: "^[A-Za-z0-9+/]*={0,2}$" },
                    },
                  ];
                  return false;
                }
              }
            } else {
              messageValidate20.errors = [
                {
                  instancePath: instancePath + "/payload",
                  schemaPath: "#/properties/payload/type",
                  keyword: "type",
                  params: { type: "string" },
                },
              ];
              return false;
            }
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.signatures !== undefined) {
            let data1 = data.signatures;
            const _errs4 = errors;
            if (errors === _errs4) {
              if (Array.isArray(data1)) {
                if (data1.length > 4) {
                  messageValidate20.errors = [
                    {
                      instancePath: instancePath + "/signatures",
                      schemaPath: "#/properties/signatures/maxItems",
                      keyword: "maxItems",
                      params: { limit: 4 },
                    },
                  ];
                  return false;
                } else {
                  var valid1 = true;
                  const len0 = data1.length;
                  for (let i0 = 0; i0 < len0; i0++) {
                    let data2 = data1[i0];
                    const _errs6 = errors;
                    const _errs7 = errors;
                    if (errors === _errs7) {
                      if (data2 && typeof data2 == "object" && !Array.isArray(data2)) {
                        let missing1;
                        if (
                          (data2.keyid === undefined && (missing1 = "keyid")) ||
                          (data2.alg === undefined && (missing1 = "alg")) ||
                          (data2.sig === undefined && (missing1 = "sig"))
                        ) {
                          messageValidate20.errors = [
                            {
                              instancePath: instancePath + "/signatures/" + i0,
                              schemaPath: "#/$defs/EnvelopeSignature/required",
                              keyword: "required",
                              params: { missingProperty: missing1 },
                            },
                          ];
                          return false;
                        } else {
                          if (data2.keyid !== undefined) {
                            let data3 = data2.keyid;
                            const _errs10 = errors;
                            if (errors === _errs10) {
                              if (typeof data3 === "string") {
                                if (data3.length > 32) {
                                  messageValidate20.errors = [
                                    {
                                      instancePath: instancePath + "/signatures/" + i0 + "/keyid",
                                      schemaPath: "#/$defs/EnvelopeSignature/properties/keyid/maxLength",
                                      keyword: "maxLength",
                                      params: { limit: 32 },
                                    },
                                  ];
                                  return false;
                                } else {
                                  if (!messagePattern5.test(data3)) {
                                    messageValidate20.errors = [
                                      {
                                        instancePath: instancePath + "/signatures/" + i0 + "/keyid",
                                        schemaPath: "#/$defs/EnvelopeSignature/properties/keyid/pattern",
                                        keyword: "pattern",
                                        params: { pattern: "^[0-9a-f]{32}$" },
                                      },
                                    ];
                                    return false;
                                  }
                                }
                              } else {
                                messageValidate20.errors = [
                                  {
                                    instancePath: instancePath + "/signatures/" + i0 + "/keyid",
                                    schemaPath: "#/$defs/EnvelopeSignature/properties/keyid/type",
                                    keyword: "type",
                                    params: { type: "string" },
                                  },
                                ];
                                return false;
                              }
                            }
                            var valid3 = _errs10 === errors;
                          } else {
                            var valid3 = true;
                          }
                          if (valid3) {
                            if (data2.alg !== undefined) {
                              let data4 = data2.alg;
                              const _errs12 = errors;
                              if (errors === _errs12) {
                                if (typeof data4 === "string") {
                                  if (data4.length > 32) {
                                    messageValidate20.errors = [
                                      {
                                        instancePath: instancePath + "/signatures/" + i0 + "/alg",
                                        schemaPath: "#/$defs/EnvelopeSignature/properties/alg/maxLength",
                                        keyword: "maxLength",
                                        params: { limit: 32 },
                                      },
                                    ];
                                    return false;
                                  } else {
                                    if (!messagePattern6.test(data4)) {
                                      messageValidate20.errors = [
                                        {
                                          instancePath: instancePath + "/signatures/" + i0 + "/alg",
                                          schemaPath: "#/$defs/EnvelopeSignature/properties/alg/pattern",
                                          keyword: "pattern",
                                          params: { pattern: "^[a-z0-9][a-z0-9-]*$" },
                                        },
                                      ];
                                      return false;
                                    }
                                  }
                                } else {
                                  messageValidate20.errors = [
                                    {
                                      instancePath: instancePath + "/signatures/" + i0 + "/alg",
                                      schemaPath: "#/$defs/EnvelopeSignature/properties/alg/type",
                                      keyword: "type",
                                      params: { type: "string" },
                                    },
                                  ];
                                  return false;
                                }
                              }
                              var valid3 = _errs12 === errors;
                            } else {
                              var valid3 = true;
                            }
                            if (valid3) {
                              if (data2.sig !== undefined) {
                                let data5 = data2.sig;
                                const _errs14 = errors;
                                if (errors === _errs14) {
                                  if (typeof data5 === "string") {
                                    if (data5.length > 1024) {
                                      messageValidate20.errors = [
                                        {
                                          instancePath: instancePath + "/signatures/" + i0 + "/sig",
                                          schemaPath: "#/$defs/EnvelopeSignature/properties/sig/maxLength",
                                          keyword: "maxLength",
                                          params: { limit: 1024 },
                                        },
                                      ];
                                      return false;
                                    } else {
                                      if (!messagePattern4.test(data5)) {
                                        messageValidate20.errors = [
                                          {
                                            instancePath: instancePath + "/signatures/" + i0 + "/sig",
                                            schemaPath: "#/$defs/EnvelopeSignature/properties/sig/pattern",
                                            keyword: "pattern",
                                            params: { pattern: "^[A-Za-z0-9+/]*={0,2}$" },
                                          },
                                        ];
                                        return false;
                                      }
                                    }
                                  } else {
                                    messageValidate20.errors = [
                                      {
                                        instancePath: instancePath + "/signatures/" + i0 + "/sig",
                                        schemaPath: "#/$defs/EnvelopeSignature/properties/sig/type",
                                        keyword: "type",
                                        params: { type: "string" },
                                      },
                                    ];
                                    return false;
                                  }
                                }
                                var valid3 = _errs14 === errors;
                              } else {
                                var valid3 = true;
                              }
                            }
                          }
                        }
                      } else {
                        messageValidate20.errors = [
                          {
                            instancePath: instancePath + "/signatures/" + i0,
                            schemaPath: "#/$defs/EnvelopeSignature/type",
                            keyword: "type",
                            params: { type: "object" },
                          },
                        ];
                        return false;
                      }
                    }
                    var valid1 = _errs6 === errors;
                    if (!valid1) {
                      break;
                    }
                  }
                }
              } else {
                messageValidate20.errors = [
                  {
                    instancePath: instancePath + "/signatures",
                    schemaPath: "#/properties/signatures/type",
                    keyword: "type",
                    params: { type: "array" },
                  },
                ];
                return false;
              }
            }
            var valid0 = _errs4 === errors;
          } else {
            var valid0 = true;
          }
        }
      }
    } else {
      messageValidate20.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  messageValidate20.errors = vErrors;
  return errors === 0;
}
messageValidate20.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link KeySet}. */
export const validateKeySet: SchemaValidator<KeySet> = messageValidate21;
const messageSchema33 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///protocol/key-set.schema.json",
  type: "object",
  required: ["keys", "product", "epoch", "issued_at", "revoked", "roles", "records"],
  properties: {
    keys: { const: 1 },
    product: { type: "string", minLength: 1, maxLength: 128 },
    epoch: { type: "integer", minimum: 1, maximum: 2147483647 },
    issued_at: {
      type: "string",
      pattern:
        "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
      maxLength: 24,
    },
    revoked: { type: "array", maxItems: 64, items: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 } },
    roles: {
      type: "object",
      required: ["root", "release", "offer"],
      properties: {
        root: { $ref: "#/$defs/KeyRole" },
        release: { $ref: "#/$defs/KeyRole" },
        offer: { $ref: "#/$defs/KeyRole" },
      },
      additionalProperties: true,
    },
    records: {
      type: "object",
      maxProperties: 24,
      propertyNames: { pattern: "^[0-9a-f]{32}$" },
      additionalProperties: { $ref: "#/$defs/KeyRecord" },
    },
  },
  additionalProperties: true,
  $defs: {
    KeyRole: {
      type: "object",
      required: ["keyids", "threshold"],
      properties: {
        keyids: {
          type: "array",
          minItems: 1,
          maxItems: 8,
          items: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
        },
        threshold: { type: "integer", minimum: 1, maximum: 8 },
      },
      additionalProperties: true,
    },
    KeyRecord: {
      type: "object",
      required: ["alg", "spki"],
      properties: {
        alg: { type: "string", enum: ["ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519"] },
        spki: { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 1024, minLength: 4 },
      },
      additionalProperties: true,
    },
  },
};
const messageSchema34 = {
  type: "object",
  required: ["keyids", "threshold"],
  properties: {
    keyids: {
      type: "array",
      minItems: 1,
      maxItems: 8,
      items: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    },
    threshold: { type: "integer", minimum: 1, maximum: 8 },
  },
  additionalProperties: true,
};
const messageSchema37 = {
  type: "object",
  required: ["alg", "spki"],
  properties: {
    alg: { type: "string", enum: ["ecdsa-p256-sha256", "rsa-pkcs1v15-sha256", "ed25519"] },
    spki: { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 1024, minLength: 4 },
  },
  additionalProperties: true,
};
const messagePattern8 = new RegExp(
  "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
  "u",
);
function messageValidate21(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///protocol/key-set.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate21.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (
        (data.keys === undefined && (missing0 = "keys")) ||
        (data.product === undefined && (missing0 = "product")) ||
        (data.epoch === undefined && (missing0 = "epoch")) ||
        (data.issued_at === undefined && (missing0 = "issued_at")) ||
        (data.revoked === undefined && (missing0 = "revoked")) ||
        (data.roles === undefined && (missing0 = "roles")) ||
        (data.records === undefined && (missing0 = "records"))
      ) {
        messageValidate21.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.keys !== undefined) {
          const _errs2 = errors;
          if (1 !== data.keys) {
            messageValidate21.errors = [
              {
                instancePath: instancePath + "/keys",
                schemaPath: "#/properties/keys/const",
                keyword: "const",
                params: { allowedValue: 1 },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.product !== undefined) {
            let data1 = data.product;
            const _errs3 = errors;
            if (errors === _errs3) {
              if (typeof data1 === "string") {
                if (data1.length > 128) {
                  messageValidate21.errors = [
                    {
                      instancePath: instancePath + "/product",
                      schemaPath: "#/properties/product/maxLength",
                      keyword: "maxLength",
                      params: { limit: 128 },
                    },
                  ];
                  return false;
                } else {
                  if (data1.length < 1) {
                    messageValidate21.errors = [
                      {
                        instancePath: instancePath + "/product",
                        schemaPath: "#/properties/product/minLength",
                        keyword: "minLength",
                        params: { limit: 1 },
                      },
                    ];
                    return false;
                  }
                }
              } else {
                messageValidate21.errors = [
                  {
                    instancePath: instancePath + "/product",
                    schemaPath: "#/properties/product/type",
                    keyword: "type",
                    params: { type: "string" },
                  },
                ];
                return false;
              }
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.epoch !== undefined) {
              let data2 = data.epoch;
              const _errs5 = errors;
              if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
                messageValidate21.errors = [
                  {
                    instancePath: instancePath + "/epoch",
                    schemaPath: "#/properties/epoch/type",
                    keyword: "type",
                    params: { type: "integer" },
                  },
                ];
                return false;
              }
              if (errors === _errs5) {
                if (typeof data2 == "number" && isFinite(data2)) {
                  if (data2 > 2147483647 || isNaN(data2)) {
                    messageValidate21.errors = [
                      {
                        instancePath: instancePath + "/epoch",
                        schemaPath: "#/properties/epoch/maximum",
                        keyword: "maximum",
                        params: { comparison: "<=", limit: 2147483647 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2 < 1 || isNaN(data2)) {
                      messageValidate21.errors = [
                        {
                          instancePath: instancePath + "/epoch",
                          schemaPath: "#/properties/epoch/minimum",
                          keyword: "minimum",
                          params: { comparison: ">=", limit: 1 },
                        },
                      ];
                      return false;
                    }
                  }
                }
              }
              var valid0 = _errs5 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.issued_at !== undefined) {
                let data3 = data.issued_at;
                const _errs7 = errors;
                if (errors === _errs7) {
                  if (typeof data3 === "string") {
                    if (data3.length > 24) {
                      messageValidate21.errors = [
                        {
                          instancePath: instancePath + "/issued_at",
                          schemaPath: "#/properties/issued_at/maxLength",
                          keyword: "maxLength",
                          params: { limit: 24 },
                        },
                      ];
                      return false;
                    } else {
                      if (!messagePattern8.test(data3)) {
                        messageValidate21.errors = [
                          {
                            instancePath: instancePath + "/issued_at",
                            schemaPath: "#/properties/issued_at/pattern",
                            keyword: "pattern",
                            params: {
                              pattern:
                                "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
                            },
                          },
                        ];
                        return false;
                      }
                    }
                  } else {
                    messageValidate21.errors = [
                      {
                        instancePath: instancePath + "/issued_at",
                        schemaPath: "#/properties/issued_at/type",
                        keyword: "type",
                        params: { type: "string" },
                      },
                    ];
                    return false;
                  }
                }
                var valid0 = _errs7 === errors;
              } else {
                var valid0 = true;
              }
              if (valid0) {
                if (data.revoked !== undefined) {
                  let data4 = data.revoked;
                  const _errs9 = errors;
                  if (errors === _errs9) {
                    if (Array.isArray(data4)) {
                      if (data4.length > 64) {
                        messageValidate21.errors = [
                          {
                            instancePath: instancePath + "/revoked",
                            schemaPath: "#/properties/revoked/maxItems",
                            keyword: "maxItems",
                            params: { limit: 64 },
                          },
                        ];
                        return false;
                      } else {
                        var valid1 = true;
                        const len0 = data4.length;
                        for (let i0 = 0; i0 < len0; i0++) {
                          let data5 = data4[i0];
                          const _errs11 = errors;
                          if (errors === _errs11) {
                            if (typeof data5 === "string") {
                              if (data5.length > 32) {
                                messageValidate21.errors = [
                                  {
                                    instancePath: instancePath + "/revoked/" + i0,
                                    schemaPath: "#/properties/revoked/items/maxLength",
                                    keyword: "maxLength",
                                    params: { limit: 32 },
                                  },
                                ];
                                return false;
                              } else {
                                if (!messagePattern5.test(data5)) {
                                  messageValidate21.errors = [
                                    {
                                      instancePath: instancePath + "/revoked/" + i0,
                                      schemaPath: "#/properties/revoked/items/pattern",
                                      keyword: "pattern",
                                      params: { pattern: "^[0-9a-f]{32}$" },
                                    },
                                  ];
                                  return false;
                                }
                              }
                            } else {
                              messageValidate21.errors = [
                                {
                                  instancePath: instancePath + "/revoked/" + i0,
                                  schemaPath: "#/properties/revoked/items/type",
                                  keyword: "type",
                                  params: { type: "string" },
                                },
                              ];
                              return false;
                            }
                          }
                          var valid1 = _errs11 === errors;
                          if (!valid1) {
                            break;
                          }
                        }
                      }
                    } else {
                      messageValidate21.errors = [
                        {
                          instancePath: instancePath + "/revoked",
                          schemaPath: "#/properties/revoked/type",
                          keyword: "type",
                          params: { type: "array" },
                        },
                      ];
                      return false;
                    }
                  }
                  var valid0 = _errs9 === errors;
                } else {
                  var valid0 = true;
                }
                if (valid0) {
                  if (data.roles !== undefined) {
                    let data6 = data.roles;
                    const _errs13 = errors;
                    if (errors === _errs13) {
                      if (data6 && typeof data6 == "object" && !Array.isArray(data6)) {
                        let missing1;
                        if (
                          (data6.root === undefined && (missing1 = "root")) ||
                          (data6.release === undefined && (missing1 = "release")) ||
                          (data6.offer === undefined && (missing1 = "offer"))
                        ) {
                          messageValidate21.errors = [
                            {
                              instancePath: instancePath + "/roles",
                              schemaPath: "#/properties/roles/required",
                              keyword: "required",
                              params: { missingProperty: missing1 },
                            },
                          ];
                          return false;
                        } else {
                          if (data6.root !== undefined) {
                            let data7 = data6.root;
                            const _errs16 = errors;
                            const _errs17 = errors;
                            if (errors === _errs17) {
                              if (data7 && typeof data7 == "object" && !Array.isArray(data7)) {
                                let missing2;
                                if (
                                  (data7.keyids === undefined && (missing2 = "keyids")) ||
                                  (data7.threshold === undefined && (missing2 = "threshold"))
                                ) {
                                  messageValidate21.errors = [
                                    {
                                      instancePath: instancePath + "/roles/root",
                                      schemaPath: "#/$defs/KeyRole/required",
                                      keyword: "required",
                                      params: { missingProperty: missing2 },
                                    },
                                  ];
                                  return false;
                                } else {
                                  if (data7.keyids !== undefined) {
                                    let data8 = data7.keyids;
                                    const _errs20 = errors;
                                    if (errors === _errs20) {
                                      if (Array.isArray(data8)) {
                                        if (data8.length > 8) {
                                          messageValidate21.errors = [
                                            {
                                              instancePath: instancePath + "/roles/root/keyids",
                                              schemaPath: "#/$defs/KeyRole/properties/keyids/maxItems",
                                              keyword: "maxItems",
                                              params: { limit: 8 },
                                            },
                                          ];
                                          return false;
                                        } else {
                                          if (data8.length < 1) {
                                            messageValidate21.errors = [
                                              {
                                                instancePath: instancePath + "/roles/root/keyids",
                                                schemaPath: "#/$defs/KeyRole/properties/keyids/minItems",
                                                keyword: "minItems",
                                                params: { limit: 1 },
                                              },
                                            ];
                                            return false;
                                          } else {
                                            var valid5 = true;
                                            const len1 = data8.length;
                                            for (let i1 = 0; i1 < len1; i1++) {
                                              let data9 = data8[i1];
                                              const _errs22 = errors;
                                              if (errors === _errs22) {
                                                if (typeof data9 === "string") {
                                                  if (data9.length > 32) {
                                                    messageValidate21.errors = [
                                                      {
                                                        instancePath: instancePath + "/roles/root/keyids/" + i1,
                                                        schemaPath: "#/$defs/KeyRole/properties/keyids/items/maxLength",
                                                        keyword: "maxLength",
                                                        params: { limit: 32 },
                                                      },
                                                    ];
                                                    return false;
                                                  } else {
                                                    if (!messagePattern5.test(data9)) {
                                                      messageValidate21.errors = [
                                                        {
                                                          instancePath: instancePath + "/roles/root/keyids/" + i1,
                                                          schemaPath: "#/$defs/KeyRole/properties/keyids/items/pattern",
                                                          keyword: "pattern",
                                                          params: { pattern: "^[0-9a-f]{32}$" },
                                                        },
                                                      ];
                                                      return false;
                                                    }
                                                  }
                                                } else {
                                                  messageValidate21.errors = [
                                                    {
                                                      instancePath: instancePath + "/roles/root/keyids/" + i1,
                                                      schemaPath: "#/$defs/KeyRole/properties/keyids/items/type",
                                                      keyword: "type",
                                                      params: { type: "string" },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                              var valid5 = _errs22 === errors;
                                              if (!valid5) {
                                                break;
                                              }
                                            }
                                          }
                                        }
                                      } else {
                                        messageValidate21.errors = [
                                          {
                                            instancePath: instancePath + "/roles/root/keyids",
                                            schemaPath: "#/$defs/KeyRole/properties/keyids/type",
                                            keyword: "type",
                                            params: { type: "array" },
                                          },
                                        ];
                                        return false;
                                      }
                                    }
                                    var valid4 = _errs20 === errors;
                                  } else {
                                    var valid4 = true;
                                  }
                                  if (valid4) {
                                    if (data7.threshold !== undefined) {
                                      let data10 = data7.threshold;
                                      const _errs24 = errors;
                                      if (
                                        !(
                                          typeof data10 == "number" &&
                                          !(data10 % 1) &&
                                          !isNaN(data10) &&
                                          isFinite(data10)
                                        )
                                      ) {
                                        messageValidate21.errors = [
                                          {
                                            instancePath: instancePath + "/roles/root/threshold",
                                            schemaPath: "#/$defs/KeyRole/properties/threshold/type",
                                            keyword: "type",
                                            params: { type: "integer" },
                                          },
                                        ];
                                        return false;
                                      }
                                      if (errors === _errs24) {
                                        if (typeof data10 == "number" && isFinite(data10)) {
                                          if (data10 > 8 || isNaN(data10)) {
                                            messageValidate21.errors = [
                                              {
                                                instancePath: instancePath + "/roles/root/threshold",
                                                schemaPath: "#/$defs/KeyRole/properties/threshold/maximum",
                                                keyword: "maximum",
                                                params: { comparison: "<=", limit: 8 },
                                              },
                                            ];
                                            return false;
                                          } else {
                                            if (data10 < 1 || isNaN(data10)) {
                                              messageValidate21.errors = [
                                                {
                                                  instancePath: instancePath + "/roles/root/threshold",
                                                  schemaPath: "#/$defs/KeyRole/properties/threshold/minimum",
                                                  keyword: "minimum",
                                                  params: { comparison: ">=", limit: 1 },
                                                },
                                              ];
                                              return false;
                                            }
                                          }
                                        }
                                      }
                                      var valid4 = _errs24 === errors;
                                    } else {
                                      var valid4 = true;
                                    }
                                  }
                                }
                              } else {
                                messageValidate21.errors = [
                                  {
                                    instancePath: instancePath + "/roles/root",
                                    schemaPath: "#/$defs/KeyRole/type",
                                    keyword: "type",
                                    params: { type: "object" },
                                  },
                                ];
                                return false;
                              }
                            }
                            var valid2 = _errs16 === errors;
                          } else {
                            var valid2 = true;
                          }
                          if (valid2) {
                            if (data6.release !== undefined) {
                              let data11 = data6.release;
                              const _errs26 = errors;
                              const _errs27 = errors;
                              if (errors === _errs27) {
                                if (data11 && typeof data11 == "object" && !Array.isArray(data11)) {
                                  let missing3;
                                  if (
                                    (data11.keyids === undefined && (missing3 = "keyids")) ||
                                    (data11.threshold === undefined && (missing3 = "threshold"))
                                  ) {
                                    messageValidate21.errors = [
                                      {
                                        instancePath: instancePath + "/roles/release",
                                        schemaPath: "#/$defs/KeyRole/required",
                                        keyword: "required",
                                        params: { missingProperty: missing3 },
                                      },
                                    ];
                                    return false;
                                  } else {
                                    if (data11.keyids !== undefined) {
                                      let data12 = data11.keyids;
                                      const _errs30 = errors;
                                      if (errors === _errs30) {
                                        if (Array.isArray(data12)) {
                                          if (data12.length > 8) {
                                            messageValidate21.errors = [
                                              {
                                                instancePath: instancePath + "/roles/release/keyids",
                                                schemaPath: "#/$defs/KeyRole/properties/keyids/maxItems",
                                                keyword: "maxItems",
                                                params: { limit: 8 },
                                              },
                                            ];
                                            return false;
                                          } else {
                                            if (data12.length < 1) {
                                              messageValidate21.errors = [
                                                {
                                                  instancePath: instancePath + "/roles/release/keyids",
                                                  schemaPath: "#/$defs/KeyRole/properties/keyids/minItems",
                                                  keyword: "minItems",
                                                  params: { limit: 1 },
                                                },
                                              ];
                                              return false;
                                            } else {
                                              var valid8 = true;
                                              const len2 = data12.length;
                                              for (let i2 = 0; i2 < len2; i2++) {
                                                let data13 = data12[i2];
                                                const _errs32 = errors;
                                                if (errors === _errs32) {
                                                  if (typeof data13 === "string") {
                                                    if (data13.length > 32) {
                                                      messageValidate21.errors = [
                                                        {
                                                          instancePath: instancePath + "/roles/release/keyids/" + i2,
                                                          schemaPath:
                                                            "#/$defs/KeyRole/properties/keyids/items/maxLength",
                                                          keyword: "maxLength",
                                                          params: { limit: 32 },
                                                        },
                                                      ];
                                                      return false;
                                                    } else {
                                                      if (!messagePattern5.test(data13)) {
                                                        messageValidate21.errors = [
                                                          {
                                                            instancePath: instancePath + "/roles/release/keyids/" + i2,
                                                            schemaPath:
                                                              "#/$defs/KeyRole/properties/keyids/items/pattern",
                                                            keyword: "pattern",
                                                            params: { pattern: "^[0-9a-f]{32}$" },
                                                          },
                                                        ];
                                                        return false;
                                                      }
                                                    }
                                                  } else {
                                                    messageValidate21.errors = [
                                                      {
                                                        instancePath: instancePath + "/roles/release/keyids/" + i2,
                                                        schemaPath: "#/$defs/KeyRole/properties/keyids/items/type",
                                                        keyword: "type",
                                                        params: { type: "string" },
                                                      },
                                                    ];
                                                    return false;
                                                  }
                                                }
                                                var valid8 = _errs32 === errors;
                                                if (!valid8) {
                                                  break;
                                                }
                                              }
                                            }
                                          }
                                        } else {
                                          messageValidate21.errors = [
                                            {
                                              instancePath: instancePath + "/roles/release/keyids",
                                              schemaPath: "#/$defs/KeyRole/properties/keyids/type",
                                              keyword: "type",
                                              params: { type: "array" },
                                            },
                                          ];
                                          return false;
                                        }
                                      }
                                      var valid7 = _errs30 === errors;
                                    } else {
                                      var valid7 = true;
                                    }
                                    if (valid7) {
                                      if (data11.threshold !== undefined) {
                                        let data14 = data11.threshold;
                                        const _errs34 = errors;
                                        if (
                                          !(
                                            typeof data14 == "number" &&
                                            !(data14 % 1) &&
                                            !isNaN(data14) &&
                                            isFinite(data14)
                                          )
                                        ) {
                                          messageValidate21.errors = [
                                            {
                                              instancePath: instancePath + "/roles/release/threshold",
                                              schemaPath: "#/$defs/KeyRole/properties/threshold/type",
                                              keyword: "type",
                                              params: { type: "integer" },
                                            },
                                          ];
                                          return false;
                                        }
                                        if (errors === _errs34) {
                                          if (typeof data14 == "number" && isFinite(data14)) {
                                            if (data14 > 8 || isNaN(data14)) {
                                              messageValidate21.errors = [
                                                {
                                                  instancePath: instancePath + "/roles/release/threshold",
                                                  schemaPath: "#/$defs/KeyRole/properties/threshold/maximum",
                                                  keyword: "maximum",
                                                  params: { comparison: "<=", limit: 8 },
                                                },
                                              ];
                                              return false;
                                            } else {
                                              if (data14 < 1 || isNaN(data14)) {
                                                messageValidate21.errors = [
                                                  {
                                                    instancePath: instancePath + "/roles/release/threshold",
                                                    schemaPath: "#/$defs/KeyRole/properties/threshold/minimum",
                                                    keyword: "minimum",
                                                    params: { comparison: ">=", limit: 1 },
                                                  },
                                                ];
                                                return false;
                                              }
                                            }
                                          }
                                        }
                                        var valid7 = _errs34 === errors;
                                      } else {
                                        var valid7 = true;
                                      }
                                    }
                                  }
                                } else {
                                  messageValidate21.errors = [
                                    {
                                      instancePath: instancePath + "/roles/release",
                                      schemaPath: "#/$defs/KeyRole/type",
                                      keyword: "type",
                                      params: { type: "object" },
                                    },
                                  ];
                                  return false;
                                }
                              }
                              var valid2 = _errs26 === errors;
                            } else {
                              var valid2 = true;
                            }
                            if (valid2) {
                              if (data6.offer !== undefined) {
                                let data15 = data6.offer;
                                const _errs36 = errors;
                                const _errs37 = errors;
                                if (errors === _errs37) {
                                  if (data15 && typeof data15 == "object" && !Array.isArray(data15)) {
                                    let missing4;
                                    if (
                                      (data15.keyids === undefined && (missing4 = "keyids")) ||
                                      (data15.threshold === undefined && (missing4 = "threshold"))
                                    ) {
                                      messageValidate21.errors = [
                                        {
                                          instancePath: instancePath + "/roles/offer",
                                          schemaPath: "#/$defs/KeyRole/required",
                                          keyword: "required",
                                          params: { missingProperty: missing4 },
                                        },
                                      ];
                                      return false;
                                    } else {
                                      if (data15.keyids !== undefined) {
                                        let data16 = data15.keyids;
                                        const _errs40 = errors;
                                        if (errors === _errs40) {
                                          if (Array.isArray(data16)) {
                                            if (data16.length > 8) {
                                              messageValidate21.errors = [
                                                {
                                                  instancePath: instancePath + "/roles/offer/keyids",
                                                  schemaPath: "#/$defs/KeyRole/properties/keyids/maxItems",
                                                  keyword: "maxItems",
                                                  params: { limit: 8 },
                                                },
                                              ];
                                              return false;
                                            } else {
                                              if (data16.length < 1) {
                                                messageValidate21.errors = [
                                                  {
                                                    instancePath: instancePath + "/roles/offer/keyids",
                                                    schemaPath: "#/$defs/KeyRole/properties/keyids/minItems",
                                                    keyword: "minItems",
                                                    params: { limit: 1 },
                                                  },
                                                ];
                                                return false;
                                              } else {
                                                var valid11 = true;
                                                const len3 = data16.length;
                                                for (let i3 = 0; i3 < len3; i3++) {
                                                  let data17 = data16[i3];
                                                  const _errs42 = errors;
                                                  if (errors === _errs42) {
                                                    if (typeof data17 === "string") {
                                                      if (data17.length > 32) {
                                                        messageValidate21.errors = [
                                                          {
                                                            instancePath: instancePath + "/roles/offer/keyids/" + i3,
                                                            schemaPath:
                                                              "#/$defs/KeyRole/properties/keyids/items/maxLength",
                                                            keyword: "maxLength",
                                                            params: { limit: 32 },
                                                          },
                                                        ];
                                                        return false;
                                                      } else {
                                                        if (!messagePattern5.test(data17)) {
                                                          messageValidate21.errors = [
                                                            {
                                                              instancePath: instancePath + "/roles/offer/keyids/" + i3,
                                                              schemaPath:
                                                                "#/$defs/KeyRole/properties/keyids/items/pattern",
                                                              keyword: "pattern",
                                                              params: { pattern: "^[0-9a-f]{32}$" },
                                                            },
                                                          ];
                                                          return false;
                                                        }
                                                      }
                                                    } else {
                                                      messageValidate21.errors = [
                                                        {
                                                          instancePath: instancePath + "/roles/offer/keyids/" + i3,
                                                          schemaPath: "#/$defs/KeyRole/properties/keyids/items/type",
                                                          keyword: "type",
                                                          params: { type: "string" },
                                                        },
                                                      ];
                                                      return false;
                                                    }
                                                  }
                                                  var valid11 = _errs42 === errors;
                                                  if (!valid11) {
                                                    break;
                                                  }
                                                }
                                              }
                                            }
                                          } else {
                                            messageValidate21.errors = [
                                              {
                                                instancePath: instancePath + "/roles/offer/keyids",
                                                schemaPath: "#/$defs/KeyRole/properties/keyids/type",
                                                keyword: "type",
                                                params: { type: "array" },
                                              },
                                            ];
                                            return false;
                                          }
                                        }
                                        var valid10 = _errs40 === errors;
                                      } else {
                                        var valid10 = true;
                                      }
                                      if (valid10) {
                                        if (data15.threshold !== undefined) {
                                          let data18 = data15.threshold;
                                          const _errs44 = errors;
                                          if (
                                            !(
                                              typeof data18 == "number" &&
                                              !(data18 % 1) &&
                                              !isNaN(data18) &&
                                              isFinite(data18)
                                            )
                                          ) {
                                            messageValidate21.errors = [
                                              {
                                                instancePath: instancePath + "/roles/offer/threshold",
                                                schemaPath: "#/$defs/KeyRole/properties/threshold/type",
                                                keyword: "type",
                                                params: { type: "integer" },
                                              },
                                            ];
                                            return false;
                                          }
                                          if (errors === _errs44) {
                                            if (typeof data18 == "number" && isFinite(data18)) {
                                              if (data18 > 8 || isNaN(data18)) {
                                                messageValidate21.errors = [
                                                  {
                                                    instancePath: instancePath + "/roles/offer/threshold",
                                                    schemaPath: "#/$defs/KeyRole/properties/threshold/maximum",
                                                    keyword: "maximum",
                                                    params: { comparison: "<=", limit: 8 },
                                                  },
                                                ];
                                                return false;
                                              } else {
                                                if (data18 < 1 || isNaN(data18)) {
                                                  messageValidate21.errors = [
                                                    {
                                                      instancePath: instancePath + "/roles/offer/threshold",
                                                      schemaPath: "#/$defs/KeyRole/properties/threshold/minimum",
                                                      keyword: "minimum",
                                                      params: { comparison: ">=", limit: 1 },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                            }
                                          }
                                          var valid10 = _errs44 === errors;
                                        } else {
                                          var valid10 = true;
                                        }
                                      }
                                    }
                                  } else {
                                    messageValidate21.errors = [
                                      {
                                        instancePath: instancePath + "/roles/offer",
                                        schemaPath: "#/$defs/KeyRole/type",
                                        keyword: "type",
                                        params: { type: "object" },
                                      },
                                    ];
                                    return false;
                                  }
                                }
                                var valid2 = _errs36 === errors;
                              } else {
                                var valid2 = true;
                              }
                            }
                          }
                        }
                      } else {
                        messageValidate21.errors = [
                          {
                            instancePath: instancePath + "/roles",
                            schemaPath: "#/properties/roles/type",
                            keyword: "type",
                            params: { type: "object" },
                          },
                        ];
                        return false;
                      }
                    }
                    var valid0 = _errs13 === errors;
                  } else {
                    var valid0 = true;
                  }
                  if (valid0) {
                    if (data.records !== undefined) {
                      let data19 = data.records;
                      const _errs46 = errors;
                      if (errors === _errs46) {
                        if (data19 && typeof data19 == "object" && !Array.isArray(data19)) {
                          if (Object.keys(data19).length > 24) {
                            messageValidate21.errors = [
                              {
                                instancePath: instancePath + "/records",
                                schemaPath: "#/properties/records/maxProperties",
                                keyword: "maxProperties",
                                params: { limit: 24 },
                              },
                            ];
                            return false;
                          } else {
                            for (const key0 in data19) {
                              const _errs48 = errors;
                              if (typeof key0 === "string") {
                                if (!messagePattern5.test(key0)) {
                                  const err0 = {
                                    instancePath: instancePath + "/records",
                                    schemaPath: "#/properties/records/propertyNames/pattern",
                                    keyword: "pattern",
                                    params: { pattern: "^[0-9a-f]{32}$" },
                                    propertyName: key0,
                                  };
                                  if (vErrors === null) {
                                    vErrors = [err0];
                                  } else {
                                    vErrors.push(err0);
                                  }
                                  errors++;
                                }
                              }
                              var valid12 = _errs48 === errors;
                              if (!valid12) {
                                const err1 = {
                                  instancePath: instancePath + "/records",
                                  schemaPath: "#/properties/records/propertyNames",
                                  keyword: "propertyNames",
                                  params: { propertyName: key0 },
                                };
                                if (vErrors === null) {
                                  vErrors = [err1];
                                } else {
                                  vErrors.push(err1);
                                }
                                errors++;
                                messageValidate21.errors = vErrors;
                                return false;
                                break;
                              }
                            }
                            if (valid12) {
                              for (const key1 in data19) {
                                let data20 = data19[key1];
                                const _errs50 = errors;
                                const _errs51 = errors;
                                if (errors === _errs51) {
                                  if (data20 && typeof data20 == "object" && !Array.isArray(data20)) {
                                    let missing5;
                                    if (
                                      (data20.alg === undefined && (missing5 = "alg")) ||
                                      (data20.spki === undefined && (missing5 = "spki"))
                                    ) {
                                      messageValidate21.errors = [
                                        {
                                          instancePath:
                                            instancePath + "/records/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),
                                          schemaPath: "#/$defs/KeyRecord/required",
                                          keyword: "required",
                                          params: { missingProperty: missing5 },
                                        },
                                      ];
                                      return false;
                                    } else {
                                      if (data20.alg !== undefined) {
                                        let data21 = data20.alg;
                                        const _errs54 = errors;
                                        if (typeof data21 !== "string") {
                                          messageValidate21.errors = [
                                            {
                                              instancePath:
                                                instancePath +
                                                "/records/" +
                                                key1.replace(/~/g, "~0").replace(/\//g, "~1") +
                                                "/alg",
                                              schemaPath: "#/$defs/KeyRecord/properties/alg/type",
                                              keyword: "type",
                                              params: { type: "string" },
                                            },
                                          ];
                                          return false;
                                        }
                                        if (
                                          !(
                                            data21 === "ecdsa-p256-sha256" ||
                                            data21 === "rsa-pkcs1v15-sha256" ||
                                            data21 === "ed25519"
                                          )
                                        ) {
                                          messageValidate21.errors = [
                                            {
                                              instancePath:
                                                instancePath +
                                                "/records/" +
                                                key1.replace(/~/g, "~0").replace(/\//g, "~1") +
                                                "/alg",
                                              schemaPath: "#/$defs/KeyRecord/properties/alg/enum",
                                              keyword: "enum",
                                              params: { allowedValues: messageSchema37.properties.alg.enum },
                                            },
                                          ];
                                          return false;
                                        }
                                        var valid15 = _errs54 === errors;
                                      } else {
                                        var valid15 = true;
                                      }
                                      if (valid15) {
                                        if (data20.spki !== undefined) {
                                          let data22 = data20.spki;
                                          const _errs56 = errors;
                                          if (errors === _errs56) {
                                            if (typeof data22 === "string") {
                                              if (data22.length > 1024) {
                                                messageValidate21.errors = [
                                                  {
                                                    instancePath:
                                                      instancePath +
                                                      "/records/" +
                                                      key1.replace(/~/g, "~0").replace(/\//g, "~1") +
                                                      "/spki",
                                                    schemaPath: "#/$defs/KeyRecord/properties/spki/maxLength",
                                                    keyword: "maxLength",
                                                    params: { limit: 1024 },
                                                  },
                                                ];
                                                return false;
                                              } else {
                                                if (data22.length < 4) {
                                                  messageValidate21.errors = [
                                                    {
                                                      instancePath:
                                                        instancePath +
                                                        "/records/" +
                                                        key1.replace(/~/g, "~0").replace(/\//g, "~1") +
                                                        "/spki",
                                                      schemaPath: "#/$defs/KeyRecord/properties/spki/minLength",
                                                      keyword: "minLength",
                                                      params: { limit: 4 },
                                                    },
                                                  ];
                                                  return false;
                                                } else {
                                                  if (!messagePattern4.test(data22)) {
                                                    messageValidate21.errors = [
                                                      {
                                                        instancePath:
                                                          instancePath +
                                                          "/records/" +
                                                          key1.replace(/~/g, "~0").replace(/\//g, "~1") +
                                                          "/spki",
                                                        schemaPath: "#/$defs/KeyRecord/properties/spki/pattern",
                                                        keyword: "pattern",
                                                        params: { pattern: "^[A-Za-z0-9+/]*={0,2}$" },
                                                      },
                                                    ];
                                                    return false;
                                                  }
                                                }
                                              }
                                            } else {
                                              messageValidate21.errors = [
                                                {
                                                  instancePath:
                                                    instancePath +
                                                    "/records/" +
                                                    key1.replace(/~/g, "~0").replace(/\//g, "~1") +
                                                    "/spki",
                                                  schemaPath: "#/$defs/KeyRecord/properties/spki/type",
                                                  keyword: "type",
                                                  params: { type: "string" },
                                                },
                                              ];
                                              return false;
                                            }
                                          }
                                          var valid15 = _errs56 === errors;
                                        } else {
                                          var valid15 = true;
                                        }
                                      }
                                    }
                                  } else {
                                    messageValidate21.errors = [
                                      {
                                        instancePath:
                                          instancePath + "/records/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),
                                        schemaPath: "#/$defs/KeyRecord/type",
                                        keyword: "type",
                                        params: { type: "object" },
                                      },
                                    ];
                                    return false;
                                  }
                                }
                                var valid13 = _errs50 === errors;
                                if (!valid13) {
                                  break;
                                }
                              }
                            }
                          }
                        } else {
                          messageValidate21.errors = [
                            {
                              instancePath: instancePath + "/records",
                              schemaPath: "#/properties/records/type",
                              keyword: "type",
                              params: { type: "object" },
                            },
                          ];
                          return false;
                        }
                      }
                      var valid0 = _errs46 === errors;
                    } else {
                      var valid0 = true;
                    }
                  }
                }
              }
            }
          }
        }
      }
    } else {
      messageValidate21.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  messageValidate21.errors = vErrors;
  return errors === 0;
}
messageValidate21.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link Offer}. */
export const validateOffer: SchemaValidator<Offer> = messageValidate22;
const messageSchema38 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///protocol/offer.schema.json",
  type: "object",
  required: ["offer", "id", "topic_root", "epoch", "sequence", "issued_at", "release", "chunk_encodings", "target"],
  properties: {
    offer: { const: 1 },
    id: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    topic_root: { type: "string", minLength: 1, maxLength: 45 },
    epoch: { type: "integer", minimum: 1, maximum: 2147483647 },
    sequence: { type: "integer", minimum: 1, maximum: 2147483647 },
    issued_at: {
      type: "string",
      pattern:
        "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
      maxLength: 24,
    },
    expires_at: {
      type: "string",
      pattern:
        "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
      maxLength: 24,
    },
    release: { oneOf: [{ $ref: "envelope.schema.json" }, { type: "null" }] },
    chunk_encodings: {
      type: "array",
      minItems: 1,
      maxItems: 4,
      items: { type: "string", pattern: "^[a-z0-9][a-z0-9-]*$", maxLength: 16 },
    },
    target: { $ref: "#/$defs/OfferTarget" },
    constraints: { $ref: "#/$defs/OfferConstraints" },
    spread_ms: { type: "integer", minimum: 0, maximum: 3600000 },
    probation_ms: { type: "integer", minimum: 1000, maximum: 3600000 },
    probation_max_ms: { type: "integer", minimum: 1000, maximum: 3600000 },
    restart_spread_ms: { type: "integer", minimum: 0, maximum: 3600000 },
    install_after: {
      type: "string",
      pattern:
        "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
      maxLength: 24,
    },
    between: { $ref: "#/$defs/MaintenanceWindow" },
    waive: { type: "array", maxItems: 3, items: { type: "string", enum: ["chip-id", "project-name", "constraints"] } },
    critical: { type: "array", maxItems: 16, items: { type: "string", minLength: 1, maxLength: 64 } },
  },
  additionalProperties: true,
  $defs: {
    MaintenanceWindow: {
      type: "object",
      required: ["start_minute", "minutes"],
      properties: {
        start_minute: { type: "integer", minimum: 0, maximum: 1439 },
        minutes: { type: "integer", minimum: 1, maximum: 1440 },
        offset_minutes: { type: "integer", minimum: -840, maximum: 840 },
      },
      additionalProperties: true,
    },
    OfferTarget: { oneOf: [{ const: "all" }, { $ref: "#/$defs/DevicesTarget" }, { $ref: "#/$defs/RolloutTarget" }] },
    DevicesTarget: {
      type: "object",
      required: ["devices"],
      properties: {
        devices: {
          type: "array",
          minItems: 1,
          maxItems: 256,
          items: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", maxLength: 64 },
        },
      },
      additionalProperties: true,
    },
    RolloutTarget: {
      type: "object",
      required: ["rollout"],
      properties: { rollout: { $ref: "#/$defs/Rollout" } },
      additionalProperties: true,
    },
    Rollout: {
      type: "object",
      required: ["permille", "salt"],
      properties: {
        permille: { type: "integer", minimum: 0, maximum: 1000 },
        salt: { type: "string", pattern: "^(?:[0-9a-f][0-9a-f])+$", maxLength: 64 },
      },
      additionalProperties: true,
    },
    OfferConstraints: {
      type: "object",
      required: [],
      properties: {
        from_images: {
          type: "array",
          minItems: 1,
          maxItems: 64,
          items: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
        },
        min_battery_percent: { type: "integer", minimum: 0, maximum: 100 },
      },
      additionalProperties: true,
    },
  },
};
const messageSchema43 = {
  type: "object",
  required: [],
  properties: {
    from_images: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      items: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    },
    min_battery_percent: { type: "integer", minimum: 0, maximum: 100 },
  },
  additionalProperties: true,
};
const messageSchema44 = {
  type: "object",
  required: ["start_minute", "minutes"],
  properties: {
    start_minute: { type: "integer", minimum: 0, maximum: 1439 },
    minutes: { type: "integer", minimum: 1, maximum: 1440 },
    offset_minutes: { type: "integer", minimum: -840, maximum: 840 },
  },
  additionalProperties: true,
};
const messageSchema39 = {
  oneOf: [{ const: "all" }, { $ref: "#/$defs/DevicesTarget" }, { $ref: "#/$defs/RolloutTarget" }],
};
const messageSchema40 = {
  type: "object",
  required: ["devices"],
  properties: {
    devices: {
      type: "array",
      minItems: 1,
      maxItems: 256,
      items: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", maxLength: 64 },
    },
  },
  additionalProperties: true,
};
const messagePattern19 = new RegExp("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "u");
const messageSchema41 = {
  type: "object",
  required: ["rollout"],
  properties: { rollout: { $ref: "#/$defs/Rollout" } },
  additionalProperties: true,
};
const messageSchema42 = {
  type: "object",
  required: ["permille", "salt"],
  properties: {
    permille: { type: "integer", minimum: 0, maximum: 1000 },
    salt: { type: "string", pattern: "^(?:[0-9a-f][0-9a-f])+$", maxLength: 64 },
  },
  additionalProperties: true,
};
const messagePattern20 = new RegExp("^(?:[0-9a-f][0-9a-f])+$", "u");
function messageValidate25(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate25.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (data.rollout === undefined && (missing0 = "rollout")) {
        messageValidate25.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.rollout !== undefined) {
          let data0 = data.rollout;
          const _errs3 = errors;
          if (errors === _errs3) {
            if (data0 && typeof data0 == "object" && !Array.isArray(data0)) {
              let missing1;
              if (
                (data0.permille === undefined && (missing1 = "permille")) ||
                (data0.salt === undefined && (missing1 = "salt"))
              ) {
                messageValidate25.errors = [
                  {
                    instancePath: instancePath + "/rollout",
                    schemaPath: "#/$defs/Rollout/required",
                    keyword: "required",
                    params: { missingProperty: missing1 },
                  },
                ];
                return false;
              } else {
                if (data0.permille !== undefined) {
                  let data1 = data0.permille;
                  const _errs6 = errors;
                  if (!(typeof data1 == "number" && !(data1 % 1) && !isNaN(data1) && isFinite(data1))) {
                    messageValidate25.errors = [
                      {
                        instancePath: instancePath + "/rollout/permille",
                        schemaPath: "#/$defs/Rollout/properties/permille/type",
                        keyword: "type",
                        params: { type: "integer" },
                      },
                    ];
                    return false;
                  }
                  if (errors === _errs6) {
                    if (typeof data1 == "number" && isFinite(data1)) {
                      if (data1 > 1000 || isNaN(data1)) {
                        messageValidate25.errors = [
                          {
                            instancePath: instancePath + "/rollout/permille",
                            schemaPath: "#/$defs/Rollout/properties/permille/maximum",
                            keyword: "maximum",
                            params: { comparison: "<=", limit: 1000 },
                          },
                        ];
                        return false;
                      } else {
                        if (data1 < 0 || isNaN(data1)) {
                          messageValidate25.errors = [
                            {
                              instancePath: instancePath + "/rollout/permille",
                              schemaPath: "#/$defs/Rollout/properties/permille/minimum",
                              keyword: "minimum",
                              params: { comparison: ">=", limit: 0 },
                            },
                          ];
                          return false;
                        }
                      }
                    }
                  }
                  var valid2 = _errs6 === errors;
                } else {
                  var valid2 = true;
                }
                if (valid2) {
                  if (data0.salt !== undefined) {
                    let data2 = data0.salt;
                    const _errs8 = errors;
                    if (errors === _errs8) {
                      if (typeof data2 === "string") {
                        if (data2.length > 64) {
                          messageValidate25.errors = [
                            {
                              instancePath: instancePath + "/rollout/salt",
                              schemaPath: "#/$defs/Rollout/properties/salt/maxLength",
                              keyword: "maxLength",
                              params: { limit: 64 },
                            },
                          ];
                          return false;
                        } else {
                          if (!messagePattern20.test(data2)) {
                            messageValidate25.errors = [
                              {
                                instancePath: instancePath + "/rollout/salt",
                                schemaPath: "#/$defs/Rollout/properties/salt/pattern",
                                keyword: "pattern",
                                params: { pattern: "^(?:[0-9a-f][0-9a-f])+$" },
                              },
                            ];
                            return false;
                          }
                        }
                      } else {
                        messageValidate25.errors = [
                          {
                            instancePath: instancePath + "/rollout/salt",
                            schemaPath: "#/$defs/Rollout/properties/salt/type",
                            keyword: "type",
                            params: { type: "string" },
                          },
                        ];
                        return false;
                      }
                    }
                    var valid2 = _errs8 === errors;
                  } else {
                    var valid2 = true;
                  }
                }
              }
            } else {
              messageValidate25.errors = [
                {
                  instancePath: instancePath + "/rollout",
                  schemaPath: "#/$defs/Rollout/type",
                  keyword: "type",
                  params: { type: "object" },
                },
              ];
              return false;
            }
          }
        }
      }
    } else {
      messageValidate25.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  messageValidate25.errors = vErrors;
  return errors === 0;
}
messageValidate25.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
function messageValidate24(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate24.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  const _errs0 = errors;
  let valid0 = false;
  let passing0 = null;
  const _errs1 = errors;
  if ("all" !== data) {
    const err0 = { instancePath, schemaPath: "#/oneOf/0/const", keyword: "const", params: { allowedValue: "all" } };
    if (vErrors === null) {
      vErrors = [err0];
    } else {
      vErrors.push(err0);
    }
    errors++;
  }
  var _valid0 = _errs1 === errors;
  if (_valid0) {
    valid0 = true;
    passing0 = 0;
  }
  const _errs2 = errors;
  const _errs3 = errors;
  if (errors === _errs3) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (data.devices === undefined && (missing0 = "devices")) {
        const err1 = {
          instancePath,
          schemaPath: "#/$defs/DevicesTarget/required",
          keyword: "required",
          params: { missingProperty: missing0 },
        };
        if (vErrors === null) {
          vErrors = [err1];
        } else {
          vErrors.push(err1);
        }
        errors++;
      } else {
        if (data.devices !== undefined) {
          let data0 = data.devices;
          const _errs6 = errors;
          if (errors === _errs6) {
            if (Array.isArray(data0)) {
              if (data0.length > 256) {
                const err2 = {
                  instancePath: instancePath + "/devices",
                  schemaPath: "#/$defs/DevicesTarget/properties/devices/maxItems",
                  keyword: "maxItems",
                  params: { limit: 256 },
                };
                if (vErrors === null) {
                  vErrors = [err2];
                } else {
                  vErrors.push(err2);
                }
                errors++;
              } else {
                if (data0.length < 1) {
                  const err3 = {
                    instancePath: instancePath + "/devices",
                    schemaPath: "#/$defs/DevicesTarget/properties/devices/minItems",
                    keyword: "minItems",
                    params: { limit: 1 },
                  };
                  if (vErrors === null) {
                    vErrors = [err3];
                  } else {
                    vErrors.push(err3);
                  }
                  errors++;
                } else {
                  var valid3 = true;
                  const len0 = data0.length;
                  for (let i0 = 0; i0 < len0; i0++) {
                    let data1 = data0[i0];
                    const _errs8 = errors;
                    if (errors === _errs8) {
                      if (typeof data1 === "string") {
                        if (data1.length > 64) {
                          const err4 = {
                            instancePath: instancePath + "/devices/" + i0,
                            schemaPath: "#/$defs/DevicesTarget/properties/devices/items/maxLength",
                            keyword: "maxLength",
                            params: { limit: 64 },
                          };
                          if (vErrors === null) {
                            vErrors = [err4];
                          } else {
                            vErrors.push(err4);
                          }
                          errors++;
                        } else {
                          if (!messagePattern19.test(data1)) {
                            const err5 = {
                              instancePath: instancePath + "/devices/" + i0,
                              schemaPath: "#/$defs/DevicesTarget/properties/devices/items/pattern",
                              keyword: "pattern",
                              params: { pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
                            };
                            if (vErrors === null) {
                              vErrors = [err5];
                            } else {
                              vErrors.push(err5);
                            }
                            errors++;
                          }
                        }
                      } else {
                        const err6 = {
                          instancePath: instancePath + "/devices/" + i0,
                          schemaPath: "#/$defs/DevicesTarget/properties/devices/items/type",
                          keyword: "type",
                          params: { type: "string" },
                        };
                        if (vErrors === null) {
                          vErrors = [err6];
                        } else {
                          vErrors.push(err6);
                        }
                        errors++;
                      }
                    }
                    var valid3 = _errs8 === errors;
                    if (!valid3) {
                      break;
                    }
                  }
                }
              }
            } else {
              const err7 = {
                instancePath: instancePath + "/devices",
                schemaPath: "#/$defs/DevicesTarget/properties/devices/type",
                keyword: "type",
                params: { type: "array" },
              };
              if (vErrors === null) {
                vErrors = [err7];
              } else {
                vErrors.push(err7);
              }
              errors++;
            }
          }
        }
      }
    } else {
      const err8 = {
        instancePath,
        schemaPath: "#/$defs/DevicesTarget/type",
        keyword: "type",
        params: { type: "object" },
      };
      if (vErrors === null) {
        vErrors = [err8];
      } else {
        vErrors.push(err8);
      }
      errors++;
    }
  }
  var _valid0 = _errs2 === errors;
  if (_valid0 && valid0) {
    valid0 = false;
    passing0 = [passing0, 1];
  } else {
    if (_valid0) {
      valid0 = true;
      passing0 = 1;
      var props0 = true;
    }
    const _errs10 = errors;
    if (!messageValidate25(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
      vErrors = vErrors === null ? messageValidate25.errors : vErrors.concat(messageValidate25.errors);
      errors = vErrors.length;
    }
    var _valid0 = _errs10 === errors;
    if (_valid0 && valid0) {
      valid0 = false;
      passing0 = [passing0, 2];
    } else {
      if (_valid0) {
        valid0 = true;
        passing0 = 2;
        if (props0 !== true) {
          props0 = true;
        }
      }
    }
  }
  if (!valid0) {
    const err9 = { instancePath, schemaPath: "#/oneOf", keyword: "oneOf", params: { passingSchemas: passing0 } };
    if (vErrors === null) {
      vErrors = [err9];
    } else {
      vErrors.push(err9);
    }
    errors++;
    messageValidate24.errors = vErrors;
    return false;
  } else {
    errors = _errs0;
    if (vErrors !== null) {
      if (_errs0) {
        vErrors.length = _errs0;
      } else {
        vErrors = null;
      }
    }
  }
  messageValidate24.errors = vErrors;
  evaluated0.props = props0;
  return errors === 0;
}
messageValidate24.evaluated = { dynamicProps: true, dynamicItems: false };
function messageValidate22(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///protocol/offer.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate22.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (
        (data.offer === undefined && (missing0 = "offer")) ||
        (data.id === undefined && (missing0 = "id")) ||
        (data.topic_root === undefined && (missing0 = "topic_root")) ||
        (data.epoch === undefined && (missing0 = "epoch")) ||
        (data.sequence === undefined && (missing0 = "sequence")) ||
        (data.issued_at === undefined && (missing0 = "issued_at")) ||
        (data.release === undefined && (missing0 = "release")) ||
        (data.chunk_encodings === undefined && (missing0 = "chunk_encodings")) ||
        (data.target === undefined && (missing0 = "target"))
      ) {
        messageValidate22.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.offer !== undefined) {
          const _errs2 = errors;
          if (1 !== data.offer) {
            messageValidate22.errors = [
              {
                instancePath: instancePath + "/offer",
                schemaPath: "#/properties/offer/const",
                keyword: "const",
                params: { allowedValue: 1 },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.id !== undefined) {
            let data1 = data.id;
            const _errs3 = errors;
            if (errors === _errs3) {
              if (typeof data1 === "string") {
                if (data1.length > 32) {
                  messageValidate22.errors = [
                    {
                      instancePath: instancePath + "/id",
                      schemaPath: "#/properties/id/maxLength",
                      keyword: "maxLength",
                      params: { limit: 32 },
                    },
                  ];
                  return false;
                } else {
                  if (!messagePattern5.test(data1)) {
                    messageValidate22.errors = [
                      {
                        instancePath: instancePath + "/id",
                        schemaPath: "#/properties/id/pattern",
                        keyword: "pattern",
                        params: { pattern: "^[0-9a-f]{32}$" },
                      },
                    ];
                    return false;
                  }
                }
              } else {
                messageValidate22.errors = [
                  {
                    instancePath: instancePath + "/id",
                    schemaPath: "#/properties/id/type",
                    keyword: "type",
                    params: { type: "string" },
                  },
                ];
                return false;
              }
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.topic_root !== undefined) {
              let data2 = data.topic_root;
              const _errs5 = errors;
              if (errors === _errs5) {
                if (typeof data2 === "string") {
                  if (data2.length > 45) {
                    messageValidate22.errors = [
                      {
                        instancePath: instancePath + "/topic_root",
                        schemaPath: "#/properties/topic_root/maxLength",
                        keyword: "maxLength",
                        params: { limit: 45 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2.length < 1) {
                      messageValidate22.errors = [
                        {
                          instancePath: instancePath + "/topic_root",
                          schemaPath: "#/properties/topic_root/minLength",
                          keyword: "minLength",
                          params: { limit: 1 },
                        },
                      ];
                      return false;
                    }
                  }
                } else {
                  messageValidate22.errors = [
                    {
                      instancePath: instancePath + "/topic_root",
                      schemaPath: "#/properties/topic_root/type",
                      keyword: "type",
                      params: { type: "string" },
                    },
                  ];
                  return false;
                }
              }
              var valid0 = _errs5 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.epoch !== undefined) {
                let data3 = data.epoch;
                const _errs7 = errors;
                if (!(typeof data3 == "number" && !(data3 % 1) && !isNaN(data3) && isFinite(data3))) {
                  messageValidate22.errors = [
                    {
                      instancePath: instancePath + "/epoch",
                      schemaPath: "#/properties/epoch/type",
                      keyword: "type",
                      params: { type: "integer" },
                    },
                  ];
                  return false;
                }
                if (errors === _errs7) {
                  if (typeof data3 == "number" && isFinite(data3)) {
                    if (data3 > 2147483647 || isNaN(data3)) {
                      messageValidate22.errors = [
                        {
                          instancePath: instancePath + "/epoch",
                          schemaPath: "#/properties/epoch/maximum",
                          keyword: "maximum",
                          params: { comparison: "<=", limit: 2147483647 },
                        },
                      ];
                      return false;
                    } else {
                      if (data3 < 1 || isNaN(data3)) {
                        messageValidate22.errors = [
                          {
                            instancePath: instancePath + "/epoch",
                            schemaPath: "#/properties/epoch/minimum",
                            keyword: "minimum",
                            params: { comparison: ">=", limit: 1 },
                          },
                        ];
                        return false;
                      }
                    }
                  }
                }
                var valid0 = _errs7 === errors;
              } else {
                var valid0 = true;
              }
              if (valid0) {
                if (data.sequence !== undefined) {
                  let data4 = data.sequence;
                  const _errs9 = errors;
                  if (!(typeof data4 == "number" && !(data4 % 1) && !isNaN(data4) && isFinite(data4))) {
                    messageValidate22.errors = [
                      {
                        instancePath: instancePath + "/sequence",
                        schemaPath: "#/properties/sequence/type",
                        keyword: "type",
                        params: { type: "integer" },
                      },
                    ];
                    return false;
                  }
                  if (errors === _errs9) {
                    if (typeof data4 == "number" && isFinite(data4)) {
                      if (data4 > 2147483647 || isNaN(data4)) {
                        messageValidate22.errors = [
                          {
                            instancePath: instancePath + "/sequence",
                            schemaPath: "#/properties/sequence/maximum",
                            keyword: "maximum",
                            params: { comparison: "<=", limit: 2147483647 },
                          },
                        ];
                        return false;
                      } else {
                        if (data4 < 1 || isNaN(data4)) {
                          messageValidate22.errors = [
                            {
                              instancePath: instancePath + "/sequence",
                              schemaPath: "#/properties/sequence/minimum",
                              keyword: "minimum",
                              params: { comparison: ">=", limit: 1 },
                            },
                          ];
                          return false;
                        }
                      }
                    }
                  }
                  var valid0 = _errs9 === errors;
                } else {
                  var valid0 = true;
                }
                if (valid0) {
                  if (data.issued_at !== undefined) {
                    let data5 = data.issued_at;
                    const _errs11 = errors;
                    if (errors === _errs11) {
                      if (typeof data5 === "string") {
                        if (data5.length > 24) {
                          messageValidate22.errors = [
                            {
                              instancePath: instancePath + "/issued_at",
                              schemaPath: "#/properties/issued_at/maxLength",
                              keyword: "maxLength",
                              params: { limit: 24 },
                            },
                          ];
                          return false;
                        } else {
                          if (!messagePattern8.test(data5)) {
                            messageValidate22.errors = [
                              {
                                instancePath: instancePath + "/issued_at",
                                schemaPath: "#/properties/issued_at/pattern",
                                keyword: "pattern",
                                params: {
                                  pattern:
                                    "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
                                },
                              },
                            ];
                            return false;
                          }
                        }
                      } else {
                        messageValidate22.errors = [
                          {
                            instancePath: instancePath + "/issued_at",
                            schemaPath: "#/properties/issued_at/type",
                            keyword: "type",
                            params: { type: "string" },
                          },
                        ];
                        return false;
                      }
                    }
                    var valid0 = _errs11 === errors;
                  } else {
                    var valid0 = true;
                  }
                  if (valid0) {
                    if (data.expires_at !== undefined) {
                      let data6 = data.expires_at;
                      const _errs13 = errors;
                      if (errors === _errs13) {
                        if (typeof data6 === "string") {
                          if (data6.length > 24) {
                            messageValidate22.errors = [
                              {
                                instancePath: instancePath + "/expires_at",
                                schemaPath: "#/properties/expires_at/maxLength",
                                keyword: "maxLength",
                                params: { limit: 24 },
                              },
                            ];
                            return false;
                          } else {
                            if (!messagePattern8.test(data6)) {
                              messageValidate22.errors = [
                                {
                                  instancePath: instancePath + "/expires_at",
                                  schemaPath: "#/properties/expires_at/pattern",
                                  keyword: "pattern",
                                  params: {
                                    pattern:
                                      "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
                                  },
                                },
                              ];
                              return false;
                            }
                          }
                        } else {
                          messageValidate22.errors = [
                            {
                              instancePath: instancePath + "/expires_at",
                              schemaPath: "#/properties/expires_at/type",
                              keyword: "type",
                              params: { type: "string" },
                            },
                          ];
                          return false;
                        }
                      }
                      var valid0 = _errs13 === errors;
                    } else {
                      var valid0 = true;
                    }
                    if (valid0) {
                      if (data.release !== undefined) {
                        let data7 = data.release;
                        const _errs15 = errors;
                        const _errs16 = errors;
                        let valid1 = false;
                        let passing0 = null;
                        const _errs17 = errors;
                        if (
                          !messageValidate20(data7, {
                            instancePath: instancePath + "/release",
                            parentData: data,
                            parentDataProperty: "release",
                            rootData,
                            dynamicAnchors,
                          })
                        ) {
                          vErrors =
                            vErrors === null ? messageValidate20.errors : vErrors.concat(messageValidate20.errors);
                          errors = vErrors.length;
                        }
                        var _valid0 = _errs17 === errors;
                        if (_valid0) {
                          valid1 = true;
                          passing0 = 0;
                        }
                        const _errs18 = errors;
                        if (data7 !== null) {
                          const err0 = {
                            instancePath: instancePath + "/release",
                            schemaPath: "#/properties/release/oneOf/1/type",
                            keyword: "type",
                            params: { type: "null" },
                          };
                          if (vErrors === null) {
                            vErrors = [err0];
                          } else {
                            vErrors.push(err0);
                          }
                          errors++;
                        }
                        var _valid0 = _errs18 === errors;
                        if (_valid0 && valid1) {
                          valid1 = false;
                          passing0 = [passing0, 1];
                        } else {
                          if (_valid0) {
                            valid1 = true;
                            passing0 = 1;
                          }
                        }
                        if (!valid1) {
                          const err1 = {
                            instancePath: instancePath + "/release",
                            schemaPath: "#/properties/release/oneOf",
                            keyword: "oneOf",
                            params: { passingSchemas: passing0 },
                          };
                          if (vErrors === null) {
                            vErrors = [err1];
                          } else {
                            vErrors.push(err1);
                          }
                          errors++;
                          messageValidate22.errors = vErrors;
                          return false;
                        } else {
                          errors = _errs16;
                          if (vErrors !== null) {
                            if (_errs16) {
                              vErrors.length = _errs16;
                            } else {
                              vErrors = null;
                            }
                          }
                        }
                        var valid0 = _errs15 === errors;
                      } else {
                        var valid0 = true;
                      }
                      if (valid0) {
                        if (data.chunk_encodings !== undefined) {
                          let data8 = data.chunk_encodings;
                          const _errs20 = errors;
                          if (errors === _errs20) {
                            if (Array.isArray(data8)) {
                              if (data8.length > 4) {
                                messageValidate22.errors = [
                                  {
                                    instancePath: instancePath + "/chunk_encodings",
                                    schemaPath: "#/properties/chunk_encodings/maxItems",
                                    keyword: "maxItems",
                                    params: { limit: 4 },
                                  },
                                ];
                                return false;
                              } else {
                                if (data8.length < 1) {
                                  messageValidate22.errors = [
                                    {
                                      instancePath: instancePath + "/chunk_encodings",
                                      schemaPath: "#/properties/chunk_encodings/minItems",
                                      keyword: "minItems",
                                      params: { limit: 1 },
                                    },
                                  ];
                                  return false;
                                } else {
                                  var valid2 = true;
                                  const len0 = data8.length;
                                  for (let i0 = 0; i0 < len0; i0++) {
                                    let data9 = data8[i0];
                                    const _errs22 = errors;
                                    if (errors === _errs22) {
                                      if (typeof data9 === "string") {
                                        if (data9.length > 16) {
                                          messageValidate22.errors = [
                                            {
                                              instancePath: instancePath + "/chunk_encodings/" + i0,
                                              schemaPath: "#/properties/chunk_encodings/items/maxLength",
                                              keyword: "maxLength",
                                              params: { limit: 16 },
                                            },
                                          ];
                                          return false;
                                        } else {
                                          if (!messagePattern6.test(data9)) {
                                            messageValidate22.errors = [
                                              {
                                                instancePath: instancePath + "/chunk_encodings/" + i0,
                                                schemaPath: "#/properties/chunk_encodings/items/pattern",
                                                keyword: "pattern",
                                                params: { pattern: "^[a-z0-9][a-z0-9-]*$" },
                                              },
                                            ];
                                            return false;
                                          }
                                        }
                                      } else {
                                        messageValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/chunk_encodings/" + i0,
                                            schemaPath: "#/properties/chunk_encodings/items/type",
                                            keyword: "type",
                                            params: { type: "string" },
                                          },
                                        ];
                                        return false;
                                      }
                                    }
                                    var valid2 = _errs22 === errors;
                                    if (!valid2) {
                                      break;
                                    }
                                  }
                                }
                              }
                            } else {
                              messageValidate22.errors = [
                                {
                                  instancePath: instancePath + "/chunk_encodings",
                                  schemaPath: "#/properties/chunk_encodings/type",
                                  keyword: "type",
                                  params: { type: "array" },
                                },
                              ];
                              return false;
                            }
                          }
                          var valid0 = _errs20 === errors;
                        } else {
                          var valid0 = true;
                        }
                        if (valid0) {
                          if (data.target !== undefined) {
                            const _errs24 = errors;
                            if (
                              !messageValidate24(data.target, {
                                instancePath: instancePath + "/target",
                                parentData: data,
                                parentDataProperty: "target",
                                rootData,
                                dynamicAnchors,
                              })
                            ) {
                              vErrors =
                                vErrors === null ? messageValidate24.errors : vErrors.concat(messageValidate24.errors);
                              errors = vErrors.length;
                            }
                            var valid0 = _errs24 === errors;
                          } else {
                            var valid0 = true;
                          }
                          if (valid0) {
                            if (data.constraints !== undefined) {
                              let data11 = data.constraints;
                              const _errs25 = errors;
                              const _errs26 = errors;
                              if (errors === _errs26) {
                                if (data11 && typeof data11 == "object" && !Array.isArray(data11)) {
                                  if (data11.from_images !== undefined) {
                                    let data12 = data11.from_images;
                                    const _errs29 = errors;
                                    if (errors === _errs29) {
                                      if (Array.isArray(data12)) {
                                        if (data12.length > 64) {
                                          messageValidate22.errors = [
                                            {
                                              instancePath: instancePath + "/constraints/from_images",
                                              schemaPath: "#/$defs/OfferConstraints/properties/from_images/maxItems",
                                              keyword: "maxItems",
                                              params: { limit: 64 },
                                            },
                                          ];
                                          return false;
                                        } else {
                                          if (data12.length < 1) {
                                            messageValidate22.errors = [
                                              {
                                                instancePath: instancePath + "/constraints/from_images",
                                                schemaPath: "#/$defs/OfferConstraints/properties/from_images/minItems",
                                                keyword: "minItems",
                                                params: { limit: 1 },
                                              },
                                            ];
                                            return false;
                                          } else {
                                            var valid5 = true;
                                            const len1 = data12.length;
                                            for (let i1 = 0; i1 < len1; i1++) {
                                              let data13 = data12[i1];
                                              const _errs31 = errors;
                                              if (errors === _errs31) {
                                                if (typeof data13 === "string") {
                                                  if (data13.length > 32) {
                                                    messageValidate22.errors = [
                                                      {
                                                        instancePath: instancePath + "/constraints/from_images/" + i1,
                                                        schemaPath:
                                                          "#/$defs/OfferConstraints/properties/from_images/items/maxLength",
                                                        keyword: "maxLength",
                                                        params: { limit: 32 },
                                                      },
                                                    ];
                                                    return false;
                                                  } else {
                                                    if (!messagePattern5.test(data13)) {
                                                      messageValidate22.errors = [
                                                        {
                                                          instancePath: instancePath + "/constraints/from_images/" + i1,
                                                          schemaPath:
                                                            "#/$defs/OfferConstraints/properties/from_images/items/pattern",
                                                          keyword: "pattern",
                                                          params: { pattern: "^[0-9a-f]{32}$" },
                                                        },
                                                      ];
                                                      return false;
                                                    }
                                                  }
                                                } else {
                                                  messageValidate22.errors = [
                                                    {
                                                      instancePath: instancePath + "/constraints/from_images/" + i1,
                                                      schemaPath:
                                                        "#/$defs/OfferConstraints/properties/from_images/items/type",
                                                      keyword: "type",
                                                      params: { type: "string" },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                              var valid5 = _errs31 === errors;
                                              if (!valid5) {
                                                break;
                                              }
                                            }
                                          }
                                        }
                                      } else {
                                        messageValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/constraints/from_images",
                                            schemaPath: "#/$defs/OfferConstraints/properties/from_images/type",
                                            keyword: "type",
                                            params: { type: "array" },
                                          },
                                        ];
                                        return false;
                                      }
                                    }
                                    var valid4 = _errs29 === errors;
                                  } else {
                                    var valid4 = true;
                                  }
                                  if (valid4) {
                                    if (data11.min_battery_percent !== undefined) {
                                      let data14 = data11.min_battery_percent;
                                      const _errs33 = errors;
                                      if (
                                        !(
                                          typeof data14 == "number" &&
                                          !(data14 % 1) &&
                                          !isNaN(data14) &&
                                          isFinite(data14)
                                        )
                                      ) {
                                        messageValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/constraints/min_battery_percent",
                                            schemaPath: "#/$defs/OfferConstraints/properties/min_battery_percent/type",
                                            keyword: "type",
                                            params: { type: "integer" },
                                          },
                                        ];
                                        return false;
                                      }
                                      if (errors === _errs33) {
                                        if (typeof data14 == "number" && isFinite(data14)) {
                                          if (data14 > 100 || isNaN(data14)) {
                                            messageValidate22.errors = [
                                              {
                                                instancePath: instancePath + "/constraints/min_battery_percent",
                                                schemaPath:
                                                  "#/$defs/OfferConstraints/properties/min_battery_percent/maximum",
                                                keyword: "maximum",
                                                params: { comparison: "<=", limit: 100 },
                                              },
                                            ];
                                            return false;
                                          } else {
                                            if (data14 < 0 || isNaN(data14)) {
                                              messageValidate22.errors = [
                                                {
                                                  instancePath: instancePath + "/constraints/min_battery_percent",
                                                  schemaPath:
                                                    "#/$defs/OfferConstraints/properties/min_battery_percent/minimum",
                                                  keyword: "minimum",
                                                  params: { comparison: ">=", limit: 0 },
                                                },
                                              ];
                                              return false;
                                            }
                                          }
                                        }
                                      }
                                      var valid4 = _errs33 === errors;
                                    } else {
                                      var valid4 = true;
                                    }
                                  }
                                } else {
                                  messageValidate22.errors = [
                                    {
                                      instancePath: instancePath + "/constraints",
                                      schemaPath: "#/$defs/OfferConstraints/type",
                                      keyword: "type",
                                      params: { type: "object" },
                                    },
                                  ];
                                  return false;
                                }
                              }
                              var valid0 = _errs25 === errors;
                            } else {
                              var valid0 = true;
                            }
                            if (valid0) {
                              if (data.spread_ms !== undefined) {
                                let data15 = data.spread_ms;
                                const _errs35 = errors;
                                if (
                                  !(typeof data15 == "number" && !(data15 % 1) && !isNaN(data15) && isFinite(data15))
                                ) {
                                  messageValidate22.errors = [
                                    {
                                      instancePath: instancePath + "/spread_ms",
                                      schemaPath: "#/properties/spread_ms/type",
                                      keyword: "type",
                                      params: { type: "integer" },
                                    },
                                  ];
                                  return false;
                                }
                                if (errors === _errs35) {
                                  if (typeof data15 == "number" && isFinite(data15)) {
                                    if (data15 > 3600000 || isNaN(data15)) {
                                      messageValidate22.errors = [
                                        {
                                          instancePath: instancePath + "/spread_ms",
                                          schemaPath: "#/properties/spread_ms/maximum",
                                          keyword: "maximum",
                                          params: { comparison: "<=", limit: 3600000 },
                                        },
                                      ];
                                      return false;
                                    } else {
                                      if (data15 < 0 || isNaN(data15)) {
                                        messageValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/spread_ms",
                                            schemaPath: "#/properties/spread_ms/minimum",
                                            keyword: "minimum",
                                            params: { comparison: ">=", limit: 0 },
                                          },
                                        ];
                                        return false;
                                      }
                                    }
                                  }
                                }
                                var valid0 = _errs35 === errors;
                              } else {
                                var valid0 = true;
                              }
                              if (valid0) {
                                if (data.probation_ms !== undefined) {
                                  let data16 = data.probation_ms;
                                  const _errs37 = errors;
                                  if (
                                    !(typeof data16 == "number" && !(data16 % 1) && !isNaN(data16) && isFinite(data16))
                                  ) {
                                    messageValidate22.errors = [
                                      {
                                        instancePath: instancePath + "/probation_ms",
                                        schemaPath: "#/properties/probation_ms/type",
                                        keyword: "type",
                                        params: { type: "integer" },
                                      },
                                    ];
                                    return false;
                                  }
                                  if (errors === _errs37) {
                                    if (typeof data16 == "number" && isFinite(data16)) {
                                      if (data16 > 3600000 || isNaN(data16)) {
                                        messageValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/probation_ms",
                                            schemaPath: "#/properties/probation_ms/maximum",
                                            keyword: "maximum",
                                            params: { comparison: "<=", limit: 3600000 },
                                          },
                                        ];
                                        return false;
                                      } else {
                                        if (data16 < 1000 || isNaN(data16)) {
                                          messageValidate22.errors = [
                                            {
                                              instancePath: instancePath + "/probation_ms",
                                              schemaPath: "#/properties/probation_ms/minimum",
                                              keyword: "minimum",
                                              params: { comparison: ">=", limit: 1000 },
                                            },
                                          ];
                                          return false;
                                        }
                                      }
                                    }
                                  }
                                  var valid0 = _errs37 === errors;
                                } else {
                                  var valid0 = true;
                                }
                                if (valid0) {
                                  if (data.probation_max_ms !== undefined) {
                                    let data17 = data.probation_max_ms;
                                    const _errs39 = errors;
                                    if (
                                      !(
                                        typeof data17 == "number" &&
                                        !(data17 % 1) &&
                                        !isNaN(data17) &&
                                        isFinite(data17)
                                      )
                                    ) {
                                      messageValidate22.errors = [
                                        {
                                          instancePath: instancePath + "/probation_max_ms",
                                          schemaPath: "#/properties/probation_max_ms/type",
                                          keyword: "type",
                                          params: { type: "integer" },
                                        },
                                      ];
                                      return false;
                                    }
                                    if (errors === _errs39) {
                                      if (typeof data17 == "number" && isFinite(data17)) {
                                        if (data17 > 3600000 || isNaN(data17)) {
                                          messageValidate22.errors = [
                                            {
                                              instancePath: instancePath + "/probation_max_ms",
                                              schemaPath: "#/properties/probation_max_ms/maximum",
                                              keyword: "maximum",
                                              params: { comparison: "<=", limit: 3600000 },
                                            },
                                          ];
                                          return false;
                                        } else {
                                          if (data17 < 1000 || isNaN(data17)) {
                                            messageValidate22.errors = [
                                              {
                                                instancePath: instancePath + "/probation_max_ms",
                                                schemaPath: "#/properties/probation_max_ms/minimum",
                                                keyword: "minimum",
                                                params: { comparison: ">=", limit: 1000 },
                                              },
                                            ];
                                            return false;
                                          }
                                        }
                                      }
                                    }
                                    var valid0 = _errs39 === errors;
                                  } else {
                                    var valid0 = true;
                                  }
                                  if (valid0) {
                                    if (data.restart_spread_ms !== undefined) {
                                      let data18 = data.restart_spread_ms;
                                      const _errs41 = errors;
                                      if (
                                        !(
                                          typeof data18 == "number" &&
                                          !(data18 % 1) &&
                                          !isNaN(data18) &&
                                          isFinite(data18)
                                        )
                                      ) {
                                        messageValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/restart_spread_ms",
                                            schemaPath: "#/properties/restart_spread_ms/type",
                                            keyword: "type",
                                            params: { type: "integer" },
                                          },
                                        ];
                                        return false;
                                      }
                                      if (errors === _errs41) {
                                        if (typeof data18 == "number" && isFinite(data18)) {
                                          if (data18 > 3600000 || isNaN(data18)) {
                                            messageValidate22.errors = [
                                              {
                                                instancePath: instancePath + "/restart_spread_ms",
                                                schemaPath: "#/properties/restart_spread_ms/maximum",
                                                keyword: "maximum",
                                                params: { comparison: "<=", limit: 3600000 },
                                              },
                                            ];
                                            return false;
                                          } else {
                                            if (data18 < 0 || isNaN(data18)) {
                                              messageValidate22.errors = [
                                                {
                                                  instancePath: instancePath + "/restart_spread_ms",
                                                  schemaPath: "#/properties/restart_spread_ms/minimum",
                                                  keyword: "minimum",
                                                  params: { comparison: ">=", limit: 0 },
                                                },
                                              ];
                                              return false;
                                            }
                                          }
                                        }
                                      }
                                      var valid0 = _errs41 === errors;
                                    } else {
                                      var valid0 = true;
                                    }
                                    if (valid0) {
                                      if (data.install_after !== undefined) {
                                        let data19 = data.install_after;
                                        const _errs43 = errors;
                                        if (errors === _errs43) {
                                          if (typeof data19 === "string") {
                                            if (data19.length > 24) {
                                              messageValidate22.errors = [
                                                {
                                                  instancePath: instancePath + "/install_after",
                                                  schemaPath: "#/properties/install_after/maxLength",
                                                  keyword: "maxLength",
                                                  params: { limit: 24 },
                                                },
                                              ];
                                              return false;
                                            } else {
                                              if (!messagePattern8.test(data19)) {
                                                messageValidate22.errors = [
                                                  {
                                                    instancePath: instancePath + "/install_after",
                                                    schemaPath: "#/properties/install_after/pattern",
                                                    keyword: "pattern",
                                                    params: {
                                                      pattern:
                                                        "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
                                                    },
                                                  },
                                                ];
                                                return false;
                                              }
                                            }
                                          } else {
                                            messageValidate22.errors = [
                                              {
                                                instancePath: instancePath + "/install_after",
                                                schemaPath: "#/properties/install_after/type",
                                                keyword: "type",
                                                params: { type: "string" },
                                              },
                                            ];
                                            return false;
                                          }
                                        }
                                        var valid0 = _errs43 === errors;
                                      } else {
                                        var valid0 = true;
                                      }
                                      if (valid0) {
                                        if (data.between !== undefined) {
                                          let data20 = data.between;
                                          const _errs45 = errors;
                                          const _errs46 = errors;
                                          if (errors === _errs46) {
                                            if (data20 && typeof data20 == "object" && !Array.isArray(data20)) {
                                              let missing1;
                                              if (
                                                (data20.start_minute === undefined && (missing1 = "start_minute")) ||
                                                (data20.minutes === undefined && (missing1 = "minutes"))
                                              ) {
                                                messageValidate22.errors = [
                                                  {
                                                    instancePath: instancePath + "/between",
                                                    schemaPath: "#/$defs/MaintenanceWindow/required",
                                                    keyword: "required",
                                                    params: { missingProperty: missing1 },
                                                  },
                                                ];
                                                return false;
                                              } else {
                                                if (data20.start_minute !== undefined) {
                                                  let data21 = data20.start_minute;
                                                  const _errs49 = errors;
                                                  if (
                                                    !(
                                                      typeof data21 == "number" &&
                                                      !(data21 % 1) &&
                                                      !isNaN(data21) &&
                                                      isFinite(data21)
                                                    )
                                                  ) {
                                                    messageValidate22.errors = [
                                                      {
                                                        instancePath: instancePath + "/between/start_minute",
                                                        schemaPath:
                                                          "#/$defs/MaintenanceWindow/properties/start_minute/type",
                                                        keyword: "type",
                                                        params: { type: "integer" },
                                                      },
                                                    ];
                                                    return false;
                                                  }
                                                  if (errors === _errs49) {
                                                    if (typeof data21 == "number" && isFinite(data21)) {
                                                      if (data21 > 1439 || isNaN(data21)) {
                                                        messageValidate22.errors = [
                                                          {
                                                            instancePath: instancePath + "/between/start_minute",
                                                            schemaPath:
                                                              "#/$defs/MaintenanceWindow/properties/start_minute/maximum",
                                                            keyword: "maximum",
                                                            params: { comparison: "<=", limit: 1439 },
                                                          },
                                                        ];
                                                        return false;
                                                      } else {
                                                        if (data21 < 0 || isNaN(data21)) {
                                                          messageValidate22.errors = [
                                                            {
                                                              instancePath: instancePath + "/between/start_minute",
                                                              schemaPath:
                                                                "#/$defs/MaintenanceWindow/properties/start_minute/minimum",
                                                              keyword: "minimum",
                                                              params: { comparison: ">=", limit: 0 },
                                                            },
                                                          ];
                                                          return false;
                                                        }
                                                      }
                                                    }
                                                  }
                                                  var valid7 = _errs49 === errors;
                                                } else {
                                                  var valid7 = true;
                                                }
                                                if (valid7) {
                                                  if (data20.minutes !== undefined) {
                                                    let data22 = data20.minutes;
                                                    const _errs51 = errors;
                                                    if (
                                                      !(
                                                        typeof data22 == "number" &&
                                                        !(data22 % 1) &&
                                                        !isNaN(data22) &&
                                                        isFinite(data22)
                                                      )
                                                    ) {
                                                      messageValidate22.errors = [
                                                        {
                                                          instancePath: instancePath + "/between/minutes",
                                                          schemaPath:
                                                            "#/$defs/MaintenanceWindow/properties/minutes/type",
                                                          keyword: "type",
                                                          params: { type: "integer" },
                                                        },
                                                      ];
                                                      return false;
                                                    }
                                                    if (errors === _errs51) {
                                                      if (typeof data22 == "number" && isFinite(data22)) {
                                                        if (data22 > 1440 || isNaN(data22)) {
                                                          messageValidate22.errors = [
                                                            {
                                                              instancePath: instancePath + "/between/minutes",
                                                              schemaPath:
                                                                "#/$defs/MaintenanceWindow/properties/minutes/maximum",
                                                              keyword: "maximum",
                                                              params: { comparison: "<=", limit: 1440 },
                                                            },
                                                          ];
                                                          return false;
                                                        } else {
                                                          if (data22 < 1 || isNaN(data22)) {
                                                            messageValidate22.errors = [
                                                              {
                                                                instancePath: instancePath + "/between/minutes",
                                                                schemaPath:
                                                                  "#/$defs/MaintenanceWindow/properties/minutes/minimum",
                                                                keyword: "minimum",
                                                                params: { comparison: ">=", limit: 1 },
                                                              },
                                                            ];
                                                            return false;
                                                          }
                                                        }
                                                      }
                                                    }
                                                    var valid7 = _errs51 === errors;
                                                  } else {
                                                    var valid7 = true;
                                                  }
                                                  if (valid7) {
                                                    if (data20.offset_minutes !== undefined) {
                                                      let data23 = data20.offset_minutes;
                                                      const _errs53 = errors;
                                                      if (
                                                        !(
                                                          typeof data23 == "number" &&
                                                          !(data23 % 1) &&
                                                          !isNaN(data23) &&
                                                          isFinite(data23)
                                                        )
                                                      ) {
                                                        messageValidate22.errors = [
                                                          {
                                                            instancePath: instancePath + "/between/offset_minutes",
                                                            schemaPath:
                                                              "#/$defs/MaintenanceWindow/properties/offset_minutes/type",
                                                            keyword: "type",
                                                            params: { type: "integer" },
                                                          },
                                                        ];
                                                        return false;
                                                      }
                                                      if (errors === _errs53) {
                                                        if (typeof data23 == "number" && isFinite(data23)) {
                                                          if (data23 > 840 || isNaN(data23)) {
                                                            messageValidate22.errors = [
                                                              {
                                                                instancePath: instancePath + "/between/offset_minutes",
                                                                schemaPath:
                                                                  "#/$defs/MaintenanceWindow/properties/offset_minutes/maximum",
                                                                keyword: "maximum",
                                                                params: { comparison: "<=", limit: 840 },
                                                              },
                                                            ];
                                                            return false;
                                                          } else {
                                                            if (data23 < -840 || isNaN(data23)) {
                                                              messageValidate22.errors = [
                                                                {
                                                                  instancePath:
                                                                    instancePath + "/between/offset_minutes",
                                                                  schemaPath:
                                                                    "#/$defs/MaintenanceWindow/properties/offset_minutes/minimum",
                                                                  keyword: "minimum",
                                                                  params: { comparison: ">=", limit: -840 },
                                                                },
                                                              ];
                                                              return false;
                                                            }
                                                          }
                                                        }
                                                      }
                                                      var valid7 = _errs53 === errors;
                                                    } else {
                                                      var valid7 = true;
                                                    }
                                                  }
                                                }
                                              }
                                            } else {
                                              messageValidate22.errors = [
                                                {
                                                  instancePath: instancePath + "/between",
                                                  schemaPath: "#/$defs/MaintenanceWindow/type",
                                                  keyword: "type",
                                                  params: { type: "object" },
                                                },
                                              ];
                                              return false;
                                            }
                                          }
                                          var valid0 = _errs45 === errors;
                                        } else {
                                          var valid0 = true;
                                        }
                                        if (valid0) {
                                          if (data.waive !== undefined) {
                                            let data24 = data.waive;
                                            const _errs55 = errors;
                                            if (errors === _errs55) {
                                              if (Array.isArray(data24)) {
                                                if (data24.length > 3) {
                                                  messageValidate22.errors = [
                                                    {
                                                      instancePath: instancePath + "/waive",
                                                      schemaPath: "#/properties/waive/maxItems",
                                                      keyword: "maxItems",
                                                      params: { limit: 3 },
                                                    },
                                                  ];
                                                  return false;
                                                } else {
                                                  var valid8 = true;
                                                  const len2 = data24.length;
                                                  for (let i2 = 0; i2 < len2; i2++) {
                                                    let data25 = data24[i2];
                                                    const _errs57 = errors;
                                                    if (typeof data25 !== "string") {
                                                      messageValidate22.errors = [
                                                        {
                                                          instancePath: instancePath + "/waive/" + i2,
                                                          schemaPath: "#/properties/waive/items/type",
                                                          keyword: "type",
                                                          params: { type: "string" },
                                                        },
                                                      ];
                                                      return false;
                                                    }
                                                    if (
                                                      !(
                                                        data25 === "chip-id" ||
                                                        data25 === "project-name" ||
                                                        data25 === "constraints"
                                                      )
                                                    ) {
                                                      messageValidate22.errors = [
                                                        {
                                                          instancePath: instancePath + "/waive/" + i2,
                                                          schemaPath: "#/properties/waive/items/enum",
                                                          keyword: "enum",
                                                          params: {
                                                            allowedValues: messageSchema38.properties.waive.items.enum,
                                                          },
                                                        },
                                                      ];
                                                      return false;
                                                    }
                                                    var valid8 = _errs57 === errors;
                                                    if (!valid8) {
                                                      break;
                                                    }
                                                  }
                                                }
                                              } else {
                                                messageValidate22.errors = [
                                                  {
                                                    instancePath: instancePath + "/waive",
                                                    schemaPath: "#/properties/waive/type",
                                                    keyword: "type",
                                                    params: { type: "array" },
                                                  },
                                                ];
                                                return false;
                                              }
                                            }
                                            var valid0 = _errs55 === errors;
                                          } else {
                                            var valid0 = true;
                                          }
                                          if (valid0) {
                                            if (data.critical !== undefined) {
                                              let data26 = data.critical;
                                              const _errs59 = errors;
                                              if (errors === _errs59) {
                                                if (Array.isArray(data26)) {
                                                  if (data26.length > 16) {
                                                    messageValidate22.errors = [
                                                      {
                                                        instancePath: instancePath + "/critical",
                                                        schemaPath: "#/properties/critical/maxItems",
                                                        keyword: "maxItems",
                                                        params: { limit: 16 },
                                                      },
                                                    ];
                                                    return false;
                                                  } else {
                                                    var valid9 = true;
                                                    const len3 = data26.length;
                                                    for (let i3 = 0; i3 < len3; i3++) {
                                                      let data27 = data26[i3];
                                                      const _errs61 = errors;
                                                      if (errors === _errs61) {
                                                        if (typeof data27 === "string") {
                                                          if (data27.length > 64) {
                                                            messageValidate22.errors = [
                                                              {
                                                                instancePath: instancePath + "/critical/" + i3,
                                                                schemaPath: "#/properties/critical/items/maxLength",
                                                                keyword: "maxLength",
                                                                params: { limit: 64 },
                                                              },
                                                            ];
                                                            return false;
                                                          } else {
                                                            if (data27.length < 1) {
                                                              messageValidate22.errors = [
                                                                {
                                                                  instancePath: instancePath + "/critical/" + i3,
                                                                  schemaPath: "#/properties/critical/items/minLength",
                                                                  keyword: "minLength",
                                                                  params: { limit: 1 },
                                                                },
                                                              ];
                                                              return false;
                                                            }
                                                          }
                                                        } else {
                                                          messageValidate22.errors = [
                                                            {
                                                              instancePath: instancePath + "/critical/" + i3,
                                                              schemaPath: "#/properties/critical/items/type",
                                                              keyword: "type",
                                                              params: { type: "string" },
                                                            },
                                                          ];
                                                          return false;
                                                        }
                                                      }
                                                      var valid9 = _errs61 === errors;
                                                      if (!valid9) {
                                                        break;
                                                      }
                                                    }
                                                  }
                                                } else {
                                                  messageValidate22.errors = [
                                                    {
                                                      instancePath: instancePath + "/critical",
                                                      schemaPath: "#/properties/critical/type",
                                                      keyword: "type",
                                                      params: { type: "array" },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                              var valid0 = _errs59 === errors;
                                            } else {
                                              var valid0 = true;
                                            }
                                          }
                                        }
                                      }
                                    }
                                  }
                                }
                              }
                            }
                          }
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    } else {
      messageValidate22.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  messageValidate22.errors = vErrors;
  return errors === 0;
}
messageValidate22.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link Release}. */
export const validateRelease: SchemaValidator<Release> = messageValidate28;
const messageSchema45 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///protocol/release.schema.json",
  type: "object",
  required: ["release", "product", "hardware", "version", "created_at", "image"],
  properties: {
    release: { const: 1 },
    product: { type: "string", minLength: 1, maxLength: 128 },
    hardware: { type: "string", minLength: 1, maxLength: 64 },
    version: { type: "string", minLength: 1, maxLength: 128 },
    created_at: {
      type: "string",
      pattern:
        "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
      maxLength: 24,
    },
    image: { $ref: "#/$defs/ReleaseImage" },
  },
  additionalProperties: true,
  $defs: {
    ReleaseImage: {
      type: "object",
      required: ["sha256", "size", "chunk_size", "hash_list_sha256", "secure_version", "chip_id"],
      properties: {
        sha256: { type: "string", pattern: "^[0-9a-f]{64}$", maxLength: 64 },
        size: { type: "integer", minimum: 1, maximum: 134217728 },
        chunk_size: { const: 4096 },
        hash_list_sha256: { type: "string", pattern: "^[0-9a-f]{64}$", maxLength: 64 },
        secure_version: { type: "integer", minimum: 0, maximum: 2147483647 },
        chip_id: { type: "integer", minimum: 0, maximum: 65535 },
      },
      additionalProperties: true,
    },
  },
};
const messageSchema46 = {
  type: "object",
  required: ["sha256", "size", "chunk_size", "hash_list_sha256", "secure_version", "chip_id"],
  properties: {
    sha256: { type: "string", pattern: "^[0-9a-f]{64}$", maxLength: 64 },
    size: { type: "integer", minimum: 1, maximum: 134217728 },
    chunk_size: { const: 4096 },
    hash_list_sha256: { type: "string", pattern: "^[0-9a-f]{64}$", maxLength: 64 },
    secure_version: { type: "integer", minimum: 0, maximum: 2147483647 },
    chip_id: { type: "integer", minimum: 0, maximum: 65535 },
  },
  additionalProperties: true,
};
const messagePattern24 = new RegExp("^[0-9a-f]{64}$", "u");
function messageValidate28(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///protocol/release.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate28.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (
        (data.release === undefined && (missing0 = "release")) ||
        (data.product === undefined && (missing0 = "product")) ||
        (data.hardware === undefined && (missing0 = "hardware")) ||
        (data.version === undefined && (missing0 = "version")) ||
        (data.created_at === undefined && (missing0 = "created_at")) ||
        (data.image === undefined && (missing0 = "image"))
      ) {
        messageValidate28.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.release !== undefined) {
          const _errs2 = errors;
          if (1 !== data.release) {
            messageValidate28.errors = [
              {
                instancePath: instancePath + "/release",
                schemaPath: "#/properties/release/const",
                keyword: "const",
                params: { allowedValue: 1 },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.product !== undefined) {
            let data1 = data.product;
            const _errs3 = errors;
            if (errors === _errs3) {
              if (typeof data1 === "string") {
                if (data1.length > 128) {
                  messageValidate28.errors = [
                    {
                      instancePath: instancePath + "/product",
                      schemaPath: "#/properties/product/maxLength",
                      keyword: "maxLength",
                      params: { limit: 128 },
                    },
                  ];
                  return false;
                } else {
                  if (data1.length < 1) {
                    messageValidate28.errors = [
                      {
                        instancePath: instancePath + "/product",
                        schemaPath: "#/properties/product/minLength",
                        keyword: "minLength",
                        params: { limit: 1 },
                      },
                    ];
                    return false;
                  }
                }
              } else {
                messageValidate28.errors = [
                  {
                    instancePath: instancePath + "/product",
                    schemaPath: "#/properties/product/type",
                    keyword: "type",
                    params: { type: "string" },
                  },
                ];
                return false;
              }
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.hardware !== undefined) {
              let data2 = data.hardware;
              const _errs5 = errors;
              if (errors === _errs5) {
                if (typeof data2 === "string") {
                  if (data2.length > 64) {
                    messageValidate28.errors = [
                      {
                        instancePath: instancePath + "/hardware",
                        schemaPath: "#/properties/hardware/maxLength",
                        keyword: "maxLength",
                        params: { limit: 64 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2.length < 1) {
                      messageValidate28.errors = [
                        {
                          instancePath: instancePath + "/hardware",
                          schemaPath: "#/properties/hardware/minLength",
                          keyword: "minLength",
                          params: { limit: 1 },
                        },
                      ];
                      return false;
                    }
                  }
                } else {
                  messageValidate28.errors = [
                    {
                      instancePath: instancePath + "/hardware",
                      schemaPath: "#/properties/hardware/type",
                      keyword: "type",
                      params: { type: "string" },
                    },
                  ];
                  return false;
                }
              }
              var valid0 = _errs5 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.version !== undefined) {
                let data3 = data.version;
                const _errs7 = errors;
                if (errors === _errs7) {
                  if (typeof data3 === "string") {
                    if (data3.length > 128) {
                      messageValidate28.errors = [
                        {
                          instancePath: instancePath + "/version",
                          schemaPath: "#/properties/version/maxLength",
                          keyword: "maxLength",
                          params: { limit: 128 },
                        },
                      ];
                      return false;
                    } else {
                      if (data3.length < 1) {
                        messageValidate28.errors = [
                          {
                            instancePath: instancePath + "/version",
                            schemaPath: "#/properties/version/minLength",
                            keyword: "minLength",
                            params: { limit: 1 },
                          },
                        ];
                        return false;
                      }
                    }
                  } else {
                    messageValidate28.errors = [
                      {
                        instancePath: instancePath + "/version",
                        schemaPath: "#/properties/version/type",
                        keyword: "type",
                        params: { type: "string" },
                      },
                    ];
                    return false;
                  }
                }
                var valid0 = _errs7 === errors;
              } else {
                var valid0 = true;
              }
              if (valid0) {
                if (data.created_at !== undefined) {
                  let data4 = data.created_at;
                  const _errs9 = errors;
                  if (errors === _errs9) {
                    if (typeof data4 === "string") {
                      if (data4.length > 24) {
                        messageValidate28.errors = [
                          {
                            instancePath: instancePath + "/created_at",
                            schemaPath: "#/properties/created_at/maxLength",
                            keyword: "maxLength",
                            params: { limit: 24 },
                          },
                        ];
                        return false;
                      } else {
                        if (!messagePattern8.test(data4)) {
                          messageValidate28.errors = [
                            {
                              instancePath: instancePath + "/created_at",
                              schemaPath: "#/properties/created_at/pattern",
                              keyword: "pattern",
                              params: {
                                pattern:
                                  "^[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,3})?Z$",
                              },
                            },
                          ];
                          return false;
                        }
                      }
                    } else {
                      messageValidate28.errors = [
                        {
                          instancePath: instancePath + "/created_at",
                          schemaPath: "#/properties/created_at/type",
                          keyword: "type",
                          params: { type: "string" },
                        },
                      ];
                      return false;
                    }
                  }
                  var valid0 = _errs9 === errors;
                } else {
                  var valid0 = true;
                }
                if (valid0) {
                  if (data.image !== undefined) {
                    let data5 = data.image;
                    const _errs11 = errors;
                    const _errs12 = errors;
                    if (errors === _errs12) {
                      if (data5 && typeof data5 == "object" && !Array.isArray(data5)) {
                        let missing1;
                        if (
                          (data5.sha256 === undefined && (missing1 = "sha256")) ||
                          (data5.size === undefined && (missing1 = "size")) ||
                          (data5.chunk_size === undefined && (missing1 = "chunk_size")) ||
                          (data5.hash_list_sha256 === undefined && (missing1 = "hash_list_sha256")) ||
                          (data5.secure_version === undefined && (missing1 = "secure_version")) ||
                          (data5.chip_id === undefined && (missing1 = "chip_id"))
                        ) {
                          messageValidate28.errors = [
                            {
                              instancePath: instancePath + "/image",
                              schemaPath: "#/$defs/ReleaseImage/required",
                              keyword: "required",
                              params: { missingProperty: missing1 },
                            },
                          ];
                          return false;
                        } else {
                          if (data5.sha256 !== undefined) {
                            let data6 = data5.sha256;
                            const _errs15 = errors;
                            if (errors === _errs15) {
                              if (typeof data6 === "string") {
                                if (data6.length > 64) {
                                  messageValidate28.errors = [
                                    {
                                      instancePath: instancePath + "/image/sha256",
                                      schemaPath: "#/$defs/ReleaseImage/properties/sha256/maxLength",
                                      keyword: "maxLength",
                                      params: { limit: 64 },
                                    },
                                  ];
                                  return false;
                                } else {
                                  if (!messagePattern24.test(data6)) {
                                    messageValidate28.errors = [
                                      {
                                        instancePath: instancePath + "/image/sha256",
                                        schemaPath: "#/$defs/ReleaseImage/properties/sha256/pattern",
                                        keyword: "pattern",
                                        params: { pattern: "^[0-9a-f]{64}$" },
                                      },
                                    ];
                                    return false;
                                  }
                                }
                              } else {
                                messageValidate28.errors = [
                                  {
                                    instancePath: instancePath + "/image/sha256",
                                    schemaPath: "#/$defs/ReleaseImage/properties/sha256/type",
                                    keyword: "type",
                                    params: { type: "string" },
                                  },
                                ];
                                return false;
                              }
                            }
                            var valid2 = _errs15 === errors;
                          } else {
                            var valid2 = true;
                          }
                          if (valid2) {
                            if (data5.size !== undefined) {
                              let data7 = data5.size;
                              const _errs17 = errors;
                              if (!(typeof data7 == "number" && !(data7 % 1) && !isNaN(data7) && isFinite(data7))) {
                                messageValidate28.errors = [
                                  {
                                    instancePath: instancePath + "/image/size",
                                    schemaPath: "#/$defs/ReleaseImage/properties/size/type",
                                    keyword: "type",
                                    params: { type: "integer" },
                                  },
                                ];
                                return false;
                              }
                              if (errors === _errs17) {
                                if (typeof data7 == "number" && isFinite(data7)) {
                                  if (data7 > 134217728 || isNaN(data7)) {
                                    messageValidate28.errors = [
                                      {
                                        instancePath: instancePath + "/image/size",
                                        schemaPath: "#/$defs/ReleaseImage/properties/size/maximum",
                                        keyword: "maximum",
                                        params: { comparison: "<=", limit: 134217728 },
                                      },
                                    ];
                                    return false;
                                  } else {
                                    if (data7 < 1 || isNaN(data7)) {
                                      messageValidate28.errors = [
                                        {
                                          instancePath: instancePath + "/image/size",
                                          schemaPath: "#/$defs/ReleaseImage/properties/size/minimum",
                                          keyword: "minimum",
                                          params: { comparison: ">=", limit: 1 },
                                        },
                                      ];
                                      return false;
                                    }
                                  }
                                }
                              }
                              var valid2 = _errs17 === errors;
                            } else {
                              var valid2 = true;
                            }
                            if (valid2) {
                              if (data5.chunk_size !== undefined) {
                                const _errs19 = errors;
                                if (4096 !== data5.chunk_size) {
                                  messageValidate28.errors = [
                                    {
                                      instancePath: instancePath + "/image/chunk_size",
                                      schemaPath: "#/$defs/ReleaseImage/properties/chunk_size/const",
                                      keyword: "const",
                                      params: { allowedValue: 4096 },
                                    },
                                  ];
                                  return false;
                                }
                                var valid2 = _errs19 === errors;
                              } else {
                                var valid2 = true;
                              }
                              if (valid2) {
                                if (data5.hash_list_sha256 !== undefined) {
                                  let data9 = data5.hash_list_sha256;
                                  const _errs20 = errors;
                                  if (errors === _errs20) {
                                    if (typeof data9 === "string") {
                                      if (data9.length > 64) {
                                        messageValidate28.errors = [
                                          {
                                            instancePath: instancePath + "/image/hash_list_sha256",
                                            schemaPath: "#/$defs/ReleaseImage/properties/hash_list_sha256/maxLength",
                                            keyword: "maxLength",
                                            params: { limit: 64 },
                                          },
                                        ];
                                        return false;
                                      } else {
                                        if (!messagePattern24.test(data9)) {
                                          messageValidate28.errors = [
                                            {
                                              instancePath: instancePath + "/image/hash_list_sha256",
                                              schemaPath: "#/$defs/ReleaseImage/properties/hash_list_sha256/pattern",
                                              keyword: "pattern",
                                              params: { pattern: "^[0-9a-f]{64}$" },
                                            },
                                          ];
                                          return false;
                                        }
                                      }
                                    } else {
                                      messageValidate28.errors = [
                                        {
                                          instancePath: instancePath + "/image/hash_list_sha256",
                                          schemaPath: "#/$defs/ReleaseImage/properties/hash_list_sha256/type",
                                          keyword: "type",
                                          params: { type: "string" },
                                        },
                                      ];
                                      return false;
                                    }
                                  }
                                  var valid2 = _errs20 === errors;
                                } else {
                                  var valid2 = true;
                                }
                                if (valid2) {
                                  if (data5.secure_version !== undefined) {
                                    let data10 = data5.secure_version;
                                    const _errs22 = errors;
                                    if (
                                      !(
                                        typeof data10 == "number" &&
                                        !(data10 % 1) &&
                                        !isNaN(data10) &&
                                        isFinite(data10)
                                      )
                                    ) {
                                      messageValidate28.errors = [
                                        {
                                          instancePath: instancePath + "/image/secure_version",
                                          schemaPath: "#/$defs/ReleaseImage/properties/secure_version/type",
                                          keyword: "type",
                                          params: { type: "integer" },
                                        },
                                      ];
                                      return false;
                                    }
                                    if (errors === _errs22) {
                                      if (typeof data10 == "number" && isFinite(data10)) {
                                        if (data10 > 2147483647 || isNaN(data10)) {
                                          messageValidate28.errors = [
                                            {
                                              instancePath: instancePath + "/image/secure_version",
                                              schemaPath: "#/$defs/ReleaseImage/properties/secure_version/maximum",
                                              keyword: "maximum",
                                              params: { comparison: "<=", limit: 2147483647 },
                                            },
                                          ];
                                          return false;
                                        } else {
                                          if (data10 < 0 || isNaN(data10)) {
                                            messageValidate28.errors = [
                                              {
                                                instancePath: instancePath + "/image/secure_version",
                                                schemaPath: "#/$defs/ReleaseImage/properties/secure_version/minimum",
                                                keyword: "minimum",
                                                params: { comparison: ">=", limit: 0 },
                                              },
                                            ];
                                            return false;
                                          }
                                        }
                                      }
                                    }
                                    var valid2 = _errs22 === errors;
                                  } else {
                                    var valid2 = true;
                                  }
                                  if (valid2) {
                                    if (data5.chip_id !== undefined) {
                                      let data11 = data5.chip_id;
                                      const _errs24 = errors;
                                      if (
                                        !(
                                          typeof data11 == "number" &&
                                          !(data11 % 1) &&
                                          !isNaN(data11) &&
                                          isFinite(data11)
                                        )
                                      ) {
                                        messageValidate28.errors = [
                                          {
                                            instancePath: instancePath + "/image/chip_id",
                                            schemaPath: "#/$defs/ReleaseImage/properties/chip_id/type",
                                            keyword: "type",
                                            params: { type: "integer" },
                                          },
                                        ];
                                        return false;
                                      }
                                      if (errors === _errs24) {
                                        if (typeof data11 == "number" && isFinite(data11)) {
                                          if (data11 > 65535 || isNaN(data11)) {
                                            messageValidate28.errors = [
                                              {
                                                instancePath: instancePath + "/image/chip_id",
                                                schemaPath: "#/$defs/ReleaseImage/properties/chip_id/maximum",
                                                keyword: "maximum",
                                                params: { comparison: "<=", limit: 65535 },
                                              },
                                            ];
                                            return false;
                                          } else {
                                            if (data11 < 0 || isNaN(data11)) {
                                              messageValidate28.errors = [
                                                {
                                                  instancePath: instancePath + "/image/chip_id",
                                                  schemaPath: "#/$defs/ReleaseImage/properties/chip_id/minimum",
                                                  keyword: "minimum",
                                                  params: { comparison: ">=", limit: 0 },
                                                },
                                              ];
                                              return false;
                                            }
                                          }
                                        }
                                      }
                                      var valid2 = _errs24 === errors;
                                    } else {
                                      var valid2 = true;
                                    }
                                  }
                                }
                              }
                            }
                          }
                        }
                      } else {
                        messageValidate28.errors = [
                          {
                            instancePath: instancePath + "/image",
                            schemaPath: "#/$defs/ReleaseImage/type",
                            keyword: "type",
                            params: { type: "object" },
                          },
                        ];
                        return false;
                      }
                    }
                    var valid0 = _errs11 === errors;
                  } else {
                    var valid0 = true;
                  }
                }
              }
            }
          }
        }
      }
    } else {
      messageValidate28.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  messageValidate28.errors = vErrors;
  return errors === 0;
}
messageValidate28.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link DeviceRequest}. */
export const validateDeviceRequest: SchemaValidator<DeviceRequest> = messageValidate29;
const messageSchema47 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///protocol/request.schema.json",
  type: "object",
  required: ["protocol", "image", "missing", "missing_count", "window", "unicast"],
  properties: {
    protocol: { const: 1 },
    image: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    missing: {
      type: "array",
      minItems: 1,
      maxItems: 64,
      items: {
        type: "array",
        prefixItems: [
          { type: "integer", minimum: 0, maximum: 32767 },
          { type: "integer", minimum: 1, maximum: 32768 },
        ],
        items: false,
        minItems: 2,
        maxItems: 2,
      },
    },
    missing_count: { type: "integer", minimum: 1, maximum: 32768 },
    window: { type: "integer", minimum: 0, maximum: 32768 },
    unicast: { type: "boolean" },
  },
  additionalProperties: true,
};
function messageValidate29(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///protocol/request.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate29.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (
        (data.protocol === undefined && (missing0 = "protocol")) ||
        (data.image === undefined && (missing0 = "image")) ||
        (data.missing === undefined && (missing0 = "missing")) ||
        (data.missing_count === undefined && (missing0 = "missing_count")) ||
        (data.window === undefined && (missing0 = "window")) ||
        (data.unicast === undefined && (missing0 = "unicast"))
      ) {
        messageValidate29.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.protocol !== undefined) {
          const _errs2 = errors;
          if (1 !== data.protocol) {
            messageValidate29.errors = [
              {
                instancePath: instancePath + "/protocol",
                schemaPath: "#/properties/protocol/const",
                keyword: "const",
                params: { allowedValue: 1 },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.image !== undefined) {
            let data1 = data.image;
            const _errs3 = errors;
            if (errors === _errs3) {
              if (typeof data1 === "string") {
                if (data1.length > 32) {
                  messageValidate29.errors = [
                    {
                      instancePath: instancePath + "/image",
                      schemaPath: "#/properties/image/maxLength",
                      keyword: "maxLength",
                      params: { limit: 32 },
                    },
                  ];
                  return false;
                } else {
                  if (!messagePattern5.test(data1)) {
                    messageValidate29.errors = [
                      {
                        instancePath: instancePath + "/image",
                        schemaPath: "#/properties/image/pattern",
                        keyword: "pattern",
                        params: { pattern: "^[0-9a-f]{32}$" },
                      },
                    ];
                    return false;
                  }
                }
              } else {
                messageValidate29.errors = [
                  {
                    instancePath: instancePath + "/image",
                    schemaPath: "#/properties/image/type",
                    keyword: "type",
                    params: { type: "string" },
                  },
                ];
                return false;
              }
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.missing !== undefined) {
              let data2 = data.missing;
              const _errs5 = errors;
              if (errors === _errs5) {
                if (Array.isArray(data2)) {
                  if (data2.length > 64) {
                    messageValidate29.errors = [
                      {
                        instancePath: instancePath + "/missing",
                        schemaPath: "#/properties/missing/maxItems",
                        keyword: "maxItems",
                        params: { limit: 64 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2.length < 1) {
                      messageValidate29.errors = [
                        {
                          instancePath: instancePath + "/missing",
                          schemaPath: "#/properties/missing/minItems",
                          keyword: "minItems",
                          params: { limit: 1 },
                        },
                      ];
                      return false;
                    } else {
                      var valid1 = true;
                      const len0 = data2.length;
                      for (let i0 = 0; i0 < len0; i0++) {
                        let data3 = data2[i0];
                        const _errs7 = errors;
                        if (errors === _errs7) {
                          if (Array.isArray(data3)) {
                            if (data3.length > 2) {
                              messageValidate29.errors = [
                                {
                                  instancePath: instancePath + "/missing/" + i0,
                                  schemaPath: "#/properties/missing/items/maxItems",
                                  keyword: "maxItems",
                                  params: { limit: 2 },
                                },
                              ];
                              return false;
                            } else {
                              if (data3.length < 2) {
                                messageValidate29.errors = [
                                  {
                                    instancePath: instancePath + "/missing/" + i0,
                                    schemaPath: "#/properties/missing/items/minItems",
                                    keyword: "minItems",
                                    params: { limit: 2 },
                                  },
                                ];
                                return false;
                              } else {
                                const len1 = data3.length;
                                if (len1 > 0) {
                                  let data4 = data3[0];
                                  const _errs9 = errors;
                                  if (!(typeof data4 == "number" && !(data4 % 1) && !isNaN(data4) && isFinite(data4))) {
                                    messageValidate29.errors = [
                                      {
                                        instancePath: instancePath + "/missing/" + i0 + "/0",
                                        schemaPath: "#/properties/missing/items/prefixItems/0/type",
                                        keyword: "type",
                                        params: { type: "integer" },
                                      },
                                    ];
                                    return false;
                                  }
                                  if (errors === _errs9) {
                                    if (typeof data4 == "number" && isFinite(data4)) {
                                      if (data4 > 32767 || isNaN(data4)) {
                                        messageValidate29.errors = [
                                          {
                                            instancePath: instancePath + "/missing/" + i0 + "/0",
                                            schemaPath: "#/properties/missing/items/prefixItems/0/maximum",
                                            keyword: "maximum",
                                            params: { comparison: "<=", limit: 32767 },
                                          },
                                        ];
                                        return false;
                                      } else {
                                        if (data4 < 0 || isNaN(data4)) {
                                          messageValidate29.errors = [
                                            {
                                              instancePath: instancePath + "/missing/" + i0 + "/0",
                                              schemaPath: "#/properties/missing/items/prefixItems/0/minimum",
                                              keyword: "minimum",
                                              params: { comparison: ">=", limit: 0 },
                                            },
                                          ];
                                          return false;
                                        }
                                      }
                                    }
                                  }
                                  var valid2 = _errs9 === errors;
                                }
                                if (valid2) {
                                  if (len1 > 1) {
                                    let data5 = data3[1];
                                    const _errs11 = errors;
                                    if (
                                      !(typeof data5 == "number" && !(data5 % 1) && !isNaN(data5) && isFinite(data5))
                                    ) {
                                      messageValidate29.errors = [
                                        {
                                          instancePath: instancePath + "/missing/" + i0 + "/1",
                                          schemaPath: "#/properties/missing/items/prefixItems/1/type",
                                          keyword: "type",
                                          params: { type: "integer" },
                                        },
                                      ];
                                      return false;
                                    }
                                    if (errors === _errs11) {
                                      if (typeof data5 == "number" && isFinite(data5)) {
                                        if (data5 > 32768 || isNaN(data5)) {
                                          messageValidate29.errors = [
                                            {
                                              instancePath: instancePath + "/missing/" + i0 + "/1",
                                              schemaPath: "#/properties/missing/items/prefixItems/1/maximum",
                                              keyword: "maximum",
                                              params: { comparison: "<=", limit: 32768 },
                                            },
                                          ];
                                          return false;
                                        } else {
                                          if (data5 < 1 || isNaN(data5)) {
                                            messageValidate29.errors = [
                                              {
                                                instancePath: instancePath + "/missing/" + i0 + "/1",
                                                schemaPath: "#/properties/missing/items/prefixItems/1/minimum",
                                                keyword: "minimum",
                                                params: { comparison: ">=", limit: 1 },
                                              },
                                            ];
                                            return false;
                                          }
                                        }
                                      }
                                    }
                                    var valid2 = _errs11 === errors;
                                  }
                                  if (valid2) {
                                    const len2 = data3.length;
                                    if (!(len2 <= 2)) {
                                      messageValidate29.errors = [
                                        {
                                          instancePath: instancePath + "/missing/" + i0,
                                          schemaPath: "#/properties/missing/items/items",
                                          keyword: "items",
                                          params: { limit: 2 },
                                        },
                                      ];
                                      return false;
                                    }
                                  }
                                }
                              }
                            }
                          } else {
                            messageValidate29.errors = [
                              {
                                instancePath: instancePath + "/missing/" + i0,
                                schemaPath: "#/properties/missing/items/type",
                                keyword: "type",
                                params: { type: "array" },
                              },
                            ];
                            return false;
                          }
                        }
                        var valid1 = _errs7 === errors;
                        if (!valid1) {
                          break;
                        }
                      }
                    }
                  }
                } else {
                  messageValidate29.errors = [
                    {
                      instancePath: instancePath + "/missing",
                      schemaPath: "#/properties/missing/type",
                      keyword: "type",
                      params: { type: "array" },
                    },
                  ];
                  return false;
                }
              }
              var valid0 = _errs5 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.missing_count !== undefined) {
                let data6 = data.missing_count;
                const _errs13 = errors;
                if (!(typeof data6 == "number" && !(data6 % 1) && !isNaN(data6) && isFinite(data6))) {
                  messageValidate29.errors = [
                    {
                      instancePath: instancePath + "/missing_count",
                      schemaPath: "#/properties/missing_count/type",
                      keyword: "type",
                      params: { type: "integer" },
                    },
                  ];
                  return false;
                }
                if (errors === _errs13) {
                  if (typeof data6 == "number" && isFinite(data6)) {
                    if (data6 > 32768 || isNaN(data6)) {
                      messageValidate29.errors = [
                        {
                          instancePath: instancePath + "/missing_count",
                          schemaPath: "#/properties/missing_count/maximum",
                          keyword: "maximum",
                          params: { comparison: "<=", limit: 32768 },
                        },
                      ];
                      return false;
                    } else {
                      if (data6 < 1 || isNaN(data6)) {
                        messageValidate29.errors = [
                          {
                            instancePath: instancePath + "/missing_count",
                            schemaPath: "#/properties/missing_count/minimum",
                            keyword: "minimum",
                            params: { comparison: ">=", limit: 1 },
                          },
                        ];
                        return false;
                      }
                    }
                  }
                }
                var valid0 = _errs13 === errors;
              } else {
                var valid0 = true;
              }
              if (valid0) {
                if (data.window !== undefined) {
                  let data7 = data.window;
                  const _errs15 = errors;
                  if (!(typeof data7 == "number" && !(data7 % 1) && !isNaN(data7) && isFinite(data7))) {
                    messageValidate29.errors = [
                      {
                        instancePath: instancePath + "/window",
                        schemaPath: "#/properties/window/type",
                        keyword: "type",
                        params: { type: "integer" },
                      },
                    ];
                    return false;
                  }
                  if (errors === _errs15) {
                    if (typeof data7 == "number" && isFinite(data7)) {
                      if (data7 > 32768 || isNaN(data7)) {
                        messageValidate29.errors = [
                          {
                            instancePath: instancePath + "/window",
                            schemaPath: "#/properties/window/maximum",
                            keyword: "maximum",
                            params: { comparison: "<=", limit: 32768 },
                          },
                        ];
                        return false;
                      } else {
                        if (data7 < 0 || isNaN(data7)) {
                          messageValidate29.errors = [
                            {
                              instancePath: instancePath + "/window",
                              schemaPath: "#/properties/window/minimum",
                              keyword: "minimum",
                              params: { comparison: ">=", limit: 0 },
                            },
                          ];
                          return false;
                        }
                      }
                    }
                  }
                  var valid0 = _errs15 === errors;
                } else {
                  var valid0 = true;
                }
                if (valid0) {
                  if (data.unicast !== undefined) {
                    const _errs17 = errors;
                    if (typeof data.unicast !== "boolean") {
                      messageValidate29.errors = [
                        {
                          instancePath: instancePath + "/unicast",
                          schemaPath: "#/properties/unicast/type",
                          keyword: "type",
                          params: { type: "boolean" },
                        },
                      ];
                      return false;
                    }
                    var valid0 = _errs17 === errors;
                  } else {
                    var valid0 = true;
                  }
                }
              }
            }
          }
        }
      }
    } else {
      messageValidate29.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  messageValidate29.errors = vErrors;
  return errors === 0;
}
messageValidate29.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link StateReport}. */
export const validateStateReport: SchemaValidator<StateReport> = messageValidate30;
const messageSchema48 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///protocol/state-report.schema.json",
  type: "object",
  required: [
    "protocol",
    "device",
    "state",
    "version",
    "slot",
    "running_sha256",
    "received",
    "total",
    "accepted",
    "rollback",
    "clock",
    "online",
    "boot_count",
  ],
  properties: {
    protocol: { const: 1 },
    device: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", maxLength: 64 },
    state: {
      type: "string",
      enum: [
        "idle",
        "checking",
        "waiting",
        "downloading",
        "verifying",
        "ready-to-reboot",
        "pending-verify",
        "confirmed",
        "rejected",
        "rolled-back",
        "failed",
      ],
    },
    offer: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    image: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    version: { type: "string", maxLength: 64 },
    slot: { type: "string", maxLength: 16 },
    running_sha256: { type: "string", pattern: "^[0-9a-f]{64}$", maxLength: 64 },
    received: { type: "integer", minimum: 0, maximum: 32768 },
    total: { type: "integer", minimum: 0, maximum: 32768 },
    accepted: {
      type: "array",
      prefixItems: [
        { type: "integer", minimum: 0, maximum: 2147483647 },
        { type: "integer", minimum: 0, maximum: 2147483647 },
      ],
      items: false,
      minItems: 2,
      maxItems: 2,
    },
    key_set: { type: "integer", minimum: 1, maximum: 2147483647 },
    refused: {
      type: "object",
      required: ["count", "code"],
      properties: {
        count: { type: "integer", minimum: 1, maximum: 2147483647 },
        code: { type: "string", minLength: 1, maxLength: 64 },
      },
      additionalProperties: true,
    },
    rollback: { type: "boolean" },
    clock: { type: "boolean" },
    online: { type: "boolean" },
    boot_count: { type: "integer", minimum: 0, maximum: 2147483647 },
    stalled: { type: "boolean" },
    error: { $ref: "#/$defs/ReportError" },
    stats: {
      type: "object",
      maxProperties: 32,
      propertyNames: { maxLength: 32 },
      additionalProperties: { type: "integer", minimum: 0, maximum: 2147483647 },
    },
  },
  additionalProperties: true,
  $defs: {
    ReportError: {
      type: "object",
      required: ["code", "message"],
      properties: {
        code: { type: "string", minLength: 1, maxLength: 64 },
        message: { type: "string", maxLength: 200 },
      },
      additionalProperties: true,
    },
  },
};
const messageSchema49 = {
  type: "object",
  required: ["code", "message"],
  properties: { code: { type: "string", minLength: 1, maxLength: 64 }, message: { type: "string", maxLength: 200 } },
  additionalProperties: true,
};
function messageValidate30(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///protocol/state-report.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = messageValidate30.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if (
        (data.protocol === undefined && (missing0 = "protocol")) ||
        (data.device === undefined && (missing0 = "device")) ||
        (data.state === undefined && (missing0 = "state")) ||
        (data.version === undefined && (missing0 = "version")) ||
        (data.slot === undefined && (missing0 = "slot")) ||
        (data.running_sha256 === undefined && (missing0 = "running_sha256")) ||
        (data.received === undefined && (missing0 = "received")) ||
        (data.total === undefined && (missing0 = "total")) ||
        (data.accepted === undefined && (missing0 = "accepted")) ||
        (data.rollback === undefined && (missing0 = "rollback")) ||
        (data.clock === undefined && (missing0 = "clock")) ||
        (data.online === undefined && (missing0 = "online")) ||
        (data.boot_count === undefined && (missing0 = "boot_count"))
      ) {
        messageValidate30.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.protocol !== undefined) {
          const _errs2 = errors;
          if (1 !== data.protocol) {
            messageValidate30.errors = [
              {
                instancePath: instancePath + "/protocol",
                schemaPath: "#/properties/protocol/const",
                keyword: "const",
                params: { allowedValue: 1 },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.device !== undefined) {
            let data1 = data.device;
            const _errs3 = errors;
            if (errors === _errs3) {
              if (typeof data1 === "string") {
                if (data1.length > 64) {
                  messageValidate30.errors = [
                    {
                      instancePath: instancePath + "/device",
                      schemaPath: "#/properties/device/maxLength",
                      keyword: "maxLength",
                      params: { limit: 64 },
                    },
                  ];
                  return false;
                } else {
                  if (!messagePattern19.test(data1)) {
                    messageValidate30.errors = [
                      {
                        instancePath: instancePath + "/device",
                        schemaPath: "#/properties/device/pattern",
                        keyword: "pattern",
                        params: { pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" },
                      },
                    ];
                    return false;
                  }
                }
              } else {
                messageValidate30.errors = [
                  {
                    instancePath: instancePath + "/device",
                    schemaPath: "#/properties/device/type",
                    keyword: "type",
                    params: { type: "string" },
                  },
                ];
                return false;
              }
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.state !== undefined) {
              let data2 = data.state;
              const _errs5 = errors;
              if (typeof data2 !== "string") {
                messageValidate30.errors = [
                  {
                    instancePath: instancePath + "/state",
                    schemaPath: "#/properties/state/type",
                    keyword: "type",
                    params: { type: "string" },
                  },
                ];
                return false;
              }
              if (
                !(
                  data2 === "idle" ||
                  data2 === "checking" ||
                  data2 === "waiting" ||
                  data2 === "downloading" ||
                  data2 === "verifying" ||
                  data2 === "ready-to-reboot" ||
                  data2 === "pending-verify" ||
                  data2 === "confirmed" ||
                  data2 === "rejected" ||
                  data2 === "rolled-back" ||
                  data2 === "failed"
                )
              ) {
                messageValidate30.errors = [
                  {
                    instancePath: instancePath + "/state",
                    schemaPath: "#/properties/state/enum",
                    keyword: "enum",
                    params: { allowedValues: messageSchema48.properties.state.enum },
                  },
                ];
                return false;
              }
              var valid0 = _errs5 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.offer !== undefined) {
                let data3 = data.offer;
                const _errs7 = errors;
                if (errors === _errs7) {
                  if (typeof data3 === "string") {
                    if (data3.length > 32) {
                      messageValidate30.errors = [
                        {
                          instancePath: instancePath + "/offer",
                          schemaPath: "#/properties/offer/maxLength",
                          keyword: "maxLength",
                          params: { limit: 32 },
                        },
                      ];
                      return false;
                    } else {
                      if (!messagePattern5.test(data3)) {
                        messageValidate30.errors = [
                          {
                            instancePath: instancePath + "/offer",
                            schemaPath: "#/properties/offer/pattern",
                            keyword: "pattern",
                            params: { pattern: "^[0-9a-f]{32}$" },
                          },
                        ];
                        return false;
                      }
                    }
                  } else {
                    messageValidate30.errors = [
                      {
                        instancePath: instancePath + "/offer",
                        schemaPath: "#/properties/offer/type",
                        keyword: "type",
                        params: { type: "string" },
                      },
                    ];
                    return false;
                  }
                }
                var valid0 = _errs7 === errors;
              } else {
                var valid0 = true;
              }
              if (valid0) {
                if (data.image !== undefined) {
                  let data4 = data.image;
                  const _errs9 = errors;
                  if (errors === _errs9) {
                    if (typeof data4 === "string") {
                      if (data4.length > 32) {
                        messageValidate30.errors = [
                          {
                            instancePath: instancePath + "/image",
                            schemaPath: "#/properties/image/maxLength",
                            keyword: "maxLength",
                            params: { limit: 32 },
                          },
                        ];
                        return false;
                      } else {
                        if (!messagePattern5.test(data4)) {
                          messageValidate30.errors = [
                            {
                              instancePath: instancePath + "/image",
                              schemaPath: "#/properties/image/pattern",
                              keyword: "pattern",
                              params: { pattern: "^[0-9a-f]{32}$" },
                            },
                          ];
                          return false;
                        }
                      }
                    } else {
                      messageValidate30.errors = [
                        {
                          instancePath: instancePath + "/image",
                          schemaPath: "#/properties/image/type",
                          keyword: "type",
                          params: { type: "string" },
                        },
                      ];
                      return false;
                    }
                  }
                  var valid0 = _errs9 === errors;
                } else {
                  var valid0 = true;
                }
                if (valid0) {
                  if (data.version !== undefined) {
                    let data5 = data.version;
                    const _errs11 = errors;
                    if (errors === _errs11) {
                      if (typeof data5 === "string") {
                        if (data5.length > 64) {
                          messageValidate30.errors = [
                            {
                              instancePath: instancePath + "/version",
                              schemaPath: "#/properties/version/maxLength",
                              keyword: "maxLength",
                              params: { limit: 64 },
                            },
                          ];
                          return false;
                        }
                      } else {
                        messageValidate30.errors = [
                          {
                            instancePath: instancePath + "/version",
                            schemaPath: "#/properties/version/type",
                            keyword: "type",
                            params: { type: "string" },
                          },
                        ];
                        return false;
                      }
                    }
                    var valid0 = _errs11 === errors;
                  } else {
                    var valid0 = true;
                  }
                  if (valid0) {
                    if (data.slot !== undefined) {
                      let data6 = data.slot;
                      const _errs13 = errors;
                      if (errors === _errs13) {
                        if (typeof data6 === "string") {
                          if (data6.length > 16) {
                            messageValidate30.errors = [
                              {
                                instancePath: instancePath + "/slot",
                                schemaPath: "#/properties/slot/maxLength",
                                keyword: "maxLength",
                                params: { limit: 16 },
                              },
                            ];
                            return false;
                          }
                        } else {
                          messageValidate30.errors = [
                            {
                              instancePath: instancePath + "/slot",
                              schemaPath: "#/properties/slot/type",
                              keyword: "type",
                              params: { type: "string" },
                            },
                          ];
                          return false;
                        }
                      }
                      var valid0 = _errs13 === errors;
                    } else {
                      var valid0 = true;
                    }
                    if (valid0) {
                      if (data.running_sha256 !== undefined) {
                        let data7 = data.running_sha256;
                        const _errs15 = errors;
                        if (errors === _errs15) {
                          if (typeof data7 === "string") {
                            if (data7.length > 64) {
                              messageValidate30.errors = [
                                {
                                  instancePath: instancePath + "/running_sha256",
                                  schemaPath: "#/properties/running_sha256/maxLength",
                                  keyword: "maxLength",
                                  params: { limit: 64 },
                                },
                              ];
                              return false;
                            } else {
                              if (!messagePattern24.test(data7)) {
                                messageValidate30.errors = [
                                  {
                                    instancePath: instancePath + "/running_sha256",
                                    schemaPath: "#/properties/running_sha256/pattern",
                                    keyword: "pattern",
                                    params: { pattern: "^[0-9a-f]{64}$" },
                                  },
                                ];
                                return false;
                              }
                            }
                          } else {
                            messageValidate30.errors = [
                              {
                                instancePath: instancePath + "/running_sha256",
                                schemaPath: "#/properties/running_sha256/type",
                                keyword: "type",
                                params: { type: "string" },
                              },
                            ];
                            return false;
                          }
                        }
                        var valid0 = _errs15 === errors;
                      } else {
                        var valid0 = true;
                      }
                      if (valid0) {
                        if (data.received !== undefined) {
                          let data8 = data.received;
                          const _errs17 = errors;
                          if (!(typeof data8 == "number" && !(data8 % 1) && !isNaN(data8) && isFinite(data8))) {
                            messageValidate30.errors = [
                              {
                                instancePath: instancePath + "/received",
                                schemaPath: "#/properties/received/type",
                                keyword: "type",
                                params: { type: "integer" },
                              },
                            ];
                            return false;
                          }
                          if (errors === _errs17) {
                            if (typeof data8 == "number" && isFinite(data8)) {
                              if (data8 > 32768 || isNaN(data8)) {
                                messageValidate30.errors = [
                                  {
                                    instancePath: instancePath + "/received",
                                    schemaPath: "#/properties/received/maximum",
                                    keyword: "maximum",
                                    params: { comparison: "<=", limit: 32768 },
                                  },
                                ];
                                return false;
                              } else {
                                if (data8 < 0 || isNaN(data8)) {
                                  messageValidate30.errors = [
                                    {
                                      instancePath: instancePath + "/received",
                                      schemaPath: "#/properties/received/minimum",
                                      keyword: "minimum",
                                      params: { comparison: ">=", limit: 0 },
                                    },
                                  ];
                                  return false;
                                }
                              }
                            }
                          }
                          var valid0 = _errs17 === errors;
                        } else {
                          var valid0 = true;
                        }
                        if (valid0) {
                          if (data.total !== undefined) {
                            let data9 = data.total;
                            const _errs19 = errors;
                            if (!(typeof data9 == "number" && !(data9 % 1) && !isNaN(data9) && isFinite(data9))) {
                              messageValidate30.errors = [
                                {
                                  instancePath: instancePath + "/total",
                                  schemaPath: "#/properties/total/type",
                                  keyword: "type",
                                  params: { type: "integer" },
                                },
                              ];
                              return false;
                            }
                            if (errors === _errs19) {
                              if (typeof data9 == "number" && isFinite(data9)) {
                                if (data9 > 32768 || isNaN(data9)) {
                                  messageValidate30.errors = [
                                    {
                                      instancePath: instancePath + "/total",
                                      schemaPath: "#/properties/total/maximum",
                                      keyword: "maximum",
                                      params: { comparison: "<=", limit: 32768 },
                                    },
                                  ];
                                  return false;
                                } else {
                                  if (data9 < 0 || isNaN(data9)) {
                                    messageValidate30.errors = [
                                      {
                                        instancePath: instancePath + "/total",
                                        schemaPath: "#/properties/total/minimum",
                                        keyword: "minimum",
                                        params: { comparison: ">=", limit: 0 },
                                      },
                                    ];
                                    return false;
                                  }
                                }
                              }
                            }
                            var valid0 = _errs19 === errors;
                          } else {
                            var valid0 = true;
                          }
                          if (valid0) {
                            if (data.accepted !== undefined) {
                              let data10 = data.accepted;
                              const _errs21 = errors;
                              if (errors === _errs21) {
                                if (Array.isArray(data10)) {
                                  if (data10.length > 2) {
                                    messageValidate30.errors = [
                                      {
                                        instancePath: instancePath + "/accepted",
                                        schemaPath: "#/properties/accepted/maxItems",
                                        keyword: "maxItems",
                                        params: { limit: 2 },
                                      },
                                    ];
                                    return false;
                                  } else {
                                    if (data10.length < 2) {
                                      messageValidate30.errors = [
                                        {
                                          instancePath: instancePath + "/accepted",
                                          schemaPath: "#/properties/accepted/minItems",
                                          keyword: "minItems",
                                          params: { limit: 2 },
                                        },
                                      ];
                                      return false;
                                    } else {
                                      const len0 = data10.length;
                                      if (len0 > 0) {
                                        let data11 = data10[0];
                                        const _errs23 = errors;
                                        if (
                                          !(
                                            typeof data11 == "number" &&
                                            !(data11 % 1) &&
                                            !isNaN(data11) &&
                                            isFinite(data11)
                                          )
                                        ) {
                                          messageValidate30.errors = [
                                            {
                                              instancePath: instancePath + "/accepted/0",
                                              schemaPath: "#/properties/accepted/prefixItems/0/type",
                                              keyword: "type",
                                              params: { type: "integer" },
                                            },
                                          ];
                                          return false;
                                        }
                                        if (errors === _errs23) {
                                          if (typeof data11 == "number" && isFinite(data11)) {
                                            if (data11 > 2147483647 || isNaN(data11)) {
                                              messageValidate30.errors = [
                                                {
                                                  instancePath: instancePath + "/accepted/0",
                                                  schemaPath: "#/properties/accepted/prefixItems/0/maximum",
                                                  keyword: "maximum",
                                                  params: { comparison: "<=", limit: 2147483647 },
                                                },
                                              ];
                                              return false;
                                            } else {
                                              if (data11 < 0 || isNaN(data11)) {
                                                messageValidate30.errors = [
                                                  {
                                                    instancePath: instancePath + "/accepted/0",
                                                    schemaPath: "#/properties/accepted/prefixItems/0/minimum",
                                                    keyword: "minimum",
                                                    params: { comparison: ">=", limit: 0 },
                                                  },
                                                ];
                                                return false;
                                              }
                                            }
                                          }
                                        }
                                        var valid1 = _errs23 === errors;
                                      }
                                      if (valid1) {
                                        if (len0 > 1) {
                                          let data12 = data10[1];
                                          const _errs25 = errors;
                                          if (
                                            !(
                                              typeof data12 == "number" &&
                                              !(data12 % 1) &&
                                              !isNaN(data12) &&
                                              isFinite(data12)
                                            )
                                          ) {
                                            messageValidate30.errors = [
                                              {
                                                instancePath: instancePath + "/accepted/1",
                                                schemaPath: "#/properties/accepted/prefixItems/1/type",
                                                keyword: "type",
                                                params: { type: "integer" },
                                              },
                                            ];
                                            return false;
                                          }
                                          if (errors === _errs25) {
                                            if (typeof data12 == "number" && isFinite(data12)) {
                                              if (data12 > 2147483647 || isNaN(data12)) {
                                                messageValidate30.errors = [
                                                  {
                                                    instancePath: instancePath + "/accepted/1",
                                                    schemaPath: "#/properties/accepted/prefixItems/1/maximum",
                                                    keyword: "maximum",
                                                    params: { comparison: "<=", limit: 2147483647 },
                                                  },
                                                ];
                                                return false;
                                              } else {
                                                if (data12 < 0 || isNaN(data12)) {
                                                  messageValidate30.errors = [
                                                    {
                                                      instancePath: instancePath + "/accepted/1",
                                                      schemaPath: "#/properties/accepted/prefixItems/1/minimum",
                                                      keyword: "minimum",
                                                      params: { comparison: ">=", limit: 0 },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                            }
                                          }
                                          var valid1 = _errs25 === errors;
                                        }
                                        if (valid1) {
                                          const len1 = data10.length;
                                          if (!(len1 <= 2)) {
                                            messageValidate30.errors = [
                                              {
                                                instancePath: instancePath + "/accepted",
                                                schemaPath: "#/properties/accepted/items",
                                                keyword: "items",
                                                params: { limit: 2 },
                                              },
                                            ];
                                            return false;
                                          }
                                        }
                                      }
                                    }
                                  }
                                } else {
                                  messageValidate30.errors = [
                                    {
                                      instancePath: instancePath + "/accepted",
                                      schemaPath: "#/properties/accepted/type",
                                      keyword: "type",
                                      params: { type: "array" },
                                    },
                                  ];
                                  return false;
                                }
                              }
                              var valid0 = _errs21 === errors;
                            } else {
                              var valid0 = true;
                            }
                            if (valid0) {
                              if (data.key_set !== undefined) {
                                let data13 = data.key_set;
                                const _errs27 = errors;
                                if (
                                  !(typeof data13 == "number" && !(data13 % 1) && !isNaN(data13) && isFinite(data13))
                                ) {
                                  messageValidate30.errors = [
                                    {
                                      instancePath: instancePath + "/key_set",
                                      schemaPath: "#/properties/key_set/type",
                                      keyword: "type",
                                      params: { type: "integer" },
                                    },
                                  ];
                                  return false;
                                }
                                if (errors === _errs27) {
                                  if (typeof data13 == "number" && isFinite(data13)) {
                                    if (data13 > 2147483647 || isNaN(data13)) {
                                      messageValidate30.errors = [
                                        {
                                          instancePath: instancePath + "/key_set",
                                          schemaPath: "#/properties/key_set/maximum",
                                          keyword: "maximum",
                                          params: { comparison: "<=", limit: 2147483647 },
                                        },
                                      ];
                                      return false;
                                    } else {
                                      if (data13 < 1 || isNaN(data13)) {
                                        messageValidate30.errors = [
                                          {
                                            instancePath: instancePath + "/key_set",
                                            schemaPath: "#/properties/key_set/minimum",
                                            keyword: "minimum",
                                            params: { comparison: ">=", limit: 1 },
                                          },
                                        ];
                                        return false;
                                      }
                                    }
                                  }
                                }
                                var valid0 = _errs27 === errors;
                              } else {
                                var valid0 = true;
                              }
                              if (valid0) {
                                if (data.refused !== undefined) {
                                  let data14 = data.refused;
                                  const _errs29 = errors;
                                  if (errors === _errs29) {
                                    if (data14 && typeof data14 == "object" && !Array.isArray(data14)) {
                                      let missing1;
                                      if (
                                        (data14.count === undefined && (missing1 = "count")) ||
                                        (data14.code === undefined && (missing1 = "code"))
                                      ) {
                                        messageValidate30.errors = [
                                          {
                                            instancePath: instancePath + "/refused",
                                            schemaPath: "#/properties/refused/required",
                                            keyword: "required",
                                            params: { missingProperty: missing1 },
                                          },
                                        ];
                                        return false;
                                      } else {
                                        if (data14.count !== undefined) {
                                          let data15 = data14.count;
                                          const _errs32 = errors;
                                          if (
                                            !(
                                              typeof data15 == "number" &&
                                              !(data15 % 1) &&
                                              !isNaN(data15) &&
                                              isFinite(data15)
                                            )
                                          ) {
                                            messageValidate30.errors = [
                                              {
                                                instancePath: instancePath + "/refused/count",
                                                schemaPath: "#/properties/refused/properties/count/type",
                                                keyword: "type",
                                                params: { type: "integer" },
                                              },
                                            ];
                                            return false;
                                          }
                                          if (errors === _errs32) {
                                            if (typeof data15 == "number" && isFinite(data15)) {
                                              if (data15 > 2147483647 || isNaN(data15)) {
                                                messageValidate30.errors = [
                                                  {
                                                    instancePath: instancePath + "/refused/count",
                                                    schemaPath: "#/properties/refused/properties/count/maximum",
                                                    keyword: "maximum",
                                                    params: { comparison: "<=", limit: 2147483647 },
                                                  },
                                                ];
                                                return false;
                                              } else {
                                                if (data15 < 1 || isNaN(data15)) {
                                                  messageValidate30.errors = [
                                                    {
                                                      instancePath: instancePath + "/refused/count",
                                                      schemaPath: "#/properties/refused/properties/count/minimum",
                                                      keyword: "minimum",
                                                      params: { comparison: ">=", limit: 1 },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                            }
                                          }
                                          var valid2 = _errs32 === errors;
                                        } else {
                                          var valid2 = true;
                                        }
                                        if (valid2) {
                                          if (data14.code !== undefined) {
                                            let data16 = data14.code;
                                            const _errs34 = errors;
                                            if (errors === _errs34) {
                                              if (typeof data16 === "string") {
                                                if (data16.length > 64) {
                                                  messageValidate30.errors = [
                                                    {
                                                      instancePath: instancePath + "/refused/code",
                                                      schemaPath: "#/properties/refused/properties/code/maxLength",
                                                      keyword: "maxLength",
                                                      params: { limit: 64 },
                                                    },
                                                  ];
                                                  return false;
                                                } else {
                                                  if (data16.length < 1) {
                                                    messageValidate30.errors = [
                                                      {
                                                        instancePath: instancePath + "/refused/code",
                                                        schemaPath: "#/properties/refused/properties/code/minLength",
                                                        keyword: "minLength",
                                                        params: { limit: 1 },
                                                      },
                                                    ];
                                                    return false;
                                                  }
                                                }
                                              } else {
                                                messageValidate30.errors = [
                                                  {
                                                    instancePath: instancePath + "/refused/code",
                                                    schemaPath: "#/properties/refused/properties/code/type",
                                                    keyword: "type",
                                                    params: { type: "string" },
                                                  },
                                                ];
                                                return false;
                                              }
                                            }
                                            var valid2 = _errs34 === errors;
                                          } else {
                                            var valid2 = true;
                                          }
                                        }
                                      }
                                    } else {
                                      messageValidate30.errors = [
                                        {
                                          instancePath: instancePath + "/refused",
                                          schemaPath: "#/properties/refused/type",
                                          keyword: "type",
                                          params: { type: "object" },
                                        },
                                      ];
                                      return false;
                                    }
                                  }
                                  var valid0 = _errs29 === errors;
                                } else {
                                  var valid0 = true;
                                }
                                if (valid0) {
                                  if (data.rollback !== undefined) {
                                    const _errs36 = errors;
                                    if (typeof data.rollback !== "boolean") {
                                      messageValidate30.errors = [
                                        {
                                          instancePath: instancePath + "/rollback",
                                          schemaPath: "#/properties/rollback/type",
                                          keyword: "type",
                                          params: { type: "boolean" },
                                        },
                                      ];
                                      return false;
                                    }
                                    var valid0 = _errs36 === errors;
                                  } else {
                                    var valid0 = true;
                                  }
                                  if (valid0) {
                                    if (data.clock !== undefined) {
                                      const _errs38 = errors;
                                      if (typeof data.clock !== "boolean") {
                                        messageValidate30.errors = [
                                          {
                                            instancePath: instancePath + "/clock",
                                            schemaPath: "#/properties/clock/type",
                                            keyword: "type",
                                            params: { type: "boolean" },
                                          },
                                        ];
                                        return false;
                                      }
                                      var valid0 = _errs38 === errors;
                                    } else {
                                      var valid0 = true;
                                    }
                                    if (valid0) {
                                      if (data.online !== undefined) {
                                        const _errs40 = errors;
                                        if (typeof data.online !== "boolean") {
                                          messageValidate30.errors = [
                                            {
                                              instancePath: instancePath + "/online",
                                              schemaPath: "#/properties/online/type",
                                              keyword: "type",
                                              params: { type: "boolean" },
                                            },
                                          ];
                                          return false;
                                        }
                                        var valid0 = _errs40 === errors;
                                      } else {
                                        var valid0 = true;
                                      }
                                      if (valid0) {
                                        if (data.boot_count !== undefined) {
                                          let data20 = data.boot_count;
                                          const _errs42 = errors;
                                          if (
                                            !(
                                              typeof data20 == "number" &&
                                              !(data20 % 1) &&
                                              !isNaN(data20) &&
                                              isFinite(data20)
                                            )
                                          ) {
                                            messageValidate30.errors = [
                                              {
                                                instancePath: instancePath + "/boot_count",
                                                schemaPath: "#/properties/boot_count/type",
                                                keyword: "type",
                                                params: { type: "integer" },
                                              },
                                            ];
                                            return false;
                                          }
                                          if (errors === _errs42) {
                                            if (typeof data20 == "number" && isFinite(data20)) {
                                              if (data20 > 2147483647 || isNaN(data20)) {
                                                messageValidate30.errors = [
                                                  {
                                                    instancePath: instancePath + "/boot_count",
                                                    schemaPath: "#/properties/boot_count/maximum",
                                                    keyword: "maximum",
                                                    params: { comparison: "<=", limit: 2147483647 },
                                                  },
                                                ];
                                                return false;
                                              } else {
                                                if (data20 < 0 || isNaN(data20)) {
                                                  messageValidate30.errors = [
                                                    {
                                                      instancePath: instancePath + "/boot_count",
                                                      schemaPath: "#/properties/boot_count/minimum",
                                                      keyword: "minimum",
                                                      params: { comparison: ">=", limit: 0 },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                            }
                                          }
                                          var valid0 = _errs42 === errors;
                                        } else {
                                          var valid0 = true;
                                        }
                                        if (valid0) {
                                          if (data.stalled !== undefined) {
                                            const _errs44 = errors;
                                            if (typeof data.stalled !== "boolean") {
                                              messageValidate30.errors = [
                                                {
                                                  instancePath: instancePath + "/stalled",
                                                  schemaPath: "#/properties/stalled/type",
                                                  keyword: "type",
                                                  params: { type: "boolean" },
                                                },
                                              ];
                                              return false;
                                            }
                                            var valid0 = _errs44 === errors;
                                          } else {
                                            var valid0 = true;
                                          }
                                          if (valid0) {
                                            if (data.error !== undefined) {
                                              let data22 = data.error;
                                              const _errs46 = errors;
                                              const _errs47 = errors;
                                              if (errors === _errs47) {
                                                if (data22 && typeof data22 == "object" && !Array.isArray(data22)) {
                                                  let missing2;
                                                  if (
                                                    (data22.code === undefined && (missing2 = "code")) ||
                                                    (data22.message === undefined && (missing2 = "message"))
                                                  ) {
                                                    messageValidate30.errors = [
                                                      {
                                                        instancePath: instancePath + "/error",
                                                        schemaPath: "#/$defs/ReportError/required",
                                                        keyword: "required",
                                                        params: { missingProperty: missing2 },
                                                      },
                                                    ];
                                                    return false;
                                                  } else {
                                                    if (data22.code !== undefined) {
                                                      let data23 = data22.code;
                                                      const _errs50 = errors;
                                                      if (errors === _errs50) {
                                                        if (typeof data23 === "string") {
                                                          if (data23.length > 64) {
                                                            messageValidate30.errors = [
                                                              {
                                                                instancePath: instancePath + "/error/code",
                                                                schemaPath:
                                                                  "#/$defs/ReportError/properties/code/maxLength",
                                                                keyword: "maxLength",
                                                                params: { limit: 64 },
                                                              },
                                                            ];
                                                            return false;
                                                          } else {
                                                            if (data23.length < 1) {
                                                              messageValidate30.errors = [
                                                                {
                                                                  instancePath: instancePath + "/error/code",
                                                                  schemaPath:
                                                                    "#/$defs/ReportError/properties/code/minLength",
                                                                  keyword: "minLength",
                                                                  params: { limit: 1 },
                                                                },
                                                              ];
                                                              return false;
                                                            }
                                                          }
                                                        } else {
                                                          messageValidate30.errors = [
                                                            {
                                                              instancePath: instancePath + "/error/code",
                                                              schemaPath: "#/$defs/ReportError/properties/code/type",
                                                              keyword: "type",
                                                              params: { type: "string" },
                                                            },
                                                          ];
                                                          return false;
                                                        }
                                                      }
                                                      var valid4 = _errs50 === errors;
                                                    } else {
                                                      var valid4 = true;
                                                    }
                                                    if (valid4) {
                                                      if (data22.message !== undefined) {
                                                        let data24 = data22.message;
                                                        const _errs52 = errors;
                                                        if (errors === _errs52) {
                                                          if (typeof data24 === "string") {
                                                            if (data24.length > 200) {
                                                              messageValidate30.errors = [
                                                                {
                                                                  instancePath: instancePath + "/error/message",
                                                                  schemaPath:
                                                                    "#/$defs/ReportError/properties/message/maxLength",
                                                                  keyword: "maxLength",
                                                                  params: { limit: 200 },
                                                                },
                                                              ];
                                                              return false;
                                                            }
                                                          } else {
                                                            messageValidate30.errors = [
                                                              {
                                                                instancePath: instancePath + "/error/message",
                                                                schemaPath:
                                                                  "#/$defs/ReportError/properties/message/type",
                                                                keyword: "type",
                                                                params: { type: "string" },
                                                              },
                                                            ];
                                                            return false;
                                                          }
                                                        }
                                                        var valid4 = _errs52 === errors;
                                                      } else {
                                                        var valid4 = true;
                                                      }
                                                    }
                                                  }
                                                } else {
                                                  messageValidate30.errors = [
                                                    {
                                                      instancePath: instancePath + "/error",
                                                      schemaPath: "#/$defs/ReportError/type",
                                                      keyword: "type",
                                                      params: { type: "object" },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                              var valid0 = _errs46 === errors;
                                            } else {
                                              var valid0 = true;
                                            }
                                            if (valid0) {
                                              if (data.stats !== undefined) {
                                                let data25 = data.stats;
                                                const _errs54 = errors;
                                                if (errors === _errs54) {
                                                  if (data25 && typeof data25 == "object" && !Array.isArray(data25)) {
                                                    if (Object.keys(data25).length > 32) {
                                                      messageValidate30.errors = [
                                                        {
                                                          instancePath: instancePath + "/stats",
                                                          schemaPath: "#/properties/stats/maxProperties",
                                                          keyword: "maxProperties",
                                                          params: { limit: 32 },
                                                        },
                                                      ];
                                                      return false;
                                                    } else {
                                                      for (const key0 in data25) {
                                                        const _errs56 = errors;
                                                        if (typeof key0 === "string") {
                                                          if (key0.length > 32) {
                                                            const err0 = {
                                                              instancePath: instancePath + "/stats",
                                                              schemaPath: "#/properties/stats/propertyNames/maxLength",
                                                              keyword: "maxLength",
                                                              params: { limit: 32 },
                                                              propertyName: key0,
                                                            };
                                                            if (vErrors === null) {
                                                              vErrors = [err0];
                                                            } else {
                                                              vErrors.push(err0);
                                                            }
                                                            errors++;
                                                          }
                                                        }
                                                        var valid5 = _errs56 === errors;
                                                        if (!valid5) {
                                                          const err1 = {
                                                            instancePath: instancePath + "/stats",
                                                            schemaPath: "#/properties/stats/propertyNames",
                                                            keyword: "propertyNames",
                                                            params: { propertyName: key0 },
                                                          };
                                                          if (vErrors === null) {
                                                            vErrors = [err1];
                                                          } else {
                                                            vErrors.push(err1);
                                                          }
                                                          errors++;
                                                          messageValidate30.errors = vErrors;
                                                          return false;
                                                          break;
                                                        }
                                                      }
                                                      if (valid5) {
                                                        for (const key1 in data25) {
                                                          let data26 = data25[key1];
                                                          const _errs58 = errors;
                                                          if (
                                                            !(
                                                              typeof data26 == "number" &&
                                                              !(data26 % 1) &&
                                                              !isNaN(data26) &&
                                                              isFinite(data26)
                                                            )
                                                          ) {
                                                            messageValidate30.errors = [
                                                              {
                                                                instancePath:
                                                                  instancePath +
                                                                  "/stats/" +
                                                                  key1.replace(/~/g, "~0").replace(/\//g, "~1"),
                                                                schemaPath:
                                                                  "#/properties/stats/additionalProperties/type",
                                                                keyword: "type",
                                                                params: { type: "integer" },
                                                              },
                                                            ];
                                                            return false;
                                                          }
                                                          if (errors === _errs58) {
                                                            if (typeof data26 == "number" && isFinite(data26)) {
                                                              if (data26 > 2147483647 || isNaN(data26)) {
                                                                messageValidate30.errors = [
                                                                  {
                                                                    instancePath:
                                                                      instancePath +
                                                                      "/stats/" +
                                                                      key1.replace(/~/g, "~0").replace(/\//g, "~1"),
                                                                    schemaPath:
                                                                      "#/properties/stats/additionalProperties/maximum",
                                                                    keyword: "maximum",
                                                                    params: { comparison: "<=", limit: 2147483647 },
                                                                  },
                                                                ];
                                                                return false;
                                                              } else {
                                                                if (data26 < 0 || isNaN(data26)) {
                                                                  messageValidate30.errors = [
                                                                    {
                                                                      instancePath:
                                                                        instancePath +
                                                                        "/stats/" +
                                                                        key1.replace(/~/g, "~0").replace(/\//g, "~1"),
                                                                      schemaPath:
                                                                        "#/properties/stats/additionalProperties/minimum",
                                                                      keyword: "minimum",
                                                                      params: { comparison: ">=", limit: 0 },
                                                                    },
                                                                  ];
                                                                  return false;
                                                                }
                                                              }
                                                            }
                                                          }
                                                          var valid6 = _errs58 === errors;
                                                          if (!valid6) {
                                                            break;
                                                          }
                                                        }
                                                      }
                                                    }
                                                  } else {
                                                    messageValidate30.errors = [
                                                      {
                                                        instancePath: instancePath + "/stats",
                                                        schemaPath: "#/properties/stats/type",
                                                        keyword: "type",
                                                        params: { type: "object" },
                                                      },
                                                    ];
                                                    return false;
                                                  }
                                                }
                                                var valid0 = _errs54 === errors;
                                              } else {
                                                var valid0 = true;
                                              }
                                            }
                                          }
                                        }
                                      }
                                    }
                                  }
                                }
                              }
                            }
                          }
                        }
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    } else {
      messageValidate30.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  messageValidate30.errors = vErrors;
  return errors === 0;
}
messageValidate30.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
