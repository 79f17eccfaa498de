// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
// @ts-nocheck
import type { Channels, RootManifest, VersionManifest } from "./types.generated.ts";
import type { SchemaValidator } from "./validator.ts";

/** What a string that matches a pattern is, in words: the `$comment` beside the pattern in its schema. */
export const PATTERN_WORDS: Readonly<Record<string, string>> = {
  "^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$":
    "a broker URL that begins with mqtt://, mqtts://, ws:// or wss://",
  "^[^+#\\u0000]+$": "a topic to publish on: at least one character, without the wildcards + and #",
  "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$": "a URL that begins with https:// or http://",
  "^[A-Za-z]{1,20}$": "an HTTP method such as PUT or POST",
  "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$":
    "a date and time in ISO 8601, such as 2026-01-31T12:00:00Z",
  "^[0-9a-fA-F]{64}$": "the file's SHA-256 as 64 hexadecimal digits",
};

/** Whether a value is a {@link Channels}. */
export const validateChannels: SchemaValidator<Channels> = documentValidate20;
const documentSchema31 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///ota-channels.schema.json",
  type: "object",
  properties: { mqtt: { $ref: "#/$defs/MqttChannel" }, https: { $ref: "#/$defs/HttpsChannel" } },
  additionalProperties: { type: "object", additionalProperties: true },
  $defs: {
    MqttChannel: {
      type: "object",
      properties: {
        broker: { type: "string", pattern: "^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$" },
        topic: { type: "string", pattern: "^[^+#\\u0000]+$" },
        qos: { enum: [0, 1, 2] },
        retain: { type: "boolean" },
        client_id: { type: "string", minLength: 1 },
        keepalive: { type: "integer", minimum: 0, maximum: 65535 },
        username: { type: "string" },
        password: { type: "string" },
        insecure: { type: "boolean" },
        mode: { enum: ["chunked", "blob"] },
        rate: { type: "integer", minimum: 0 },
      },
      additionalProperties: true,
    },
    HttpsChannel: {
      type: "object",
      properties: {
        url: { type: "string", pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$" },
        method: { type: "string", pattern: "^[A-Za-z]{1,20}$" },
        headers: { type: "object", additionalProperties: { type: "string" } },
        timeout: { type: "number", exclusiveMinimum: 0 },
        verify: { type: "boolean" },
      },
      additionalProperties: true,
    },
  },
};
const documentSchema32 = {
  type: "object",
  properties: {
    broker: { type: "string", pattern: "^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$" },
    topic: { type: "string", pattern: "^[^+#\\u0000]+$" },
    qos: { enum: [0, 1, 2] },
    retain: { type: "boolean" },
    client_id: { type: "string", minLength: 1 },
    keepalive: { type: "integer", minimum: 0, maximum: 65535 },
    username: { type: "string" },
    password: { type: "string" },
    insecure: { type: "boolean" },
    mode: { enum: ["chunked", "blob"] },
    rate: { type: "integer", minimum: 0 },
  },
  additionalProperties: true,
};
const documentSchema33 = {
  type: "object",
  properties: {
    url: { type: "string", pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$" },
    method: { type: "string", pattern: "^[A-Za-z]{1,20}$" },
    headers: { type: "object", additionalProperties: { type: "string" } },
    timeout: { type: "number", exclusiveMinimum: 0 },
    verify: { type: "boolean" },
  },
  additionalProperties: true,
};
const documentPattern4 = new RegExp("^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$", "u");
const documentPattern5 = new RegExp("^[^+#\\u0000]+$", "u");
const documentPattern6 = new RegExp("^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$", "u");
const documentPattern7 = new RegExp("^[A-Za-z]{1,20}$", "u");
function documentValidate20(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///ota-channels.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = documentValidate20.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (data && typeof data == "object" && !Array.isArray(data)) {
    for (const key0 in data) {
      if (!(key0 === "mqtt" || key0 === "https")) {
        let data0 = data[key0];
        if (data0 && typeof data0 == "object" && !Array.isArray(data0)) {
        } else {
          const err0 = {
            instancePath: instancePath + "/" + key0.replace(/~/g, "~0").replace(/\//g, "~1"),
            schemaPath: "#/additionalProperties/type",
            keyword: "type",
            params: { type: "object" },
          };
          if (vErrors === null) {
            vErrors = [err0];
          } else {
            vErrors.push(err0);
          }
          errors++;
        }
      }
    }
    if (data.mqtt !== undefined) {
      let data1 = data.mqtt;
      if (data1 && typeof data1 == "object" && !Array.isArray(data1)) {
        if (data1.broker !== undefined) {
          let data2 = data1.broker;
          if (typeof data2 === "string") {
            if (!documentPattern4.test(data2)) {
              const err1 = {
                instancePath: instancePath + "/mqtt/broker",
                schemaPath: "#/$defs/MqttChannel/properties/broker/pattern",
                keyword: "pattern",
                params: { pattern: "^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$" },
              };
              if (vErrors === null) {
                vErrors = [err1];
              } else {
                vErrors.push(err1);
              }
              errors++;
            }
          } else {
            const err2 = {
              instancePath: instancePath + "/mqtt/broker",
              schemaPath: "#/$defs/MqttChannel/properties/broker/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err2];
            } else {
              vErrors.push(err2);
            }
            errors++;
          }
        }
        if (data1.topic !== undefined) {
          let data3 = data1.topic;
          if (typeof data3 === "string") {
            if (!documentPattern5.test(data3)) {
              const err3 = {
                instancePath: instancePath + "/mqtt/topic",
                schemaPath: "#/$defs/MqttChannel/properties/topic/pattern",
                keyword: "pattern",
                params: { pattern: "^[^+#\\u0000]+$" },
              };
              if (vErrors === null) {
                vErrors = [err3];
              } else {
                vErrors.push(err3);
              }
              errors++;
            }
          } else {
            const err4 = {
              instancePath: instancePath + "/mqtt/topic",
              schemaPath: "#/$defs/MqttChannel/properties/topic/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err4];
            } else {
              vErrors.push(err4);
            }
            errors++;
          }
        }
        if (data1.qos !== undefined) {
          let data4 = data1.qos;
          if (!(data4 === 0 || data4 === 1 || data4 === 2)) {
            const err5 = {
              instancePath: instancePath + "/mqtt/qos",
              schemaPath: "#/$defs/MqttChannel/properties/qos/enum",
              keyword: "enum",
              params: { allowedValues: documentSchema32.properties.qos.enum },
            };
            if (vErrors === null) {
              vErrors = [err5];
            } else {
              vErrors.push(err5);
            }
            errors++;
          }
        }
        if (data1.retain !== undefined) {
          if (typeof data1.retain !== "boolean") {
            const err6 = {
              instancePath: instancePath + "/mqtt/retain",
              schemaPath: "#/$defs/MqttChannel/properties/retain/type",
              keyword: "type",
              params: { type: "boolean" },
            };
            if (vErrors === null) {
              vErrors = [err6];
            } else {
              vErrors.push(err6);
            }
            errors++;
          }
        }
        if (data1.client_id !== undefined) {
          let data6 = data1.client_id;
          if (typeof data6 === "string") {
            if (data6.length < 1) {
              const err7 = {
                instancePath: instancePath + "/mqtt/client_id",
                schemaPath: "#/$defs/MqttChannel/properties/client_id/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err7];
              } else {
                vErrors.push(err7);
              }
              errors++;
            }
          } else {
            const err8 = {
              instancePath: instancePath + "/mqtt/client_id",
              schemaPath: "#/$defs/MqttChannel/properties/client_id/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err8];
            } else {
              vErrors.push(err8);
            }
            errors++;
          }
        }
        if (data1.keepalive !== undefined) {
          let data7 = data1.keepalive;
          if (!(typeof data7 == "number" && !(data7 % 1) && !isNaN(data7) && isFinite(data7))) {
            const err9 = {
              instancePath: instancePath + "/mqtt/keepalive",
              schemaPath: "#/$defs/MqttChannel/properties/keepalive/type",
              keyword: "type",
              params: { type: "integer" },
            };
            if (vErrors === null) {
              vErrors = [err9];
            } else {
              vErrors.push(err9);
            }
            errors++;
          }
          if (typeof data7 == "number" && isFinite(data7)) {
            if (data7 > 65535 || isNaN(data7)) {
              const err10 = {
                instancePath: instancePath + "/mqtt/keepalive",
                schemaPath: "#/$defs/MqttChannel/properties/keepalive/maximum",
                keyword: "maximum",
                params: { comparison: "<=", limit: 65535 },
              };
              if (vErrors === null) {
                vErrors = [err10];
              } else {
                vErrors.push(err10);
              }
              errors++;
            }
            if (data7 < 0 || isNaN(data7)) {
              const err11 = {
                instancePath: instancePath + "/mqtt/keepalive",
                schemaPath: "#/$defs/MqttChannel/properties/keepalive/minimum",
                keyword: "minimum",
                params: { comparison: ">=", limit: 0 },
              };
              if (vErrors === null) {
                vErrors = [err11];
              } else {
                vErrors.push(err11);
              }
              errors++;
            }
          }
        }
        if (data1.username !== undefined) {
          if (typeof data1.username !== "string") {
            const err12 = {
              instancePath: instancePath + "/mqtt/username",
              schemaPath: "#/$defs/MqttChannel/properties/username/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err12];
            } else {
              vErrors.push(err12);
            }
            errors++;
          }
        }
        if (data1.password !== undefined) {
          if (typeof data1.password !== "string") {
            const err13 = {
              instancePath: instancePath + "/mqtt/password",
              schemaPath: "#/$defs/MqttChannel/properties/password/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err13];
            } else {
              vErrors.push(err13);
            }
            errors++;
          }
        }
        if (data1.insecure !== undefined) {
          if (typeof data1.insecure !== "boolean") {
            const err14 = {
              instancePath: instancePath + "/mqtt/insecure",
              schemaPath: "#/$defs/MqttChannel/properties/insecure/type",
              keyword: "type",
              params: { type: "boolean" },
            };
            if (vErrors === null) {
              vErrors = [err14];
            } else {
              vErrors.push(err14);
            }
            errors++;
          }
        }
        if (data1.mode !== undefined) {
          let data11 = data1.mode;
          if (!(data11 === "chunked" || data11 === "blob")) {
            const err15 = {
              instancePath: instancePath + "/mqtt/mode",
              schemaPath: "#/$defs/MqttChannel/properties/mode/enum",
              keyword: "enum",
              params: { allowedValues: documentSchema32.properties.mode.enum },
            };
            if (vErrors === null) {
              vErrors = [err15];
            } else {
              vErrors.push(err15);
            }
            errors++;
          }
        }
        if (data1.rate !== undefined) {
          let data12 = data1.rate;
          if (!(typeof data12 == "number" && !(data12 % 1) && !isNaN(data12) && isFinite(data12))) {
            const err16 = {
              instancePath: instancePath + "/mqtt/rate",
              schemaPath: "#/$defs/MqttChannel/properties/rate/type",
              keyword: "type",
              params: { type: "integer" },
            };
            if (vErrors === null) {
              vErrors = [err16];
            } else {
              vErrors.push(err16);
            }
            errors++;
          }
          if (typeof data12 == "number" && isFinite(data12)) {
            if (data12 < 0 || isNaN(data12)) {
              const err17 = {
                instancePath: instancePath + "/mqtt/rate",
                schemaPath: "#/$defs/MqttChannel/properties/rate/minimum",
                keyword: "minimum",
                params: { comparison: ">=", limit: 0 },
              };
              if (vErrors === null) {
                vErrors = [err17];
              } else {
                vErrors.push(err17);
              }
              errors++;
            }
          }
        }
      } else {
        const err18 = {
          instancePath: instancePath + "/mqtt",
          schemaPath: "#/$defs/MqttChannel/type",
          keyword: "type",
          params: { type: "object" },
        };
        if (vErrors === null) {
          vErrors = [err18];
        } else {
          vErrors.push(err18);
        }
        errors++;
      }
    }
    if (data.https !== undefined) {
      let data13 = data.https;
      if (data13 && typeof data13 == "object" && !Array.isArray(data13)) {
        if (data13.url !== undefined) {
          let data14 = data13.url;
          if (typeof data14 === "string") {
            if (!documentPattern6.test(data14)) {
              const err19 = {
                instancePath: instancePath + "/https/url",
                schemaPath: "#/$defs/HttpsChannel/properties/url/pattern",
                keyword: "pattern",
                params: { pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$" },
              };
              if (vErrors === null) {
                vErrors = [err19];
              } else {
                vErrors.push(err19);
              }
              errors++;
            }
          } else {
            const err20 = {
              instancePath: instancePath + "/https/url",
              schemaPath: "#/$defs/HttpsChannel/properties/url/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err20];
            } else {
              vErrors.push(err20);
            }
            errors++;
          }
        }
        if (data13.method !== undefined) {
          let data15 = data13.method;
          if (typeof data15 === "string") {
            if (!documentPattern7.test(data15)) {
              const err21 = {
                instancePath: instancePath + "/https/method",
                schemaPath: "#/$defs/HttpsChannel/properties/method/pattern",
                keyword: "pattern",
                params: { pattern: "^[A-Za-z]{1,20}$" },
              };
              if (vErrors === null) {
                vErrors = [err21];
              } else {
                vErrors.push(err21);
              }
              errors++;
            }
          } else {
            const err22 = {
              instancePath: instancePath + "/https/method",
              schemaPath: "#/$defs/HttpsChannel/properties/method/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err22];
            } else {
              vErrors.push(err22);
            }
            errors++;
          }
        }
        if (data13.headers !== undefined) {
          let data16 = data13.headers;
          if (data16 && typeof data16 == "object" && !Array.isArray(data16)) {
            for (const key1 in data16) {
              if (typeof data16[key1] !== "string") {
                const err23 = {
                  instancePath: instancePath + "/https/headers/" + key1.replace(/~/g, "~0").replace(/\//g, "~1"),
                  schemaPath: "#/$defs/HttpsChannel/properties/headers/additionalProperties/type",
                  keyword: "type",
                  params: { type: "string" },
                };
                if (vErrors === null) {
                  vErrors = [err23];
                } else {
                  vErrors.push(err23);
                }
                errors++;
              }
            }
          } else {
            const err24 = {
              instancePath: instancePath + "/https/headers",
              schemaPath: "#/$defs/HttpsChannel/properties/headers/type",
              keyword: "type",
              params: { type: "object" },
            };
            if (vErrors === null) {
              vErrors = [err24];
            } else {
              vErrors.push(err24);
            }
            errors++;
          }
        }
        if (data13.timeout !== undefined) {
          let data18 = data13.timeout;
          if (typeof data18 == "number" && isFinite(data18)) {
            if (data18 <= 0 || isNaN(data18)) {
              const err25 = {
                instancePath: instancePath + "/https/timeout",
                schemaPath: "#/$defs/HttpsChannel/properties/timeout/exclusiveMinimum",
                keyword: "exclusiveMinimum",
                params: { comparison: ">", limit: 0 },
              };
              if (vErrors === null) {
                vErrors = [err25];
              } else {
                vErrors.push(err25);
              }
              errors++;
            }
          } else {
            const err26 = {
              instancePath: instancePath + "/https/timeout",
              schemaPath: "#/$defs/HttpsChannel/properties/timeout/type",
              keyword: "type",
              params: { type: "number" },
            };
            if (vErrors === null) {
              vErrors = [err26];
            } else {
              vErrors.push(err26);
            }
            errors++;
          }
        }
        if (data13.verify !== undefined) {
          if (typeof data13.verify !== "boolean") {
            const err27 = {
              instancePath: instancePath + "/https/verify",
              schemaPath: "#/$defs/HttpsChannel/properties/verify/type",
              keyword: "type",
              params: { type: "boolean" },
            };
            if (vErrors === null) {
              vErrors = [err27];
            } else {
              vErrors.push(err27);
            }
            errors++;
          }
        }
      } else {
        const err28 = {
          instancePath: instancePath + "/https",
          schemaPath: "#/$defs/HttpsChannel/type",
          keyword: "type",
          params: { type: "object" },
        };
        if (vErrors === null) {
          vErrors = [err28];
        } else {
          vErrors.push(err28);
        }
        errors++;
      }
    }
  } else {
    const err29 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err29];
    } else {
      vErrors.push(err29);
    }
    errors++;
  }
  documentValidate20.errors = vErrors;
  return errors === 0;
}
documentValidate20.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link RootManifest}. */
export const validateRootManifest: SchemaValidator<RootManifest> = documentValidate21;
const documentSchema34 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///ota-manifest.schema.json",
  type: "object",
  required: ["schema_version", "product", "versions"],
  properties: {
    $schema: { type: "string" },
    schema_version: { const: 1 },
    documentation: { type: "string" },
    product: { $ref: "#/$defs/Product" },
    deployment: { $ref: "#/$defs/Deployment" },
    versions: { type: "array", items: { $ref: "#/$defs/VersionEntry" } },
  },
  additionalProperties: true,
  $defs: {
    Product: {
      type: "object",
      properties: { name: { type: "string", minLength: 1 }, hardware: { type: "string" } },
      additionalProperties: true,
    },
    Deployment: {
      type: "object",
      properties: {
        channels: { $ref: "ota-channels.schema.json" },
        default_protocols: { type: "array", items: { type: "string", minLength: 1 } },
      },
      additionalProperties: true,
    },
    VersionEntry: {
      type: "object",
      required: ["id", "manifest"],
      properties: {
        id: { type: "string", minLength: 1 },
        manifest: { type: "string", minLength: 1 },
        label: { type: "string" },
      },
      additionalProperties: true,
    },
  },
};
const documentSchema35 = {
  type: "object",
  properties: { name: { type: "string", minLength: 1 }, hardware: { type: "string" } },
  additionalProperties: true,
};
const documentSchema37 = {
  type: "object",
  required: ["id", "manifest"],
  properties: {
    id: { type: "string", minLength: 1 },
    manifest: { type: "string", minLength: 1 },
    label: { type: "string" },
  },
  additionalProperties: true,
};
const documentSchema36 = {
  type: "object",
  properties: {
    channels: { $ref: "ota-channels.schema.json" },
    default_protocols: { type: "array", items: { type: "string", minLength: 1 } },
  },
  additionalProperties: true,
};
function documentValidate22(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = documentValidate22.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (data && typeof data == "object" && !Array.isArray(data)) {
    if (data.channels !== undefined) {
      if (
        !documentValidate20(data.channels, {
          instancePath: instancePath + "/channels",
          parentData: data,
          parentDataProperty: "channels",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? documentValidate20.errors : vErrors.concat(documentValidate20.errors);
        errors = vErrors.length;
      }
    }
    if (data.default_protocols !== undefined) {
      let data1 = data.default_protocols;
      if (Array.isArray(data1)) {
        const len0 = data1.length;
        for (let i0 = 0; i0 < len0; i0++) {
          let data2 = data1[i0];
          if (typeof data2 === "string") {
            if (data2.length < 1) {
              const err0 = {
                instancePath: instancePath + "/default_protocols/" + i0,
                schemaPath: "#/properties/default_protocols/items/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err0];
              } else {
                vErrors.push(err0);
              }
              errors++;
            }
          } else {
            const err1 = {
              instancePath: instancePath + "/default_protocols/" + i0,
              schemaPath: "#/properties/default_protocols/items/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err1];
            } else {
              vErrors.push(err1);
            }
            errors++;
          }
        }
      } else {
        const err2 = {
          instancePath: instancePath + "/default_protocols",
          schemaPath: "#/properties/default_protocols/type",
          keyword: "type",
          params: { type: "array" },
        };
        if (vErrors === null) {
          vErrors = [err2];
        } else {
          vErrors.push(err2);
        }
        errors++;
      }
    }
  } else {
    const err3 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err3];
    } else {
      vErrors.push(err3);
    }
    errors++;
  }
  documentValidate22.errors = vErrors;
  return errors === 0;
}
documentValidate22.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
function documentValidate21(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///ota-manifest.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = documentValidate21.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (data && typeof data == "object" && !Array.isArray(data)) {
    if (data.schema_version === undefined) {
      const err0 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "schema_version" },
      };
      if (vErrors === null) {
        vErrors = [err0];
      } else {
        vErrors.push(err0);
      }
      errors++;
    }
    if (data.product === undefined) {
      const err1 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "product" },
      };
      if (vErrors === null) {
        vErrors = [err1];
      } else {
        vErrors.push(err1);
      }
      errors++;
    }
    if (data.versions === undefined) {
      const err2 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "versions" },
      };
      if (vErrors === null) {
        vErrors = [err2];
      } else {
        vErrors.push(err2);
      }
      errors++;
    }
    if (data.$schema !== undefined) {
      if (typeof data.$schema !== "string") {
        const err3 = {
          instancePath: instancePath + "/$schema",
          schemaPath: "#/properties/%24schema/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err3];
        } else {
          vErrors.push(err3);
        }
        errors++;
      }
    }
    if (data.schema_version !== undefined) {
      if (1 !== data.schema_version) {
        const err4 = {
          instancePath: instancePath + "/schema_version",
          schemaPath: "#/properties/schema_version/const",
          keyword: "const",
          params: { allowedValue: 1 },
        };
        if (vErrors === null) {
          vErrors = [err4];
        } else {
          vErrors.push(err4);
        }
        errors++;
      }
    }
    if (data.documentation !== undefined) {
      if (typeof data.documentation !== "string") {
        const err5 = {
          instancePath: instancePath + "/documentation",
          schemaPath: "#/properties/documentation/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err5];
        } else {
          vErrors.push(err5);
        }
        errors++;
      }
    }
    if (data.product !== undefined) {
      let data3 = data.product;
      if (data3 && typeof data3 == "object" && !Array.isArray(data3)) {
        if (data3.name !== undefined) {
          let data4 = data3.name;
          if (typeof data4 === "string") {
            if (data4.length < 1) {
              const err6 = {
                instancePath: instancePath + "/product/name",
                schemaPath: "#/$defs/Product/properties/name/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err6];
              } else {
                vErrors.push(err6);
              }
              errors++;
            }
          } else {
            const err7 = {
              instancePath: instancePath + "/product/name",
              schemaPath: "#/$defs/Product/properties/name/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err7];
            } else {
              vErrors.push(err7);
            }
            errors++;
          }
        }
        if (data3.hardware !== undefined) {
          if (typeof data3.hardware !== "string") {
            const err8 = {
              instancePath: instancePath + "/product/hardware",
              schemaPath: "#/$defs/Product/properties/hardware/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err8];
            } else {
              vErrors.push(err8);
            }
            errors++;
          }
        }
      } else {
        const err9 = {
          instancePath: instancePath + "/product",
          schemaPath: "#/$defs/Product/type",
          keyword: "type",
          params: { type: "object" },
        };
        if (vErrors === null) {
          vErrors = [err9];
        } else {
          vErrors.push(err9);
        }
        errors++;
      }
    }
    if (data.deployment !== undefined) {
      if (
        !documentValidate22(data.deployment, {
          instancePath: instancePath + "/deployment",
          parentData: data,
          parentDataProperty: "deployment",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? documentValidate22.errors : vErrors.concat(documentValidate22.errors);
        errors = vErrors.length;
      }
    }
    if (data.versions !== undefined) {
      let data7 = data.versions;
      if (Array.isArray(data7)) {
        const len0 = data7.length;
        for (let i0 = 0; i0 < len0; i0++) {
          let data8 = data7[i0];
          if (data8 && typeof data8 == "object" && !Array.isArray(data8)) {
            if (data8.id === undefined) {
              const err10 = {
                instancePath: instancePath + "/versions/" + i0,
                schemaPath: "#/$defs/VersionEntry/required",
                keyword: "required",
                params: { missingProperty: "id" },
              };
              if (vErrors === null) {
                vErrors = [err10];
              } else {
                vErrors.push(err10);
              }
              errors++;
            }
            if (data8.manifest === undefined) {
              const err11 = {
                instancePath: instancePath + "/versions/" + i0,
                schemaPath: "#/$defs/VersionEntry/required",
                keyword: "required",
                params: { missingProperty: "manifest" },
              };
              if (vErrors === null) {
                vErrors = [err11];
              } else {
                vErrors.push(err11);
              }
              errors++;
            }
            if (data8.id !== undefined) {
              let data9 = data8.id;
              if (typeof data9 === "string") {
                if (data9.length < 1) {
                  const err12 = {
                    instancePath: instancePath + "/versions/" + i0 + "/id",
                    schemaPath: "#/$defs/VersionEntry/properties/id/minLength",
                    keyword: "minLength",
                    params: { limit: 1 },
                  };
                  if (vErrors === null) {
                    vErrors = [err12];
                  } else {
                    vErrors.push(err12);
                  }
                  errors++;
                }
              } else {
                const err13 = {
                  instancePath: instancePath + "/versions/" + i0 + "/id",
                  schemaPath: "#/$defs/VersionEntry/properties/id/type",
                  keyword: "type",
                  params: { type: "string" },
                };
                if (vErrors === null) {
                  vErrors = [err13];
                } else {
                  vErrors.push(err13);
                }
                errors++;
              }
            }
            if (data8.manifest !== undefined) {
              let data10 = data8.manifest;
              if (typeof data10 === "string") {
                if (data10.length < 1) {
                  const err14 = {
                    instancePath: instancePath + "/versions/" + i0 + "/manifest",
                    schemaPath: "#/$defs/VersionEntry/properties/manifest/minLength",
                    keyword: "minLength",
                    params: { limit: 1 },
                  };
                  if (vErrors === null) {
                    vErrors = [err14];
                  } else {
                    vErrors.push(err14);
                  }
                  errors++;
                }
              } else {
                const err15 = {
                  instancePath: instancePath + "/versions/" + i0 + "/manifest",
                  schemaPath: "#/$defs/VersionEntry/properties/manifest/type",
                  keyword: "type",
                  params: { type: "string" },
                };
                if (vErrors === null) {
                  vErrors = [err15];
                } else {
                  vErrors.push(err15);
                }
                errors++;
              }
            }
            if (data8.label !== undefined) {
              if (typeof data8.label !== "string") {
                const err16 = {
                  instancePath: instancePath + "/versions/" + i0 + "/label",
                  schemaPath: "#/$defs/VersionEntry/properties/label/type",
                  keyword: "type",
                  params: { type: "string" },
                };
                if (vErrors === null) {
                  vErrors = [err16];
                } else {
                  vErrors.push(err16);
                }
                errors++;
              }
            }
          } else {
            const err17 = {
              instancePath: instancePath + "/versions/" + i0,
              schemaPath: "#/$defs/VersionEntry/type",
              keyword: "type",
              params: { type: "object" },
            };
            if (vErrors === null) {
              vErrors = [err17];
            } else {
              vErrors.push(err17);
            }
            errors++;
          }
        }
      } else {
        const err18 = {
          instancePath: instancePath + "/versions",
          schemaPath: "#/properties/versions/type",
          keyword: "type",
          params: { type: "array" },
        };
        if (vErrors === null) {
          vErrors = [err18];
        } else {
          vErrors.push(err18);
        }
        errors++;
      }
    }
  } else {
    const err19 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err19];
    } else {
      vErrors.push(err19);
    }
    errors++;
  }
  documentValidate21.errors = vErrors;
  return errors === 0;
}
documentValidate21.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link VersionManifest}. */
export const validateVersionManifest: SchemaValidator<VersionManifest> = documentValidate25;
const documentSchema38 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///ota-version.schema.json",
  type: "object",
  required: ["version", "artifacts"],
  properties: {
    $schema: { type: "string" },
    version: { type: "string", minLength: 1 },
    created_at: {
      type: "string",
      pattern:
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$",
    },
    base_path: { type: "string" },
    channels: { $ref: "ota-channels.schema.json" },
    artifacts: { type: "array", minItems: 1, items: { $ref: "#/$defs/Artifact" } },
  },
  additionalProperties: true,
  $defs: {
    Artifact: {
      type: "object",
      required: ["name", "filename", "size", "sha256"],
      properties: {
        name: { type: "string", minLength: 1 },
        filename: { type: "string", minLength: 1 },
        size: { type: "integer", minimum: 0 },
        sha256: { type: "string", pattern: "^[0-9a-fA-F]{64}$" },
        protocols: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
        channels: { $ref: "ota-channels.schema.json" },
      },
      additionalProperties: true,
    },
  },
};
const documentPattern8 = new RegExp(
  "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$",
  "u",
);
const documentSchema39 = {
  type: "object",
  required: ["name", "filename", "size", "sha256"],
  properties: {
    name: { type: "string", minLength: 1 },
    filename: { type: "string", minLength: 1 },
    size: { type: "integer", minimum: 0 },
    sha256: { type: "string", pattern: "^[0-9a-fA-F]{64}$" },
    protocols: { type: "array", minItems: 1, items: { type: "string", minLength: 1 } },
    channels: { $ref: "ota-channels.schema.json" },
  },
  additionalProperties: true,
};
const documentPattern9 = new RegExp("^[0-9a-fA-F]{64}$", "u");
function documentValidate27(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = documentValidate27.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (data && typeof data == "object" && !Array.isArray(data)) {
    if (data.name === undefined) {
      const err0 = { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: "name" } };
      if (vErrors === null) {
        vErrors = [err0];
      } else {
        vErrors.push(err0);
      }
      errors++;
    }
    if (data.filename === undefined) {
      const err1 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "filename" },
      };
      if (vErrors === null) {
        vErrors = [err1];
      } else {
        vErrors.push(err1);
      }
      errors++;
    }
    if (data.size === undefined) {
      const err2 = { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: "size" } };
      if (vErrors === null) {
        vErrors = [err2];
      } else {
        vErrors.push(err2);
      }
      errors++;
    }
    if (data.sha256 === undefined) {
      const err3 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "sha256" },
      };
      if (vErrors === null) {
        vErrors = [err3];
      } else {
        vErrors.push(err3);
      }
      errors++;
    }
    if (data.name !== undefined) {
      let data0 = data.name;
      if (typeof data0 === "string") {
        if (data0.length < 1) {
          const err4 = {
            instancePath: instancePath + "/name",
            schemaPath: "#/properties/name/minLength",
            keyword: "minLength",
            params: { limit: 1 },
          };
          if (vErrors === null) {
            vErrors = [err4];
          } else {
            vErrors.push(err4);
          }
          errors++;
        }
      } else {
        const err5 = {
          instancePath: instancePath + "/name",
          schemaPath: "#/properties/name/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err5];
        } else {
          vErrors.push(err5);
        }
        errors++;
      }
    }
    if (data.filename !== undefined) {
      let data1 = data.filename;
      if (typeof data1 === "string") {
        if (data1.length < 1) {
          const err6 = {
            instancePath: instancePath + "/filename",
            schemaPath: "#/properties/filename/minLength",
            keyword: "minLength",
            params: { limit: 1 },
          };
          if (vErrors === null) {
            vErrors = [err6];
          } else {
            vErrors.push(err6);
          }
          errors++;
        }
      } else {
        const err7 = {
          instancePath: instancePath + "/filename",
          schemaPath: "#/properties/filename/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err7];
        } else {
          vErrors.push(err7);
        }
        errors++;
      }
    }
    if (data.size !== undefined) {
      let data2 = data.size;
      if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
        const err8 = {
          instancePath: instancePath + "/size",
          schemaPath: "#/properties/size/type",
          keyword: "type",
          params: { type: "integer" },
        };
        if (vErrors === null) {
          vErrors = [err8];
        } else {
          vErrors.push(err8);
        }
        errors++;
      }
      if (typeof data2 == "number" && isFinite(data2)) {
        if (data2 < 0 || isNaN(data2)) {
          const err9 = {
            instancePath: instancePath + "/size",
            schemaPath: "#/properties/size/minimum",
            keyword: "minimum",
            params: { comparison: ">=", limit: 0 },
          };
          if (vErrors === null) {
            vErrors = [err9];
          } else {
            vErrors.push(err9);
          }
          errors++;
        }
      }
    }
    if (data.sha256 !== undefined) {
      let data3 = data.sha256;
      if (typeof data3 === "string") {
        if (!documentPattern9.test(data3)) {
          const err10 = {
            instancePath: instancePath + "/sha256",
            schemaPath: "#/properties/sha256/pattern",
            keyword: "pattern",
            params: { pattern: "^[0-9a-fA-F]{64}$" },
          };
          if (vErrors === null) {
            vErrors = [err10];
          } else {
            vErrors.push(err10);
          }
          errors++;
        }
      } else {
        const err11 = {
          instancePath: instancePath + "/sha256",
          schemaPath: "#/properties/sha256/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err11];
        } else {
          vErrors.push(err11);
        }
        errors++;
      }
    }
    if (data.protocols !== undefined) {
      let data4 = data.protocols;
      if (Array.isArray(data4)) {
        if (data4.length < 1) {
          const err12 = {
            instancePath: instancePath + "/protocols",
            schemaPath: "#/properties/protocols/minItems",
            keyword: "minItems",
            params: { limit: 1 },
          };
          if (vErrors === null) {
            vErrors = [err12];
          } else {
            vErrors.push(err12);
          }
          errors++;
        }
        const len0 = data4.length;
        for (let i0 = 0; i0 < len0; i0++) {
          let data5 = data4[i0];
          if (typeof data5 === "string") {
            if (data5.length < 1) {
              const err13 = {
                instancePath: instancePath + "/protocols/" + i0,
                schemaPath: "#/properties/protocols/items/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err13];
              } else {
                vErrors.push(err13);
              }
              errors++;
            }
          } else {
            const err14 = {
              instancePath: instancePath + "/protocols/" + i0,
              schemaPath: "#/properties/protocols/items/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err14];
            } else {
              vErrors.push(err14);
            }
            errors++;
          }
        }
      } else {
        const err15 = {
          instancePath: instancePath + "/protocols",
          schemaPath: "#/properties/protocols/type",
          keyword: "type",
          params: { type: "array" },
        };
        if (vErrors === null) {
          vErrors = [err15];
        } else {
          vErrors.push(err15);
        }
        errors++;
      }
    }
    if (data.channels !== undefined) {
      if (
        !documentValidate20(data.channels, {
          instancePath: instancePath + "/channels",
          parentData: data,
          parentDataProperty: "channels",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? documentValidate20.errors : vErrors.concat(documentValidate20.errors);
        errors = vErrors.length;
      }
    }
  } else {
    const err16 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err16];
    } else {
      vErrors.push(err16);
    }
    errors++;
  }
  documentValidate27.errors = vErrors;
  return errors === 0;
}
documentValidate27.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
function documentValidate25(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///ota-version.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = documentValidate25.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (data && typeof data == "object" && !Array.isArray(data)) {
    if (data.version === undefined) {
      const err0 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "version" },
      };
      if (vErrors === null) {
        vErrors = [err0];
      } else {
        vErrors.push(err0);
      }
      errors++;
    }
    if (data.artifacts === undefined) {
      const err1 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "artifacts" },
      };
      if (vErrors === null) {
        vErrors = [err1];
      } else {
        vErrors.push(err1);
      }
      errors++;
    }
    if (data.$schema !== undefined) {
      if (typeof data.$schema !== "string") {
        const err2 = {
          instancePath: instancePath + "/$schema",
          schemaPath: "#/properties/%24schema/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err2];
        } else {
          vErrors.push(err2);
        }
        errors++;
      }
    }
    if (data.version !== undefined) {
      let data1 = data.version;
      if (typeof data1 === "string") {
        if (data1.length < 1) {
          const err3 = {
            instancePath: instancePath + "/version",
            schemaPath: "#/properties/version/minLength",
            keyword: "minLength",
            params: { limit: 1 },
          };
          if (vErrors === null) {
            vErrors = [err3];
          } else {
            vErrors.push(err3);
          }
          errors++;
        }
      } else {
        const err4 = {
          instancePath: instancePath + "/version",
          schemaPath: "#/properties/version/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err4];
        } else {
          vErrors.push(err4);
        }
        errors++;
      }
    }
    if (data.created_at !== undefined) {
      let data2 = data.created_at;
      if (typeof data2 === "string") {
        if (!documentPattern8.test(data2)) {
          const err5 = {
            instancePath: instancePath + "/created_at",
            schemaPath: "#/properties/created_at/pattern",
            keyword: "pattern",
            params: {
              pattern:
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$",
            },
          };
          if (vErrors === null) {
            vErrors = [err5];
          } else {
            vErrors.push(err5);
          }
          errors++;
        }
      } else {
        const err6 = {
          instancePath: instancePath + "/created_at",
          schemaPath: "#/properties/created_at/type",
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
    if (data.base_path !== undefined) {
      if (typeof data.base_path !== "string") {
        const err7 = {
          instancePath: instancePath + "/base_path",
          schemaPath: "#/properties/base_path/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err7];
        } else {
          vErrors.push(err7);
        }
        errors++;
      }
    }
    if (data.channels !== undefined) {
      if (
        !documentValidate20(data.channels, {
          instancePath: instancePath + "/channels",
          parentData: data,
          parentDataProperty: "channels",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? documentValidate20.errors : vErrors.concat(documentValidate20.errors);
        errors = vErrors.length;
      }
    }
    if (data.artifacts !== undefined) {
      let data5 = data.artifacts;
      if (Array.isArray(data5)) {
        if (data5.length < 1) {
          const err8 = {
            instancePath: instancePath + "/artifacts",
            schemaPath: "#/properties/artifacts/minItems",
            keyword: "minItems",
            params: { limit: 1 },
          };
          if (vErrors === null) {
            vErrors = [err8];
          } else {
            vErrors.push(err8);
          }
          errors++;
        }
        const len0 = data5.length;
        for (let i0 = 0; i0 < len0; i0++) {
          if (
            !documentValidate27(data5[i0], {
              instancePath: instancePath + "/artifacts/" + i0,
              parentData: data5,
              parentDataProperty: i0,
              rootData,
              dynamicAnchors,
            })
          ) {
            vErrors = vErrors === null ? documentValidate27.errors : vErrors.concat(documentValidate27.errors);
            errors = vErrors.length;
          }
        }
      } else {
        const err9 = {
          instancePath: instancePath + "/artifacts",
          schemaPath: "#/properties/artifacts/type",
          keyword: "type",
          params: { type: "array" },
        };
        if (vErrors === null) {
          vErrors = [err9];
        } else {
          vErrors.push(err9);
        }
        errors++;
      }
    }
  } else {
    const err10 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err10];
    } else {
      vErrors.push(err10);
    }
    errors++;
  }
  documentValidate25.errors = vErrors;
  return errors === 0;
}
documentValidate25.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
