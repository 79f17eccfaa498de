// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
// @ts-nocheck
import type { Channels, RootManifest, VersionManifest } from "./types.generated.ts";
import type { SchemaValidator } from "./validator.ts";

/** Whether a value is a {@link Channels}. */
export const validateChannels: SchemaValidator<Channels> = manifestValidate20;
const manifestSchema31 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///ota-channels.schema.json",
  type: "object",
  properties: { mqtt: { $ref: "#/$defs/MqttChannel" }, https: { $ref: "#/$defs/HttpsChannel" } },
  additionalProperties: {},
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
        ca: { type: "string", minLength: 1 },
        cert: { type: "string", minLength: 1 },
        key: { type: "string", minLength: 1 },
        mode: { enum: ["chunked", "blob"] },
        rate: { type: "integer", minimum: 0 },
      },
      additionalProperties: true,
    },
    HttpsChannel: {
      type: "object",
      properties: {
        url: { type: "string", pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$" },
        method: { type: "string", pattern: "^[A-Za-z]{1,20}$|\\$" },
        headers: { type: "object", additionalProperties: { type: "string" } },
        timeout: { type: "number", exclusiveMinimum: 0 },
        verify: { type: "boolean" },
        ca: { type: "string", minLength: 1 },
        cert: { type: "string", minLength: 1 },
        key: { type: "string", minLength: 1 },
        mode: { enum: ["body", "multipart"] },
      },
      additionalProperties: true,
    },
  },
};
const manifestSchema32 = {
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
    ca: { type: "string", minLength: 1 },
    cert: { type: "string", minLength: 1 },
    key: { type: "string", minLength: 1 },
    mode: { enum: ["chunked", "blob"] },
    rate: { type: "integer", minimum: 0 },
  },
  additionalProperties: true,
};
const manifestSchema33 = {
  type: "object",
  properties: {
    url: { type: "string", pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$" },
    method: { type: "string", pattern: "^[A-Za-z]{1,20}$|\\$" },
    headers: { type: "object", additionalProperties: { type: "string" } },
    timeout: { type: "number", exclusiveMinimum: 0 },
    verify: { type: "boolean" },
    ca: { type: "string", minLength: 1 },
    cert: { type: "string", minLength: 1 },
    key: { type: "string", minLength: 1 },
    mode: { enum: ["body", "multipart"] },
  },
  additionalProperties: true,
};
const manifestPattern4 = new RegExp("^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$", "u");
const manifestPattern5 = new RegExp("^[^+#\\u0000]+$", "u");
const manifestPattern6 = new RegExp("^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$", "u");
const manifestPattern7 = new RegExp("^[A-Za-z]{1,20}$|\\$", "u");
function manifestValidate20(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///ota-channels.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = manifestValidate20.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (data && typeof data == "object" && !Array.isArray(data)) {
    if (data.mqtt !== undefined) {
      let data0 = data.mqtt;
      if (data0 && typeof data0 == "object" && !Array.isArray(data0)) {
        if (data0.broker !== undefined) {
          let data1 = data0.broker;
          if (typeof data1 === "string") {
            if (!manifestPattern4.test(data1)) {
              const err0 = {
                instancePath: instancePath + "/mqtt/broker",
                schemaPath: "#/$defs/MqttChannel/properties/broker/pattern",
                keyword: "pattern",
                params: { pattern: "^(?:[Mm][Qq][Tt][Tt][Ss]?|[Ww][Ss][Ss]?)://[^/]|\\$" },
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
              instancePath: instancePath + "/mqtt/broker",
              schemaPath: "#/$defs/MqttChannel/properties/broker/type",
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
        if (data0.topic !== undefined) {
          let data2 = data0.topic;
          if (typeof data2 === "string") {
            if (!manifestPattern5.test(data2)) {
              const err2 = {
                instancePath: instancePath + "/mqtt/topic",
                schemaPath: "#/$defs/MqttChannel/properties/topic/pattern",
                keyword: "pattern",
                params: { pattern: "^[^+#\\u0000]+$" },
              };
              if (vErrors === null) {
                vErrors = [err2];
              } else {
                vErrors.push(err2);
              }
              errors++;
            }
          } else {
            const err3 = {
              instancePath: instancePath + "/mqtt/topic",
              schemaPath: "#/$defs/MqttChannel/properties/topic/type",
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
        if (data0.qos !== undefined) {
          let data3 = data0.qos;
          if (!(data3 === 0 || data3 === 1 || data3 === 2)) {
            const err4 = {
              instancePath: instancePath + "/mqtt/qos",
              schemaPath: "#/$defs/MqttChannel/properties/qos/enum",
              keyword: "enum",
              params: { allowedValues: manifestSchema32.properties.qos.enum },
            };
            if (vErrors === null) {
              vErrors = [err4];
            } else {
              vErrors.push(err4);
            }
            errors++;
          }
        }
        if (data0.retain !== undefined) {
          if (typeof data0.retain !== "boolean") {
            const err5 = {
              instancePath: instancePath + "/mqtt/retain",
              schemaPath: "#/$defs/MqttChannel/properties/retain/type",
              keyword: "type",
              params: { type: "boolean" },
            };
            if (vErrors === null) {
              vErrors = [err5];
            } else {
              vErrors.push(err5);
            }
            errors++;
          }
        }
        if (data0.client_id !== undefined) {
          let data5 = data0.client_id;
          if (typeof data5 === "string") {
            if (data5.length < 1) {
              const err6 = {
                instancePath: instancePath + "/mqtt/client_id",
                schemaPath: "#/$defs/MqttChannel/properties/client_id/minLength",
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
              instancePath: instancePath + "/mqtt/client_id",
              schemaPath: "#/$defs/MqttChannel/properties/client_id/type",
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
        if (data0.keepalive !== undefined) {
          let data6 = data0.keepalive;
          if (!(typeof data6 == "number" && !(data6 % 1) && !isNaN(data6) && isFinite(data6))) {
            const err8 = {
              instancePath: instancePath + "/mqtt/keepalive",
              schemaPath: "#/$defs/MqttChannel/properties/keepalive/type",
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
          if (typeof data6 == "number" && isFinite(data6)) {
            if (data6 > 65535 || isNaN(data6)) {
              const err9 = {
                instancePath: instancePath + "/mqtt/keepalive",
                schemaPath: "#/$defs/MqttChannel/properties/keepalive/maximum",
                keyword: "maximum",
                params: { comparison: "<=", limit: 65535 },
              };
              if (vErrors === null) {
                vErrors = [err9];
              } else {
                vErrors.push(err9);
              }
              errors++;
            }
            if (data6 < 0 || isNaN(data6)) {
              const err10 = {
                instancePath: instancePath + "/mqtt/keepalive",
                schemaPath: "#/$defs/MqttChannel/properties/keepalive/minimum",
                keyword: "minimum",
                params: { comparison: ">=", limit: 0 },
              };
              if (vErrors === null) {
                vErrors = [err10];
              } else {
                vErrors.push(err10);
              }
              errors++;
            }
          }
        }
        if (data0.username !== undefined) {
          if (typeof data0.username !== "string") {
            const err11 = {
              instancePath: instancePath + "/mqtt/username",
              schemaPath: "#/$defs/MqttChannel/properties/username/type",
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
        if (data0.password !== undefined) {
          if (typeof data0.password !== "string") {
            const err12 = {
              instancePath: instancePath + "/mqtt/password",
              schemaPath: "#/$defs/MqttChannel/properties/password/type",
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
        if (data0.insecure !== undefined) {
          if (typeof data0.insecure !== "boolean") {
            const err13 = {
              instancePath: instancePath + "/mqtt/insecure",
              schemaPath: "#/$defs/MqttChannel/properties/insecure/type",
              keyword: "type",
              params: { type: "boolean" },
            };
            if (vErrors === null) {
              vErrors = [err13];
            } else {
              vErrors.push(err13);
            }
            errors++;
          }
        }
        if (data0.ca !== undefined) {
          let data10 = data0.ca;
          if (typeof data10 === "string") {
            if (data10.length < 1) {
              const err14 = {
                instancePath: instancePath + "/mqtt/ca",
                schemaPath: "#/$defs/MqttChannel/properties/ca/minLength",
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
              instancePath: instancePath + "/mqtt/ca",
              schemaPath: "#/$defs/MqttChannel/properties/ca/type",
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
        if (data0.cert !== undefined) {
          let data11 = data0.cert;
          if (typeof data11 === "string") {
            if (data11.length < 1) {
              const err16 = {
                instancePath: instancePath + "/mqtt/cert",
                schemaPath: "#/$defs/MqttChannel/properties/cert/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err16];
              } else {
                vErrors.push(err16);
              }
              errors++;
            }
          } else {
            const err17 = {
              instancePath: instancePath + "/mqtt/cert",
              schemaPath: "#/$defs/MqttChannel/properties/cert/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err17];
            } else {
              vErrors.push(err17);
            }
            errors++;
          }
        }
        if (data0.key !== undefined) {
          let data12 = data0.key;
          if (typeof data12 === "string") {
            if (data12.length < 1) {
              const err18 = {
                instancePath: instancePath + "/mqtt/key",
                schemaPath: "#/$defs/MqttChannel/properties/key/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err18];
              } else {
                vErrors.push(err18);
              }
              errors++;
            }
          } else {
            const err19 = {
              instancePath: instancePath + "/mqtt/key",
              schemaPath: "#/$defs/MqttChannel/properties/key/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err19];
            } else {
              vErrors.push(err19);
            }
            errors++;
          }
        }
        if (data0.mode !== undefined) {
          let data13 = data0.mode;
          if (!(data13 === "chunked" || data13 === "blob")) {
            const err20 = {
              instancePath: instancePath + "/mqtt/mode",
              schemaPath: "#/$defs/MqttChannel/properties/mode/enum",
              keyword: "enum",
              params: { allowedValues: manifestSchema32.properties.mode.enum },
            };
            if (vErrors === null) {
              vErrors = [err20];
            } else {
              vErrors.push(err20);
            }
            errors++;
          }
        }
        if (data0.rate !== undefined) {
          let data14 = data0.rate;
          if (!(typeof data14 == "number" && !(data14 % 1) && !isNaN(data14) && isFinite(data14))) {
            const err21 = {
              instancePath: instancePath + "/mqtt/rate",
              schemaPath: "#/$defs/MqttChannel/properties/rate/type",
              keyword: "type",
              params: { type: "integer" },
            };
            if (vErrors === null) {
              vErrors = [err21];
            } else {
              vErrors.push(err21);
            }
            errors++;
          }
          if (typeof data14 == "number" && isFinite(data14)) {
            if (data14 < 0 || isNaN(data14)) {
              const err22 = {
                instancePath: instancePath + "/mqtt/rate",
                schemaPath: "#/$defs/MqttChannel/properties/rate/minimum",
                keyword: "minimum",
                params: { comparison: ">=", limit: 0 },
              };
              if (vErrors === null) {
                vErrors = [err22];
              } else {
                vErrors.push(err22);
              }
              errors++;
            }
          }
        }
      } else {
        const err23 = {
          instancePath: instancePath + "/mqtt",
          schemaPath: "#/$defs/MqttChannel/type",
          keyword: "type",
          params: { type: "object" },
        };
        if (vErrors === null) {
          vErrors = [err23];
        } else {
          vErrors.push(err23);
        }
        errors++;
      }
    }
    if (data.https !== undefined) {
      let data15 = data.https;
      if (data15 && typeof data15 == "object" && !Array.isArray(data15)) {
        if (data15.url !== undefined) {
          let data16 = data15.url;
          if (typeof data16 === "string") {
            if (!manifestPattern6.test(data16)) {
              const err24 = {
                instancePath: instancePath + "/https/url",
                schemaPath: "#/$defs/HttpsChannel/properties/url/pattern",
                keyword: "pattern",
                params: { pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^/]|\\$" },
              };
              if (vErrors === null) {
                vErrors = [err24];
              } else {
                vErrors.push(err24);
              }
              errors++;
            }
          } else {
            const err25 = {
              instancePath: instancePath + "/https/url",
              schemaPath: "#/$defs/HttpsChannel/properties/url/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err25];
            } else {
              vErrors.push(err25);
            }
            errors++;
          }
        }
        if (data15.method !== undefined) {
          let data17 = data15.method;
          if (typeof data17 === "string") {
            if (!manifestPattern7.test(data17)) {
              const err26 = {
                instancePath: instancePath + "/https/method",
                schemaPath: "#/$defs/HttpsChannel/properties/method/pattern",
                keyword: "pattern",
                params: { pattern: "^[A-Za-z]{1,20}$|\\$" },
              };
              if (vErrors === null) {
                vErrors = [err26];
              } else {
                vErrors.push(err26);
              }
              errors++;
            }
          } else {
            const err27 = {
              instancePath: instancePath + "/https/method",
              schemaPath: "#/$defs/HttpsChannel/properties/method/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err27];
            } else {
              vErrors.push(err27);
            }
            errors++;
          }
        }
        if (data15.headers !== undefined) {
          let data18 = data15.headers;
          if (data18 && typeof data18 == "object" && !Array.isArray(data18)) {
            for (const key0 in data18) {
              if (typeof data18[key0] !== "string") {
                const err28 = {
                  instancePath: instancePath + "/https/headers/" + key0.replace(/~/g, "~0").replace(/\//g, "~1"),
                  schemaPath: "#/$defs/HttpsChannel/properties/headers/additionalProperties/type",
                  keyword: "type",
                  params: { type: "string" },
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
            const err29 = {
              instancePath: instancePath + "/https/headers",
              schemaPath: "#/$defs/HttpsChannel/properties/headers/type",
              keyword: "type",
              params: { type: "object" },
            };
            if (vErrors === null) {
              vErrors = [err29];
            } else {
              vErrors.push(err29);
            }
            errors++;
          }
        }
        if (data15.timeout !== undefined) {
          let data20 = data15.timeout;
          if (typeof data20 == "number" && isFinite(data20)) {
            if (data20 <= 0 || isNaN(data20)) {
              const err30 = {
                instancePath: instancePath + "/https/timeout",
                schemaPath: "#/$defs/HttpsChannel/properties/timeout/exclusiveMinimum",
                keyword: "exclusiveMinimum",
                params: { comparison: ">", limit: 0 },
              };
              if (vErrors === null) {
                vErrors = [err30];
              } else {
                vErrors.push(err30);
              }
              errors++;
            }
          } else {
            const err31 = {
              instancePath: instancePath + "/https/timeout",
              schemaPath: "#/$defs/HttpsChannel/properties/timeout/type",
              keyword: "type",
              params: { type: "number" },
            };
            if (vErrors === null) {
              vErrors = [err31];
            } else {
              vErrors.push(err31);
            }
            errors++;
          }
        }
        if (data15.verify !== undefined) {
          if (typeof data15.verify !== "boolean") {
            const err32 = {
              instancePath: instancePath + "/https/verify",
              schemaPath: "#/$defs/HttpsChannel/properties/verify/type",
              keyword: "type",
              params: { type: "boolean" },
            };
            if (vErrors === null) {
              vErrors = [err32];
            } else {
              vErrors.push(err32);
            }
            errors++;
          }
        }
        if (data15.ca !== undefined) {
          let data22 = data15.ca;
          if (typeof data22 === "string") {
            if (data22.length < 1) {
              const err33 = {
                instancePath: instancePath + "/https/ca",
                schemaPath: "#/$defs/HttpsChannel/properties/ca/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err33];
              } else {
                vErrors.push(err33);
              }
              errors++;
            }
          } else {
            const err34 = {
              instancePath: instancePath + "/https/ca",
              schemaPath: "#/$defs/HttpsChannel/properties/ca/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err34];
            } else {
              vErrors.push(err34);
            }
            errors++;
          }
        }
        if (data15.cert !== undefined) {
          let data23 = data15.cert;
          if (typeof data23 === "string") {
            if (data23.length < 1) {
              const err35 = {
                instancePath: instancePath + "/https/cert",
                schemaPath: "#/$defs/HttpsChannel/properties/cert/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err35];
              } else {
                vErrors.push(err35);
              }
              errors++;
            }
          } else {
            const err36 = {
              instancePath: instancePath + "/https/cert",
              schemaPath: "#/$defs/HttpsChannel/properties/cert/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err36];
            } else {
              vErrors.push(err36);
            }
            errors++;
          }
        }
        if (data15.key !== undefined) {
          let data24 = data15.key;
          if (typeof data24 === "string") {
            if (data24.length < 1) {
              const err37 = {
                instancePath: instancePath + "/https/key",
                schemaPath: "#/$defs/HttpsChannel/properties/key/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err37];
              } else {
                vErrors.push(err37);
              }
              errors++;
            }
          } else {
            const err38 = {
              instancePath: instancePath + "/https/key",
              schemaPath: "#/$defs/HttpsChannel/properties/key/type",
              keyword: "type",
              params: { type: "string" },
            };
            if (vErrors === null) {
              vErrors = [err38];
            } else {
              vErrors.push(err38);
            }
            errors++;
          }
        }
        if (data15.mode !== undefined) {
          let data25 = data15.mode;
          if (!(data25 === "body" || data25 === "multipart")) {
            const err39 = {
              instancePath: instancePath + "/https/mode",
              schemaPath: "#/$defs/HttpsChannel/properties/mode/enum",
              keyword: "enum",
              params: { allowedValues: manifestSchema33.properties.mode.enum },
            };
            if (vErrors === null) {
              vErrors = [err39];
            } else {
              vErrors.push(err39);
            }
            errors++;
          }
        }
      } else {
        const err40 = {
          instancePath: instancePath + "/https",
          schemaPath: "#/$defs/HttpsChannel/type",
          keyword: "type",
          params: { type: "object" },
        };
        if (vErrors === null) {
          vErrors = [err40];
        } else {
          vErrors.push(err40);
        }
        errors++;
      }
    }
  } else {
    const err41 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err41];
    } else {
      vErrors.push(err41);
    }
    errors++;
  }
  manifestValidate20.errors = vErrors;
  return errors === 0;
}
manifestValidate20.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link RootManifest}. */
export const validateRootManifest: SchemaValidator<RootManifest> = manifestValidate21;
const manifestSchema34 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///ota-manifest.schema.json",
  type: "object",
  required: ["schema_version", "product", "versions"],
  properties: {
    $schema: {},
    schema_version: { const: 1 },
    documentation: {},
    product: { $ref: "#/$defs/Product" },
    deployment: { $ref: "#/$defs/Deployment" },
    versions: { type: "array", items: { $ref: "#/$defs/VersionEntry" } },
  },
  additionalProperties: true,
  $defs: {
    Product: {
      type: "object",
      properties: {
        name: { type: "string", minLength: 1, maxLength: 128 },
        hardware: { type: "string", minLength: 1, maxLength: 64 },
      },
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
      properties: { id: { type: "string", minLength: 1 }, manifest: { type: "string", minLength: 1 }, label: {} },
      additionalProperties: true,
    },
  },
};
const manifestSchema35 = {
  type: "object",
  properties: {
    name: { type: "string", minLength: 1, maxLength: 128 },
    hardware: { type: "string", minLength: 1, maxLength: 64 },
  },
  additionalProperties: true,
};
const manifestSchema37 = {
  type: "object",
  required: ["id", "manifest"],
  properties: { id: { type: "string", minLength: 1 }, manifest: { type: "string", minLength: 1 }, label: {} },
  additionalProperties: true,
};
const manifestSchema36 = {
  type: "object",
  properties: {
    channels: { $ref: "ota-channels.schema.json" },
    default_protocols: { type: "array", items: { type: "string", minLength: 1 } },
  },
  additionalProperties: true,
};
function manifestValidate22(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = manifestValidate22.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (data && typeof data == "object" && !Array.isArray(data)) {
    if (data.channels !== undefined) {
      if (
        !manifestValidate20(data.channels, {
          instancePath: instancePath + "/channels",
          parentData: data,
          parentDataProperty: "channels",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? manifestValidate20.errors : vErrors.concat(manifestValidate20.errors);
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
  manifestValidate22.errors = vErrors;
  return errors === 0;
}
manifestValidate22.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
function manifestValidate21(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///ota-manifest.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = manifestValidate21.evaluated;
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
    if (data.schema_version !== undefined) {
      if (1 !== data.schema_version) {
        const err3 = {
          instancePath: instancePath + "/schema_version",
          schemaPath: "#/properties/schema_version/const",
          keyword: "const",
          params: { allowedValue: 1 },
        };
        if (vErrors === null) {
          vErrors = [err3];
        } else {
          vErrors.push(err3);
        }
        errors++;
      }
    }
    if (data.product !== undefined) {
      let data1 = data.product;
      if (data1 && typeof data1 == "object" && !Array.isArray(data1)) {
        if (data1.name !== undefined) {
          let data2 = data1.name;
          if (typeof data2 === "string") {
            if (data2.length > 128) {
              const err4 = {
                instancePath: instancePath + "/product/name",
                schemaPath: "#/$defs/Product/properties/name/maxLength",
                keyword: "maxLength",
                params: { limit: 128 },
              };
              if (vErrors === null) {
                vErrors = [err4];
              } else {
                vErrors.push(err4);
              }
              errors++;
            }
            if (data2.length < 1) {
              const err5 = {
                instancePath: instancePath + "/product/name",
                schemaPath: "#/$defs/Product/properties/name/minLength",
                keyword: "minLength",
                params: { limit: 1 },
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
              instancePath: instancePath + "/product/name",
              schemaPath: "#/$defs/Product/properties/name/type",
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
        if (data1.hardware !== undefined) {
          let data3 = data1.hardware;
          if (typeof data3 === "string") {
            if (data3.length > 64) {
              const err7 = {
                instancePath: instancePath + "/product/hardware",
                schemaPath: "#/$defs/Product/properties/hardware/maxLength",
                keyword: "maxLength",
                params: { limit: 64 },
              };
              if (vErrors === null) {
                vErrors = [err7];
              } else {
                vErrors.push(err7);
              }
              errors++;
            }
            if (data3.length < 1) {
              const err8 = {
                instancePath: instancePath + "/product/hardware",
                schemaPath: "#/$defs/Product/properties/hardware/minLength",
                keyword: "minLength",
                params: { limit: 1 },
              };
              if (vErrors === null) {
                vErrors = [err8];
              } else {
                vErrors.push(err8);
              }
              errors++;
            }
          } else {
            const err9 = {
              instancePath: instancePath + "/product/hardware",
              schemaPath: "#/$defs/Product/properties/hardware/type",
              keyword: "type",
              params: { type: "string" },
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
        const err10 = {
          instancePath: instancePath + "/product",
          schemaPath: "#/$defs/Product/type",
          keyword: "type",
          params: { type: "object" },
        };
        if (vErrors === null) {
          vErrors = [err10];
        } else {
          vErrors.push(err10);
        }
        errors++;
      }
    }
    if (data.deployment !== undefined) {
      if (
        !manifestValidate22(data.deployment, {
          instancePath: instancePath + "/deployment",
          parentData: data,
          parentDataProperty: "deployment",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? manifestValidate22.errors : vErrors.concat(manifestValidate22.errors);
        errors = vErrors.length;
      }
    }
    if (data.versions !== undefined) {
      let data5 = data.versions;
      if (Array.isArray(data5)) {
        const len0 = data5.length;
        for (let i0 = 0; i0 < len0; i0++) {
          let data6 = data5[i0];
          if (data6 && typeof data6 == "object" && !Array.isArray(data6)) {
            if (data6.id === undefined) {
              const err11 = {
                instancePath: instancePath + "/versions/" + i0,
                schemaPath: "#/$defs/VersionEntry/required",
                keyword: "required",
                params: { missingProperty: "id" },
              };
              if (vErrors === null) {
                vErrors = [err11];
              } else {
                vErrors.push(err11);
              }
              errors++;
            }
            if (data6.manifest === undefined) {
              const err12 = {
                instancePath: instancePath + "/versions/" + i0,
                schemaPath: "#/$defs/VersionEntry/required",
                keyword: "required",
                params: { missingProperty: "manifest" },
              };
              if (vErrors === null) {
                vErrors = [err12];
              } else {
                vErrors.push(err12);
              }
              errors++;
            }
            if (data6.id !== undefined) {
              let data7 = data6.id;
              if (typeof data7 === "string") {
                if (data7.length < 1) {
                  const err13 = {
                    instancePath: instancePath + "/versions/" + i0 + "/id",
                    schemaPath: "#/$defs/VersionEntry/properties/id/minLength",
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
                  instancePath: instancePath + "/versions/" + i0 + "/id",
                  schemaPath: "#/$defs/VersionEntry/properties/id/type",
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
            if (data6.manifest !== undefined) {
              let data8 = data6.manifest;
              if (typeof data8 === "string") {
                if (data8.length < 1) {
                  const err15 = {
                    instancePath: instancePath + "/versions/" + i0 + "/manifest",
                    schemaPath: "#/$defs/VersionEntry/properties/manifest/minLength",
                    keyword: "minLength",
                    params: { limit: 1 },
                  };
                  if (vErrors === null) {
                    vErrors = [err15];
                  } else {
                    vErrors.push(err15);
                  }
                  errors++;
                }
              } else {
                const err16 = {
                  instancePath: instancePath + "/versions/" + i0 + "/manifest",
                  schemaPath: "#/$defs/VersionEntry/properties/manifest/type",
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
  manifestValidate21.errors = vErrors;
  return errors === 0;
}
manifestValidate21.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
/** Whether a value is a {@link VersionManifest}. */
export const validateVersionManifest: SchemaValidator<VersionManifest> = manifestValidate25;
const manifestSchema38 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///ota-version.schema.json",
  type: "object",
  required: ["version", "artifacts"],
  properties: {
    $schema: {},
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
const manifestPattern8 = new RegExp(
  "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$",
  "u",
);
const manifestSchema39 = {
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
const manifestPattern9 = new RegExp("^[0-9a-fA-F]{64}$", "u");
function manifestValidate27(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = manifestValidate27.evaluated;
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
        if (!manifestPattern9.test(data3)) {
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
        !manifestValidate20(data.channels, {
          instancePath: instancePath + "/channels",
          parentData: data,
          parentDataProperty: "channels",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? manifestValidate20.errors : vErrors.concat(manifestValidate20.errors);
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
  manifestValidate27.errors = vErrors;
  return errors === 0;
}
manifestValidate27.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
function manifestValidate25(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///ota-version.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = manifestValidate25.evaluated;
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
    if (data.version !== undefined) {
      let data0 = data.version;
      if (typeof data0 === "string") {
        if (data0.length < 1) {
          const err2 = {
            instancePath: instancePath + "/version",
            schemaPath: "#/properties/version/minLength",
            keyword: "minLength",
            params: { limit: 1 },
          };
          if (vErrors === null) {
            vErrors = [err2];
          } else {
            vErrors.push(err2);
          }
          errors++;
        }
      } else {
        const err3 = {
          instancePath: instancePath + "/version",
          schemaPath: "#/properties/version/type",
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
    if (data.created_at !== undefined) {
      let data1 = data.created_at;
      if (typeof data1 === "string") {
        if (!manifestPattern8.test(data1)) {
          const err4 = {
            instancePath: instancePath + "/created_at",
            schemaPath: "#/properties/created_at/pattern",
            keyword: "pattern",
            params: {
              pattern:
                "^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\\.[0-9]{1,9})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?$",
            },
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
          instancePath: instancePath + "/created_at",
          schemaPath: "#/properties/created_at/type",
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
    if (data.base_path !== undefined) {
      if (typeof data.base_path !== "string") {
        const err6 = {
          instancePath: instancePath + "/base_path",
          schemaPath: "#/properties/base_path/type",
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
    if (data.channels !== undefined) {
      if (
        !manifestValidate20(data.channels, {
          instancePath: instancePath + "/channels",
          parentData: data,
          parentDataProperty: "channels",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? manifestValidate20.errors : vErrors.concat(manifestValidate20.errors);
        errors = vErrors.length;
      }
    }
    if (data.artifacts !== undefined) {
      let data4 = data.artifacts;
      if (Array.isArray(data4)) {
        if (data4.length < 1) {
          const err7 = {
            instancePath: instancePath + "/artifacts",
            schemaPath: "#/properties/artifacts/minItems",
            keyword: "minItems",
            params: { limit: 1 },
          };
          if (vErrors === null) {
            vErrors = [err7];
          } else {
            vErrors.push(err7);
          }
          errors++;
        }
        const len0 = data4.length;
        for (let i0 = 0; i0 < len0; i0++) {
          if (
            !manifestValidate27(data4[i0], {
              instancePath: instancePath + "/artifacts/" + i0,
              parentData: data4,
              parentDataProperty: i0,
              rootData,
              dynamicAnchors,
            })
          ) {
            vErrors = vErrors === null ? manifestValidate27.errors : vErrors.concat(manifestValidate27.errors);
            errors = vErrors.length;
          }
        }
      } else {
        const err8 = {
          instancePath: instancePath + "/artifacts",
          schemaPath: "#/properties/artifacts/type",
          keyword: "type",
          params: { type: "array" },
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
    const err9 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err9];
    } else {
      vErrors.push(err9);
    }
    errors++;
  }
  manifestValidate25.errors = vErrors;
  return errors === 0;
}
manifestValidate25.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
