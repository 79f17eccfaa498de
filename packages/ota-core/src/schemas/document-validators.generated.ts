// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
// @ts-nocheck
import type { Provisioning } from "./types.generated.ts";
import type { SchemaValidator } from "./validator.ts";

/** Whether a value is a {@link Provisioning}. */
export const validateProvisioning: SchemaValidator<Provisioning> = documentValidate20;
const documentSchema31 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///provisioning.schema.json",
  type: "object",
  required: ["provisioning", "device_id", "broker", "topic", "product"],
  properties: {
    provisioning: { const: 1 },
    device_id: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$", maxLength: 64 },
    broker: { type: "string", pattern: "^(?:mqtts?|wss?)://[^/@][^@]*$", maxLength: 256 },
    topic: {
      type: "string",
      pattern: "^[^+#$\\u0000-\\u001f\\u007f-\\u009f][^+#\\u0000-\\u001f\\u007f-\\u009f]*$",
      maxLength: 45,
    },
    product: { type: "string", pattern: "^[^\\u0000]+$", maxLength: 128 },
    username: { type: "string", pattern: "^[^\\u0000]+$", maxLength: 256 },
    password: { type: "string", pattern: "^[^\\u0000]+$", maxLength: 256 },
    ca_certificate: { type: "string", pattern: "^-----BEGIN CERTIFICATE-----[^\\u0000]+$", maxLength: 3967 },
    certificate: { type: "string", pattern: "^-----BEGIN CERTIFICATE-----[^\\u0000]+$", maxLength: 3967 },
    private_key: { type: "string", pattern: "^-----BEGIN [^\\u0000]+$", maxLength: 3967 },
    key_set: { $ref: "protocol/envelope.schema.json" },
    allow_unsigned: { type: "boolean" },
  },
  additionalProperties: false,
};
const documentFunc1 = Object.prototype.hasOwnProperty;
const documentPattern4 = new RegExp("^[A-Za-z0-9][A-Za-z0-9._-]*$", "u");
const documentPattern5 = new RegExp("^(?:mqtts?|wss?)://[^/@][^@]*$", "u");
const documentPattern6 = new RegExp("^[^+#$\\u0000-\\u001f\\u007f-\\u009f][^+#\\u0000-\\u001f\\u007f-\\u009f]*$", "u");
const documentPattern7 = new RegExp("^[^\\u0000]+$", "u");
const documentPattern10 = new RegExp("^-----BEGIN CERTIFICATE-----[^\\u0000]+$", "u");
const documentPattern12 = new RegExp("^-----BEGIN [^\\u0000]+$", "u");
const documentSchema32 = {
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
const documentSchema33 = {
  type: "object",
  required: ["keyid", "alg", "sig"],
  properties: {
    keyid: { type: "string", pattern: "^[0-9a-f]{32}$", maxLength: 32 },
    alg: { type: "string", pattern: "^[a-z0-9][a-z0-9-]*$", maxLength: 32 },
    sig: { type: "string", pattern: "^[A-Za-z0-9+/]*={0,2}$", maxLength: 1024 },
  },
  additionalProperties: true,
};
const documentPattern13 = new RegExp("^[A-Za-z0-9+/]*={0,2}$", "u");
const documentPattern14 = new RegExp("^[0-9a-f]{32}$", "u");
const documentPattern15 = new RegExp("^[a-z0-9][a-z0-9-]*$", "u");
function documentValidate21(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///protocol/envelope.schema.json" */
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
    if (data.payload === undefined) {
      const err0 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "payload" },
      };
      if (vErrors === null) {
        vErrors = [err0];
      } else {
        vErrors.push(err0);
      }
      errors++;
    }
    if (data.signatures === undefined) {
      const err1 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "signatures" },
      };
      if (vErrors === null) {
        vErrors = [err1];
      } else {
        vErrors.push(err1);
      }
      errors++;
    }
    if (data.payload !== undefined) {
      let data0 = data.payload;
      if (typeof data0 === "string") {
        if (data0.length > 4096) {
          const err2 = {
            instancePath: instancePath + "/payload",
            schemaPath: "#/properties/payload/maxLength",
            keyword: "maxLength",
            params: { limit: 4096 },
          };
          if (vErrors === null) {
            vErrors = [err2];
          } else {
            vErrors.push(err2);
          }
          errors++;
        }
        if (!documentPattern13.test(data0)) {
          const err3 = {
            instancePath: instancePath + "/payload",
            schemaPath: "#/properties/payload/pattern",
            keyword: "pattern",
            params: { pattern: "^[A-Za-z0-9+/]*={0,2}$" },
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
          instancePath: instancePath + "/payload",
          schemaPath: "#/properties/payload/type",
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
    if (data.signatures !== undefined) {
      let data1 = data.signatures;
      if (Array.isArray(data1)) {
        if (data1.length > 4) {
          const err5 = {
            instancePath: instancePath + "/signatures",
            schemaPath: "#/properties/signatures/maxItems",
            keyword: "maxItems",
            params: { limit: 4 },
          };
          if (vErrors === null) {
            vErrors = [err5];
          } else {
            vErrors.push(err5);
          }
          errors++;
        }
        const len0 = data1.length;
        for (let i0 = 0; i0 < len0; i0++) {
          let data2 = data1[i0];
          if (data2 && typeof data2 == "object" && !Array.isArray(data2)) {
            if (data2.keyid === undefined) {
              const err6 = {
                instancePath: instancePath + "/signatures/" + i0,
                schemaPath: "#/$defs/EnvelopeSignature/required",
                keyword: "required",
                params: { missingProperty: "keyid" },
              };
              if (vErrors === null) {
                vErrors = [err6];
              } else {
                vErrors.push(err6);
              }
              errors++;
            }
            if (data2.alg === undefined) {
              const err7 = {
                instancePath: instancePath + "/signatures/" + i0,
                schemaPath: "#/$defs/EnvelopeSignature/required",
                keyword: "required",
                params: { missingProperty: "alg" },
              };
              if (vErrors === null) {
                vErrors = [err7];
              } else {
                vErrors.push(err7);
              }
              errors++;
            }
            if (data2.sig === undefined) {
              const err8 = {
                instancePath: instancePath + "/signatures/" + i0,
                schemaPath: "#/$defs/EnvelopeSignature/required",
                keyword: "required",
                params: { missingProperty: "sig" },
              };
              if (vErrors === null) {
                vErrors = [err8];
              } else {
                vErrors.push(err8);
              }
              errors++;
            }
            if (data2.keyid !== undefined) {
              let data3 = data2.keyid;
              if (typeof data3 === "string") {
                if (data3.length > 32) {
                  const err9 = {
                    instancePath: instancePath + "/signatures/" + i0 + "/keyid",
                    schemaPath: "#/$defs/EnvelopeSignature/properties/keyid/maxLength",
                    keyword: "maxLength",
                    params: { limit: 32 },
                  };
                  if (vErrors === null) {
                    vErrors = [err9];
                  } else {
                    vErrors.push(err9);
                  }
                  errors++;
                }
                if (!documentPattern14.test(data3)) {
                  const err10 = {
                    instancePath: instancePath + "/signatures/" + i0 + "/keyid",
                    schemaPath: "#/$defs/EnvelopeSignature/properties/keyid/pattern",
                    keyword: "pattern",
                    params: { pattern: "^[0-9a-f]{32}$" },
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
                  instancePath: instancePath + "/signatures/" + i0 + "/keyid",
                  schemaPath: "#/$defs/EnvelopeSignature/properties/keyid/type",
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
            if (data2.alg !== undefined) {
              let data4 = data2.alg;
              if (typeof data4 === "string") {
                if (data4.length > 32) {
                  const err12 = {
                    instancePath: instancePath + "/signatures/" + i0 + "/alg",
                    schemaPath: "#/$defs/EnvelopeSignature/properties/alg/maxLength",
                    keyword: "maxLength",
                    params: { limit: 32 },
                  };
                  if (vErrors === null) {
                    vErrors = [err12];
                  } else {
                    vErrors.push(err12);
                  }
                  errors++;
                }
                if (!documentPattern15.test(data4)) {
                  const err13 = {
                    instancePath: instancePath + "/signatures/" + i0 + "/alg",
                    schemaPath: "#/$defs/EnvelopeSignature/properties/alg/pattern",
                    keyword: "pattern",
                    params: { pattern: "^[a-z0-9][a-z0-9-]*$" },
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
                  instancePath: instancePath + "/signatures/" + i0 + "/alg",
                  schemaPath: "#/$defs/EnvelopeSignature/properties/alg/type",
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
            if (data2.sig !== undefined) {
              let data5 = data2.sig;
              if (typeof data5 === "string") {
                if (data5.length > 1024) {
                  const err15 = {
                    instancePath: instancePath + "/signatures/" + i0 + "/sig",
                    schemaPath: "#/$defs/EnvelopeSignature/properties/sig/maxLength",
                    keyword: "maxLength",
                    params: { limit: 1024 },
                  };
                  if (vErrors === null) {
                    vErrors = [err15];
                  } else {
                    vErrors.push(err15);
                  }
                  errors++;
                }
                if (!documentPattern13.test(data5)) {
                  const err16 = {
                    instancePath: instancePath + "/signatures/" + i0 + "/sig",
                    schemaPath: "#/$defs/EnvelopeSignature/properties/sig/pattern",
                    keyword: "pattern",
                    params: { pattern: "^[A-Za-z0-9+/]*={0,2}$" },
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
                  instancePath: instancePath + "/signatures/" + i0 + "/sig",
                  schemaPath: "#/$defs/EnvelopeSignature/properties/sig/type",
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
          } else {
            const err18 = {
              instancePath: instancePath + "/signatures/" + i0,
              schemaPath: "#/$defs/EnvelopeSignature/type",
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
      } else {
        const err19 = {
          instancePath: instancePath + "/signatures",
          schemaPath: "#/properties/signatures/type",
          keyword: "type",
          params: { type: "array" },
        };
        if (vErrors === null) {
          vErrors = [err19];
        } else {
          vErrors.push(err19);
        }
        errors++;
      }
    }
  } else {
    const err20 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err20];
    } else {
      vErrors.push(err20);
    }
    errors++;
  }
  documentValidate21.errors = vErrors;
  return errors === 0;
}
documentValidate21.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
function documentValidate20(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///provisioning.schema.json" */
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
    if (data.provisioning === undefined) {
      const err0 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "provisioning" },
      };
      if (vErrors === null) {
        vErrors = [err0];
      } else {
        vErrors.push(err0);
      }
      errors++;
    }
    if (data.device_id === undefined) {
      const err1 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "device_id" },
      };
      if (vErrors === null) {
        vErrors = [err1];
      } else {
        vErrors.push(err1);
      }
      errors++;
    }
    if (data.broker === undefined) {
      const err2 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "broker" },
      };
      if (vErrors === null) {
        vErrors = [err2];
      } else {
        vErrors.push(err2);
      }
      errors++;
    }
    if (data.topic === undefined) {
      const err3 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "topic" },
      };
      if (vErrors === null) {
        vErrors = [err3];
      } else {
        vErrors.push(err3);
      }
      errors++;
    }
    if (data.product === undefined) {
      const err4 = {
        instancePath,
        schemaPath: "#/required",
        keyword: "required",
        params: { missingProperty: "product" },
      };
      if (vErrors === null) {
        vErrors = [err4];
      } else {
        vErrors.push(err4);
      }
      errors++;
    }
    for (const key0 in data) {
      if (!documentFunc1.call(documentSchema31.properties, key0)) {
        const err5 = {
          instancePath,
          schemaPath: "#/additionalProperties",
          keyword: "additionalProperties",
          params: { additionalProperty: key0 },
        };
        if (vErrors === null) {
          vErrors = [err5];
        } else {
          vErrors.push(err5);
        }
        errors++;
      }
    }
    if (data.provisioning !== undefined) {
      if (1 !== data.provisioning) {
        const err6 = {
          instancePath: instancePath + "/provisioning",
          schemaPath: "#/properties/provisioning/const",
          keyword: "const",
          params: { allowedValue: 1 },
        };
        if (vErrors === null) {
          vErrors = [err6];
        } else {
          vErrors.push(err6);
        }
        errors++;
      }
    }
    if (data.device_id !== undefined) {
      let data1 = data.device_id;
      if (typeof data1 === "string") {
        if (data1.length > 64) {
          const err7 = {
            instancePath: instancePath + "/device_id",
            schemaPath: "#/properties/device_id/maxLength",
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
        if (!documentPattern4.test(data1)) {
          const err8 = {
            instancePath: instancePath + "/device_id",
            schemaPath: "#/properties/device_id/pattern",
            keyword: "pattern",
            params: { pattern: "^[A-Za-z0-9][A-Za-z0-9._-]*$" },
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
          instancePath: instancePath + "/device_id",
          schemaPath: "#/properties/device_id/type",
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
    if (data.broker !== undefined) {
      let data2 = data.broker;
      if (typeof data2 === "string") {
        if (data2.length > 256) {
          const err10 = {
            instancePath: instancePath + "/broker",
            schemaPath: "#/properties/broker/maxLength",
            keyword: "maxLength",
            params: { limit: 256 },
          };
          if (vErrors === null) {
            vErrors = [err10];
          } else {
            vErrors.push(err10);
          }
          errors++;
        }
        if (!documentPattern5.test(data2)) {
          const err11 = {
            instancePath: instancePath + "/broker",
            schemaPath: "#/properties/broker/pattern",
            keyword: "pattern",
            params: { pattern: "^(?:mqtts?|wss?)://[^/@][^@]*$" },
          };
          if (vErrors === null) {
            vErrors = [err11];
          } else {
            vErrors.push(err11);
          }
          errors++;
        }
      } else {
        const err12 = {
          instancePath: instancePath + "/broker",
          schemaPath: "#/properties/broker/type",
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
    if (data.topic !== undefined) {
      let data3 = data.topic;
      if (typeof data3 === "string") {
        if (data3.length > 45) {
          const err13 = {
            instancePath: instancePath + "/topic",
            schemaPath: "#/properties/topic/maxLength",
            keyword: "maxLength",
            params: { limit: 45 },
          };
          if (vErrors === null) {
            vErrors = [err13];
          } else {
            vErrors.push(err13);
          }
          errors++;
        }
        if (!documentPattern6.test(data3)) {
          const err14 = {
            instancePath: instancePath + "/topic",
            schemaPath: "#/properties/topic/pattern",
            keyword: "pattern",
            params: { pattern: "^[^+#$\\u0000-\\u001f\\u007f-\\u009f][^+#\\u0000-\\u001f\\u007f-\\u009f]*$" },
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
          instancePath: instancePath + "/topic",
          schemaPath: "#/properties/topic/type",
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
    if (data.product !== undefined) {
      let data4 = data.product;
      if (typeof data4 === "string") {
        if (data4.length > 128) {
          const err16 = {
            instancePath: instancePath + "/product",
            schemaPath: "#/properties/product/maxLength",
            keyword: "maxLength",
            params: { limit: 128 },
          };
          if (vErrors === null) {
            vErrors = [err16];
          } else {
            vErrors.push(err16);
          }
          errors++;
        }
        if (!documentPattern7.test(data4)) {
          const err17 = {
            instancePath: instancePath + "/product",
            schemaPath: "#/properties/product/pattern",
            keyword: "pattern",
            params: { pattern: "^[^\\u0000]+$" },
          };
          if (vErrors === null) {
            vErrors = [err17];
          } else {
            vErrors.push(err17);
          }
          errors++;
        }
      } else {
        const err18 = {
          instancePath: instancePath + "/product",
          schemaPath: "#/properties/product/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err18];
        } else {
          vErrors.push(err18);
        }
        errors++;
      }
    }
    if (data.username !== undefined) {
      let data5 = data.username;
      if (typeof data5 === "string") {
        if (data5.length > 256) {
          const err19 = {
            instancePath: instancePath + "/username",
            schemaPath: "#/properties/username/maxLength",
            keyword: "maxLength",
            params: { limit: 256 },
          };
          if (vErrors === null) {
            vErrors = [err19];
          } else {
            vErrors.push(err19);
          }
          errors++;
        }
        if (!documentPattern7.test(data5)) {
          const err20 = {
            instancePath: instancePath + "/username",
            schemaPath: "#/properties/username/pattern",
            keyword: "pattern",
            params: { pattern: "^[^\\u0000]+$" },
          };
          if (vErrors === null) {
            vErrors = [err20];
          } else {
            vErrors.push(err20);
          }
          errors++;
        }
      } else {
        const err21 = {
          instancePath: instancePath + "/username",
          schemaPath: "#/properties/username/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err21];
        } else {
          vErrors.push(err21);
        }
        errors++;
      }
    }
    if (data.password !== undefined) {
      let data6 = data.password;
      if (typeof data6 === "string") {
        if (data6.length > 256) {
          const err22 = {
            instancePath: instancePath + "/password",
            schemaPath: "#/properties/password/maxLength",
            keyword: "maxLength",
            params: { limit: 256 },
          };
          if (vErrors === null) {
            vErrors = [err22];
          } else {
            vErrors.push(err22);
          }
          errors++;
        }
        if (!documentPattern7.test(data6)) {
          const err23 = {
            instancePath: instancePath + "/password",
            schemaPath: "#/properties/password/pattern",
            keyword: "pattern",
            params: { pattern: "^[^\\u0000]+$" },
          };
          if (vErrors === null) {
            vErrors = [err23];
          } else {
            vErrors.push(err23);
          }
          errors++;
        }
      } else {
        const err24 = {
          instancePath: instancePath + "/password",
          schemaPath: "#/properties/password/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err24];
        } else {
          vErrors.push(err24);
        }
        errors++;
      }
    }
    if (data.ca_certificate !== undefined) {
      let data7 = data.ca_certificate;
      if (typeof data7 === "string") {
        if (data7.length > 3967) {
          const err25 = {
            instancePath: instancePath + "/ca_certificate",
            schemaPath: "#/properties/ca_certificate/maxLength",
            keyword: "maxLength",
            params: { limit: 3967 },
          };
          if (vErrors === null) {
            vErrors = [err25];
          } else {
            vErrors.push(err25);
          }
          errors++;
        }
        if (!documentPattern10.test(data7)) {
          const err26 = {
            instancePath: instancePath + "/ca_certificate",
            schemaPath: "#/properties/ca_certificate/pattern",
            keyword: "pattern",
            params: { pattern: "^-----BEGIN CERTIFICATE-----[^\\u0000]+$" },
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
          instancePath: instancePath + "/ca_certificate",
          schemaPath: "#/properties/ca_certificate/type",
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
    if (data.certificate !== undefined) {
      let data8 = data.certificate;
      if (typeof data8 === "string") {
        if (data8.length > 3967) {
          const err28 = {
            instancePath: instancePath + "/certificate",
            schemaPath: "#/properties/certificate/maxLength",
            keyword: "maxLength",
            params: { limit: 3967 },
          };
          if (vErrors === null) {
            vErrors = [err28];
          } else {
            vErrors.push(err28);
          }
          errors++;
        }
        if (!documentPattern10.test(data8)) {
          const err29 = {
            instancePath: instancePath + "/certificate",
            schemaPath: "#/properties/certificate/pattern",
            keyword: "pattern",
            params: { pattern: "^-----BEGIN CERTIFICATE-----[^\\u0000]+$" },
          };
          if (vErrors === null) {
            vErrors = [err29];
          } else {
            vErrors.push(err29);
          }
          errors++;
        }
      } else {
        const err30 = {
          instancePath: instancePath + "/certificate",
          schemaPath: "#/properties/certificate/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err30];
        } else {
          vErrors.push(err30);
        }
        errors++;
      }
    }
    if (data.private_key !== undefined) {
      let data9 = data.private_key;
      if (typeof data9 === "string") {
        if (data9.length > 3967) {
          const err31 = {
            instancePath: instancePath + "/private_key",
            schemaPath: "#/properties/private_key/maxLength",
            keyword: "maxLength",
            params: { limit: 3967 },
          };
          if (vErrors === null) {
            vErrors = [err31];
          } else {
            vErrors.push(err31);
          }
          errors++;
        }
        if (!documentPattern12.test(data9)) {
          const err32 = {
            instancePath: instancePath + "/private_key",
            schemaPath: "#/properties/private_key/pattern",
            keyword: "pattern",
            params: { pattern: "^-----BEGIN [^\\u0000]+$" },
          };
          if (vErrors === null) {
            vErrors = [err32];
          } else {
            vErrors.push(err32);
          }
          errors++;
        }
      } else {
        const err33 = {
          instancePath: instancePath + "/private_key",
          schemaPath: "#/properties/private_key/type",
          keyword: "type",
          params: { type: "string" },
        };
        if (vErrors === null) {
          vErrors = [err33];
        } else {
          vErrors.push(err33);
        }
        errors++;
      }
    }
    if (data.key_set !== undefined) {
      if (
        !documentValidate21(data.key_set, {
          instancePath: instancePath + "/key_set",
          parentData: data,
          parentDataProperty: "key_set",
          rootData,
          dynamicAnchors,
        })
      ) {
        vErrors = vErrors === null ? documentValidate21.errors : vErrors.concat(documentValidate21.errors);
        errors = vErrors.length;
      }
    }
    if (data.allow_unsigned !== undefined) {
      if (typeof data.allow_unsigned !== "boolean") {
        const err34 = {
          instancePath: instancePath + "/allow_unsigned",
          schemaPath: "#/properties/allow_unsigned/type",
          keyword: "type",
          params: { type: "boolean" },
        };
        if (vErrors === null) {
          vErrors = [err34];
        } else {
          vErrors.push(err34);
        }
        errors++;
      }
    }
  } else {
    const err35 = { instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } };
    if (vErrors === null) {
      vErrors = [err35];
    } else {
      vErrors.push(err35);
    }
    errors++;
  }
  documentValidate20.errors = vErrors;
  return errors === 0;
}
documentValidate20.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
