// Generated from schemas/ by scripts/generate-schemas.ts. Change the schemas and run `pnpm generate`.
// @ts-nocheck
import type { JournalRecord } from "./types.generated.ts";
import type { SchemaValidator } from "./validator.ts";

/** Whether a value is a {@link JournalRecord}. */
export const validateJournalRecord: SchemaValidator<JournalRecord> = journalValidate20;
const journalSchema31 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  $id: "schema:///journal-record.schema.json",
  type: "object",
  required: ["type", "at"],
  discriminator: { propertyName: "type" },
  oneOf: [
    { $ref: "#/$defs/RolloutBegin" },
    { $ref: "#/$defs/StageOffer" },
    { $ref: "#/$defs/DeviceEnd" },
    { $ref: "#/$defs/StageSettled" },
    { $ref: "#/$defs/RequestRecord" },
    { $ref: "#/$defs/RolloutStopping" },
    { $ref: "#/$defs/RolloutStopped" },
    { $ref: "#/$defs/RolloutComplete" },
  ],
  $defs: {
    RolloutBegin: {
      type: "object",
      required: ["type", "at", "subject", "plan"],
      properties: {
        type: { const: "rollout" },
        at: { $ref: "#/$defs/RecordTime" },
        subject: { $ref: "#/$defs/JournalSubject" },
        plan: { $ref: "#/$defs/JournalPlan" },
      },
      additionalProperties: true,
    },
    StageOffer: {
      type: "object",
      required: ["type", "at", "stage", "offer"],
      properties: {
        type: { const: "offer" },
        at: { $ref: "#/$defs/RecordTime" },
        stage: { $ref: "#/$defs/StageIndex" },
        offer: { $ref: "#/$defs/JournalOffer" },
      },
      additionalProperties: true,
    },
    DeviceEnd: {
      type: "object",
      required: ["type", "at", "stage", "device", "end"],
      properties: {
        type: { const: "ended" },
        at: { $ref: "#/$defs/RecordTime" },
        stage: { $ref: "#/$defs/StageIndex" },
        device: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", maxLength: 64 },
        end: { $ref: "#/$defs/RolloutEnd" },
        error: {
          type: "object",
          required: ["code", "message"],
          properties: { code: { type: "string" }, message: { type: "string" } },
          additionalProperties: true,
        },
      },
      additionalProperties: true,
    },
    StageSettled: {
      type: "object",
      required: ["type", "at", "stage", "open"],
      properties: {
        type: { const: "settled" },
        at: { $ref: "#/$defs/RecordTime" },
        stage: { $ref: "#/$defs/StageIndex" },
        open: { type: "array", items: { type: "string" } },
      },
      additionalProperties: true,
    },
    RequestRecord: {
      type: "object",
      required: ["type", "at", "request"],
      properties: {
        type: { const: "request" },
        at: { $ref: "#/$defs/RecordTime" },
        request: { $ref: "#/$defs/RolloutRequest" },
      },
      additionalProperties: true,
    },
    RolloutStopping: {
      type: "object",
      required: ["type", "at", "stage", "reason"],
      properties: {
        type: { const: "stopping" },
        at: { $ref: "#/$defs/RecordTime" },
        stage: { $ref: "#/$defs/StageIndex" },
        reason: { $ref: "#/$defs/RolloutStop" },
      },
      additionalProperties: true,
    },
    RolloutStopped: {
      type: "object",
      required: ["type", "at", "stage", "reason"],
      properties: {
        type: { const: "stopped" },
        at: { $ref: "#/$defs/RecordTime" },
        stage: { $ref: "#/$defs/StageIndex" },
        reason: { $ref: "#/$defs/RolloutStop" },
      },
      additionalProperties: true,
    },
    RolloutComplete: {
      type: "object",
      required: ["type", "at"],
      properties: { type: { const: "complete" }, at: { $ref: "#/$defs/RecordTime" } },
      additionalProperties: true,
    },
    RecordTime: { type: "number" },
    StageIndex: { type: "integer", minimum: -1, maximum: 99 },
    JournalSubject: {
      type: "object",
      required: ["product", "version", "topic", "image"],
      properties: {
        product: { type: "string" },
        version: { type: "string" },
        topic: { type: "string" },
        image: { type: "string", pattern: "^[0-9a-fA-F]{64}$", maxLength: 64 },
      },
      additionalProperties: true,
    },
    JournalPlan: {
      type: "object",
      required: ["stages", "salt", "hold", "abortPermille", "abortMin", "stageTimeoutMs"],
      properties: {
        stages: { type: "array", items: { type: "number" } },
        salt: { type: "string", pattern: "^(?:[0-9a-f][0-9a-f])+$", maxLength: 64 },
        devices: { type: "array", items: { type: "string" } },
        hold: { oneOf: [{ type: "number" }, { const: "until-continued" }] },
        abortPermille: { type: "number" },
        abortMin: { type: "number" },
        stageTimeoutMs: { type: "number" },
        install: {
          type: "object",
          properties: {
            install_after: { type: "string" },
            between: {
              type: "object",
              required: ["start_minute", "minutes"],
              properties: {
                start_minute: { type: "integer" },
                minutes: { type: "integer" },
                offset_minutes: { type: "integer" },
              },
              additionalProperties: true,
            },
            restart_spread_ms: { type: "integer" },
            probation_max_ms: { type: "integer" },
            critical: { type: "array", items: { type: "string" } },
          },
          additionalProperties: true,
        },
      },
      additionalProperties: true,
    },
    JournalOffer: {
      type: "object",
      required: ["id", "counter", "parts"],
      properties: {
        id: { type: "string" },
        counter: {
          type: "array",
          prefixItems: [{ type: "integer" }, { type: "integer" }],
          items: false,
          minItems: 2,
          maxItems: 2,
        },
        parts: {
          type: "array",
          items: {
            type: "object",
            required: ["topics", "envelope"],
            properties: { topics: { type: "array", items: { type: "string" } }, envelope: { type: "string" } },
            additionalProperties: true,
          },
        },
      },
      additionalProperties: true,
    },
    RolloutEnd: { type: "string", enum: ["confirmed", "failed", "already", "unable"] },
    RolloutRequest: { type: "string", enum: ["continue", "pause", "withdraw"] },
    RolloutStop: { type: "string", enum: ["failures", "withdrawn", "superseded", "nobody"] },
  },
};
const journalSchema32 = {
  type: "object",
  required: ["type", "at", "subject", "plan"],
  properties: {
    type: { const: "rollout" },
    at: { $ref: "#/$defs/RecordTime" },
    subject: { $ref: "#/$defs/JournalSubject" },
    plan: { $ref: "#/$defs/JournalPlan" },
  },
  additionalProperties: true,
};
const journalSchema33 = { type: "number" };
const journalSchema34 = {
  type: "object",
  required: ["product", "version", "topic", "image"],
  properties: {
    product: { type: "string" },
    version: { type: "string" },
    topic: { type: "string" },
    image: { type: "string", pattern: "^[0-9a-fA-F]{64}$", maxLength: 64 },
  },
  additionalProperties: true,
};
const journalSchema35 = {
  type: "object",
  required: ["stages", "salt", "hold", "abortPermille", "abortMin", "stageTimeoutMs"],
  properties: {
    stages: { type: "array", items: { type: "number" } },
    salt: { type: "string", pattern: "^(?:[0-9a-f][0-9a-f])+$", maxLength: 64 },
    devices: { type: "array", items: { type: "string" } },
    hold: { oneOf: [{ type: "number" }, { const: "until-continued" }] },
    abortPermille: { type: "number" },
    abortMin: { type: "number" },
    stageTimeoutMs: { type: "number" },
    install: {
      type: "object",
      properties: {
        install_after: { type: "string" },
        between: {
          type: "object",
          required: ["start_minute", "minutes"],
          properties: {
            start_minute: { type: "integer" },
            minutes: { type: "integer" },
            offset_minutes: { type: "integer" },
          },
          additionalProperties: true,
        },
        restart_spread_ms: { type: "integer" },
        probation_max_ms: { type: "integer" },
        critical: { type: "array", items: { type: "string" } },
      },
      additionalProperties: true,
    },
  },
  additionalProperties: true,
};
const journalPattern4 = new RegExp("^[0-9a-fA-F]{64}$", "u");
const journalPattern5 = new RegExp("^(?:[0-9a-f][0-9a-f])+$", "u");
function journalValidate21(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate21.evaluated;
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
        (data.type === undefined && (missing0 = "type")) ||
        (data.at === undefined && (missing0 = "at")) ||
        (data.subject === undefined && (missing0 = "subject")) ||
        (data.plan === undefined && (missing0 = "plan"))
      ) {
        journalValidate21.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("rollout" !== data.type) {
            journalValidate21.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "rollout" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate21.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.subject !== undefined) {
              let data2 = data.subject;
              const _errs6 = errors;
              const _errs7 = errors;
              if (errors === _errs7) {
                if (data2 && typeof data2 == "object" && !Array.isArray(data2)) {
                  let missing1;
                  if (
                    (data2.product === undefined && (missing1 = "product")) ||
                    (data2.version === undefined && (missing1 = "version")) ||
                    (data2.topic === undefined && (missing1 = "topic")) ||
                    (data2.image === undefined && (missing1 = "image"))
                  ) {
                    journalValidate21.errors = [
                      {
                        instancePath: instancePath + "/subject",
                        schemaPath: "#/$defs/JournalSubject/required",
                        keyword: "required",
                        params: { missingProperty: missing1 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2.product !== undefined) {
                      const _errs10 = errors;
                      if (typeof data2.product !== "string") {
                        journalValidate21.errors = [
                          {
                            instancePath: instancePath + "/subject/product",
                            schemaPath: "#/$defs/JournalSubject/properties/product/type",
                            keyword: "type",
                            params: { type: "string" },
                          },
                        ];
                        return false;
                      }
                      var valid3 = _errs10 === errors;
                    } else {
                      var valid3 = true;
                    }
                    if (valid3) {
                      if (data2.version !== undefined) {
                        const _errs12 = errors;
                        if (typeof data2.version !== "string") {
                          journalValidate21.errors = [
                            {
                              instancePath: instancePath + "/subject/version",
                              schemaPath: "#/$defs/JournalSubject/properties/version/type",
                              keyword: "type",
                              params: { type: "string" },
                            },
                          ];
                          return false;
                        }
                        var valid3 = _errs12 === errors;
                      } else {
                        var valid3 = true;
                      }
                      if (valid3) {
                        if (data2.topic !== undefined) {
                          const _errs14 = errors;
                          if (typeof data2.topic !== "string") {
                            journalValidate21.errors = [
                              {
                                instancePath: instancePath + "/subject/topic",
                                schemaPath: "#/$defs/JournalSubject/properties/topic/type",
                                keyword: "type",
                                params: { type: "string" },
                              },
                            ];
                            return false;
                          }
                          var valid3 = _errs14 === errors;
                        } else {
                          var valid3 = true;
                        }
                        if (valid3) {
                          if (data2.image !== undefined) {
                            let data6 = data2.image;
                            const _errs16 = errors;
                            if (errors === _errs16) {
                              if (typeof data6 === "string") {
                                if (data6.length > 64) {
                                  journalValidate21.errors = [
                                    {
                                      instancePath: instancePath + "/subject/image",
                                      schemaPath: "#/$defs/JournalSubject/properties/image/maxLength",
                                      keyword: "maxLength",
                                      params: { limit: 64 },
                                    },
                                  ];
                                  return false;
                                } else {
                                  if (!journalPattern4.test(data6)) {
                                    journalValidate21.errors = [
                                      {
                                        instancePath: instancePath + "/subject/image",
                                        schemaPath: "#/$defs/JournalSubject/properties/image/pattern",
                                        keyword: "pattern",
                                        params: { pattern: "^[0-9a-fA-F]{64}$" },
                                      },
                                    ];
                                    return false;
                                  }
                                }
                              } else {
                                journalValidate21.errors = [
                                  {
                                    instancePath: instancePath + "/subject/image",
                                    schemaPath: "#/$defs/JournalSubject/properties/image/type",
                                    keyword: "type",
                                    params: { type: "string" },
                                  },
                                ];
                                return false;
                              }
                            }
                            var valid3 = _errs16 === errors;
                          } else {
                            var valid3 = true;
                          }
                        }
                      }
                    }
                  }
                } else {
                  journalValidate21.errors = [
                    {
                      instancePath: instancePath + "/subject",
                      schemaPath: "#/$defs/JournalSubject/type",
                      keyword: "type",
                      params: { type: "object" },
                    },
                  ];
                  return false;
                }
              }
              var valid0 = _errs6 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.plan !== undefined) {
                let data7 = data.plan;
                const _errs18 = errors;
                const _errs19 = errors;
                if (errors === _errs19) {
                  if (data7 && typeof data7 == "object" && !Array.isArray(data7)) {
                    let missing2;
                    if (
                      (data7.stages === undefined && (missing2 = "stages")) ||
                      (data7.salt === undefined && (missing2 = "salt")) ||
                      (data7.hold === undefined && (missing2 = "hold")) ||
                      (data7.abortPermille === undefined && (missing2 = "abortPermille")) ||
                      (data7.abortMin === undefined && (missing2 = "abortMin")) ||
                      (data7.stageTimeoutMs === undefined && (missing2 = "stageTimeoutMs"))
                    ) {
                      journalValidate21.errors = [
                        {
                          instancePath: instancePath + "/plan",
                          schemaPath: "#/$defs/JournalPlan/required",
                          keyword: "required",
                          params: { missingProperty: missing2 },
                        },
                      ];
                      return false;
                    } else {
                      if (data7.stages !== undefined) {
                        let data8 = data7.stages;
                        const _errs22 = errors;
                        if (errors === _errs22) {
                          if (Array.isArray(data8)) {
                            var valid6 = true;
                            const len0 = data8.length;
                            for (let i0 = 0; i0 < len0; i0++) {
                              let data9 = data8[i0];
                              const _errs24 = errors;
                              if (!(typeof data9 == "number" && isFinite(data9))) {
                                journalValidate21.errors = [
                                  {
                                    instancePath: instancePath + "/plan/stages/" + i0,
                                    schemaPath: "#/$defs/JournalPlan/properties/stages/items/type",
                                    keyword: "type",
                                    params: { type: "number" },
                                  },
                                ];
                                return false;
                              }
                              var valid6 = _errs24 === errors;
                              if (!valid6) {
                                break;
                              }
                            }
                          } else {
                            journalValidate21.errors = [
                              {
                                instancePath: instancePath + "/plan/stages",
                                schemaPath: "#/$defs/JournalPlan/properties/stages/type",
                                keyword: "type",
                                params: { type: "array" },
                              },
                            ];
                            return false;
                          }
                        }
                        var valid5 = _errs22 === errors;
                      } else {
                        var valid5 = true;
                      }
                      if (valid5) {
                        if (data7.salt !== undefined) {
                          let data10 = data7.salt;
                          const _errs26 = errors;
                          if (errors === _errs26) {
                            if (typeof data10 === "string") {
                              if (data10.length > 64) {
                                journalValidate21.errors = [
                                  {
                                    instancePath: instancePath + "/plan/salt",
                                    schemaPath: "#/$defs/JournalPlan/properties/salt/maxLength",
                                    keyword: "maxLength",
                                    params: { limit: 64 },
                                  },
                                ];
                                return false;
                              } else {
                                if (!journalPattern5.test(data10)) {
                                  journalValidate21.errors = [
                                    {
                                      instancePath: instancePath + "/plan/salt",
                                      schemaPath: "#/$defs/JournalPlan/properties/salt/pattern",
                                      keyword: "pattern",
                                      params: { pattern: "^(?:[0-9a-f][0-9a-f])+$" },
                                    },
                                  ];
                                  return false;
                                }
                              }
                            } else {
                              journalValidate21.errors = [
                                {
                                  instancePath: instancePath + "/plan/salt",
                                  schemaPath: "#/$defs/JournalPlan/properties/salt/type",
                                  keyword: "type",
                                  params: { type: "string" },
                                },
                              ];
                              return false;
                            }
                          }
                          var valid5 = _errs26 === errors;
                        } else {
                          var valid5 = true;
                        }
                        if (valid5) {
                          if (data7.devices !== undefined) {
                            let data11 = data7.devices;
                            const _errs28 = errors;
                            if (errors === _errs28) {
                              if (Array.isArray(data11)) {
                                var valid7 = true;
                                const len1 = data11.length;
                                for (let i1 = 0; i1 < len1; i1++) {
                                  const _errs30 = errors;
                                  if (typeof data11[i1] !== "string") {
                                    journalValidate21.errors = [
                                      {
                                        instancePath: instancePath + "/plan/devices/" + i1,
                                        schemaPath: "#/$defs/JournalPlan/properties/devices/items/type",
                                        keyword: "type",
                                        params: { type: "string" },
                                      },
                                    ];
                                    return false;
                                  }
                                  var valid7 = _errs30 === errors;
                                  if (!valid7) {
                                    break;
                                  }
                                }
                              } else {
                                journalValidate21.errors = [
                                  {
                                    instancePath: instancePath + "/plan/devices",
                                    schemaPath: "#/$defs/JournalPlan/properties/devices/type",
                                    keyword: "type",
                                    params: { type: "array" },
                                  },
                                ];
                                return false;
                              }
                            }
                            var valid5 = _errs28 === errors;
                          } else {
                            var valid5 = true;
                          }
                          if (valid5) {
                            if (data7.hold !== undefined) {
                              let data13 = data7.hold;
                              const _errs32 = errors;
                              const _errs33 = errors;
                              let valid8 = false;
                              let passing0 = null;
                              const _errs34 = errors;
                              if (!(typeof data13 == "number" && isFinite(data13))) {
                                const err0 = {
                                  instancePath: instancePath + "/plan/hold",
                                  schemaPath: "#/$defs/JournalPlan/properties/hold/oneOf/0/type",
                                  keyword: "type",
                                  params: { type: "number" },
                                };
                                if (vErrors === null) {
                                  vErrors = [err0];
                                } else {
                                  vErrors.push(err0);
                                }
                                errors++;
                              }
                              var _valid0 = _errs34 === errors;
                              if (_valid0) {
                                valid8 = true;
                                passing0 = 0;
                              }
                              const _errs36 = errors;
                              if ("until-continued" !== data13) {
                                const err1 = {
                                  instancePath: instancePath + "/plan/hold",
                                  schemaPath: "#/$defs/JournalPlan/properties/hold/oneOf/1/const",
                                  keyword: "const",
                                  params: { allowedValue: "until-continued" },
                                };
                                if (vErrors === null) {
                                  vErrors = [err1];
                                } else {
                                  vErrors.push(err1);
                                }
                                errors++;
                              }
                              var _valid0 = _errs36 === errors;
                              if (_valid0 && valid8) {
                                valid8 = false;
                                passing0 = [passing0, 1];
                              } else {
                                if (_valid0) {
                                  valid8 = true;
                                  passing0 = 1;
                                }
                              }
                              if (!valid8) {
                                const err2 = {
                                  instancePath: instancePath + "/plan/hold",
                                  schemaPath: "#/$defs/JournalPlan/properties/hold/oneOf",
                                  keyword: "oneOf",
                                  params: { passingSchemas: passing0 },
                                };
                                if (vErrors === null) {
                                  vErrors = [err2];
                                } else {
                                  vErrors.push(err2);
                                }
                                errors++;
                                journalValidate21.errors = vErrors;
                                return false;
                              } else {
                                errors = _errs33;
                                if (vErrors !== null) {
                                  if (_errs33) {
                                    vErrors.length = _errs33;
                                  } else {
                                    vErrors = null;
                                  }
                                }
                              }
                              var valid5 = _errs32 === errors;
                            } else {
                              var valid5 = true;
                            }
                            if (valid5) {
                              if (data7.abortPermille !== undefined) {
                                let data14 = data7.abortPermille;
                                const _errs37 = errors;
                                if (!(typeof data14 == "number" && isFinite(data14))) {
                                  journalValidate21.errors = [
                                    {
                                      instancePath: instancePath + "/plan/abortPermille",
                                      schemaPath: "#/$defs/JournalPlan/properties/abortPermille/type",
                                      keyword: "type",
                                      params: { type: "number" },
                                    },
                                  ];
                                  return false;
                                }
                                var valid5 = _errs37 === errors;
                              } else {
                                var valid5 = true;
                              }
                              if (valid5) {
                                if (data7.abortMin !== undefined) {
                                  let data15 = data7.abortMin;
                                  const _errs39 = errors;
                                  if (!(typeof data15 == "number" && isFinite(data15))) {
                                    journalValidate21.errors = [
                                      {
                                        instancePath: instancePath + "/plan/abortMin",
                                        schemaPath: "#/$defs/JournalPlan/properties/abortMin/type",
                                        keyword: "type",
                                        params: { type: "number" },
                                      },
                                    ];
                                    return false;
                                  }
                                  var valid5 = _errs39 === errors;
                                } else {
                                  var valid5 = true;
                                }
                                if (valid5) {
                                  if (data7.stageTimeoutMs !== undefined) {
                                    let data16 = data7.stageTimeoutMs;
                                    const _errs41 = errors;
                                    if (!(typeof data16 == "number" && isFinite(data16))) {
                                      journalValidate21.errors = [
                                        {
                                          instancePath: instancePath + "/plan/stageTimeoutMs",
                                          schemaPath: "#/$defs/JournalPlan/properties/stageTimeoutMs/type",
                                          keyword: "type",
                                          params: { type: "number" },
                                        },
                                      ];
                                      return false;
                                    }
                                    var valid5 = _errs41 === errors;
                                  } else {
                                    var valid5 = true;
                                  }
                                  if (valid5) {
                                    if (data7.install !== undefined) {
                                      let data17 = data7.install;
                                      const _errs43 = errors;
                                      if (errors === _errs43) {
                                        if (data17 && typeof data17 == "object" && !Array.isArray(data17)) {
                                          if (data17.install_after !== undefined) {
                                            const _errs46 = errors;
                                            if (typeof data17.install_after !== "string") {
                                              journalValidate21.errors = [
                                                {
                                                  instancePath: instancePath + "/plan/install/install_after",
                                                  schemaPath:
                                                    "#/$defs/JournalPlan/properties/install/properties/install_after/type",
                                                  keyword: "type",
                                                  params: { type: "string" },
                                                },
                                              ];
                                              return false;
                                            }
                                            var valid9 = _errs46 === errors;
                                          } else {
                                            var valid9 = true;
                                          }
                                          if (valid9) {
                                            if (data17.between !== undefined) {
                                              let data19 = data17.between;
                                              const _errs48 = errors;
                                              if (errors === _errs48) {
                                                if (data19 && typeof data19 == "object" && !Array.isArray(data19)) {
                                                  let missing3;
                                                  if (
                                                    (data19.start_minute === undefined &&
                                                      (missing3 = "start_minute")) ||
                                                    (data19.minutes === undefined && (missing3 = "minutes"))
                                                  ) {
                                                    journalValidate21.errors = [
                                                      {
                                                        instancePath: instancePath + "/plan/install/between",
                                                        schemaPath:
                                                          "#/$defs/JournalPlan/properties/install/properties/between/required",
                                                        keyword: "required",
                                                        params: { missingProperty: missing3 },
                                                      },
                                                    ];
                                                    return false;
                                                  } else {
                                                    if (data19.start_minute !== undefined) {
                                                      let data20 = data19.start_minute;
                                                      const _errs51 = errors;
                                                      if (
                                                        !(
                                                          typeof data20 == "number" &&
                                                          !(data20 % 1) &&
                                                          !isNaN(data20) &&
                                                          isFinite(data20)
                                                        )
                                                      ) {
                                                        journalValidate21.errors = [
                                                          {
                                                            instancePath:
                                                              instancePath + "/plan/install/between/start_minute",
                                                            schemaPath:
                                                              "#/$defs/JournalPlan/properties/install/properties/between/properties/start_minute/type",
                                                            keyword: "type",
                                                            params: { type: "integer" },
                                                          },
                                                        ];
                                                        return false;
                                                      }
                                                      var valid10 = _errs51 === errors;
                                                    } else {
                                                      var valid10 = true;
                                                    }
                                                    if (valid10) {
                                                      if (data19.minutes !== undefined) {
                                                        let data21 = data19.minutes;
                                                        const _errs53 = errors;
                                                        if (
                                                          !(
                                                            typeof data21 == "number" &&
                                                            !(data21 % 1) &&
                                                            !isNaN(data21) &&
                                                            isFinite(data21)
                                                          )
                                                        ) {
                                                          journalValidate21.errors = [
                                                            {
                                                              instancePath:
                                                                instancePath + "/plan/install/between/minutes",
                                                              schemaPath:
                                                                "#/$defs/JournalPlan/properties/install/properties/between/properties/minutes/type",
                                                              keyword: "type",
                                                              params: { type: "integer" },
                                                            },
                                                          ];
                                                          return false;
                                                        }
                                                        var valid10 = _errs53 === errors;
                                                      } else {
                                                        var valid10 = true;
                                                      }
                                                      if (valid10) {
                                                        if (data19.offset_minutes !== undefined) {
                                                          let data22 = data19.offset_minutes;
                                                          const _errs55 = errors;
                                                          if (
                                                            !(
                                                              typeof data22 == "number" &&
                                                              !(data22 % 1) &&
                                                              !isNaN(data22) &&
                                                              isFinite(data22)
                                                            )
                                                          ) {
                                                            journalValidate21.errors = [
                                                              {
                                                                instancePath:
                                                                  instancePath + "/plan/install/between/offset_minutes",
                                                                schemaPath:
                                                                  "#/$defs/JournalPlan/properties/install/properties/between/properties/offset_minutes/type",
                                                                keyword: "type",
                                                                params: { type: "integer" },
                                                              },
                                                            ];
                                                            return false;
                                                          }
                                                          var valid10 = _errs55 === errors;
                                                        } else {
                                                          var valid10 = true;
                                                        }
                                                      }
                                                    }
                                                  }
                                                } else {
                                                  journalValidate21.errors = [
                                                    {
                                                      instancePath: instancePath + "/plan/install/between",
                                                      schemaPath:
                                                        "#/$defs/JournalPlan/properties/install/properties/between/type",
                                                      keyword: "type",
                                                      params: { type: "object" },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                              }
                                              var valid9 = _errs48 === errors;
                                            } else {
                                              var valid9 = true;
                                            }
                                            if (valid9) {
                                              if (data17.restart_spread_ms !== undefined) {
                                                let data23 = data17.restart_spread_ms;
                                                const _errs57 = errors;
                                                if (
                                                  !(
                                                    typeof data23 == "number" &&
                                                    !(data23 % 1) &&
                                                    !isNaN(data23) &&
                                                    isFinite(data23)
                                                  )
                                                ) {
                                                  journalValidate21.errors = [
                                                    {
                                                      instancePath: instancePath + "/plan/install/restart_spread_ms",
                                                      schemaPath:
                                                        "#/$defs/JournalPlan/properties/install/properties/restart_spread_ms/type",
                                                      keyword: "type",
                                                      params: { type: "integer" },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                                var valid9 = _errs57 === errors;
                                              } else {
                                                var valid9 = true;
                                              }
                                              if (valid9) {
                                                if (data17.probation_max_ms !== undefined) {
                                                  let data24 = data17.probation_max_ms;
                                                  const _errs59 = errors;
                                                  if (
                                                    !(
                                                      typeof data24 == "number" &&
                                                      !(data24 % 1) &&
                                                      !isNaN(data24) &&
                                                      isFinite(data24)
                                                    )
                                                  ) {
                                                    journalValidate21.errors = [
                                                      {
                                                        instancePath: instancePath + "/plan/install/probation_max_ms",
                                                        schemaPath:
                                                          "#/$defs/JournalPlan/properties/install/properties/probation_max_ms/type",
                                                        keyword: "type",
                                                        params: { type: "integer" },
                                                      },
                                                    ];
                                                    return false;
                                                  }
                                                  var valid9 = _errs59 === errors;
                                                } else {
                                                  var valid9 = true;
                                                }
                                                if (valid9) {
                                                  if (data17.critical !== undefined) {
                                                    let data25 = data17.critical;
                                                    const _errs61 = errors;
                                                    if (errors === _errs61) {
                                                      if (Array.isArray(data25)) {
                                                        var valid11 = true;
                                                        const len2 = data25.length;
                                                        for (let i2 = 0; i2 < len2; i2++) {
                                                          const _errs63 = errors;
                                                          if (typeof data25[i2] !== "string") {
                                                            journalValidate21.errors = [
                                                              {
                                                                instancePath:
                                                                  instancePath + "/plan/install/critical/" + i2,
                                                                schemaPath:
                                                                  "#/$defs/JournalPlan/properties/install/properties/critical/items/type",
                                                                keyword: "type",
                                                                params: { type: "string" },
                                                              },
                                                            ];
                                                            return false;
                                                          }
                                                          var valid11 = _errs63 === errors;
                                                          if (!valid11) {
                                                            break;
                                                          }
                                                        }
                                                      } else {
                                                        journalValidate21.errors = [
                                                          {
                                                            instancePath: instancePath + "/plan/install/critical",
                                                            schemaPath:
                                                              "#/$defs/JournalPlan/properties/install/properties/critical/type",
                                                            keyword: "type",
                                                            params: { type: "array" },
                                                          },
                                                        ];
                                                        return false;
                                                      }
                                                    }
                                                    var valid9 = _errs61 === errors;
                                                  } else {
                                                    var valid9 = true;
                                                  }
                                                }
                                              }
                                            }
                                          }
                                        } else {
                                          journalValidate21.errors = [
                                            {
                                              instancePath: instancePath + "/plan/install",
                                              schemaPath: "#/$defs/JournalPlan/properties/install/type",
                                              keyword: "type",
                                              params: { type: "object" },
                                            },
                                          ];
                                          return false;
                                        }
                                      }
                                      var valid5 = _errs43 === errors;
                                    } else {
                                      var valid5 = true;
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
                    journalValidate21.errors = [
                      {
                        instancePath: instancePath + "/plan",
                        schemaPath: "#/$defs/JournalPlan/type",
                        keyword: "type",
                        params: { type: "object" },
                      },
                    ];
                    return false;
                  }
                }
                var valid0 = _errs18 === errors;
              } else {
                var valid0 = true;
              }
            }
          }
        }
      }
    } else {
      journalValidate21.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate21.errors = vErrors;
  return errors === 0;
}
journalValidate21.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
const journalSchema36 = {
  type: "object",
  required: ["type", "at", "stage", "offer"],
  properties: {
    type: { const: "offer" },
    at: { $ref: "#/$defs/RecordTime" },
    stage: { $ref: "#/$defs/StageIndex" },
    offer: { $ref: "#/$defs/JournalOffer" },
  },
  additionalProperties: true,
};
const journalSchema38 = { type: "integer", minimum: -1, maximum: 99 };
const journalSchema39 = {
  type: "object",
  required: ["id", "counter", "parts"],
  properties: {
    id: { type: "string" },
    counter: {
      type: "array",
      prefixItems: [{ type: "integer" }, { type: "integer" }],
      items: false,
      minItems: 2,
      maxItems: 2,
    },
    parts: {
      type: "array",
      items: {
        type: "object",
        required: ["topics", "envelope"],
        properties: { topics: { type: "array", items: { type: "string" } }, envelope: { type: "string" } },
        additionalProperties: true,
      },
    },
  },
  additionalProperties: true,
};
function journalValidate22(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate22.evaluated;
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
        (data.type === undefined && (missing0 = "type")) ||
        (data.at === undefined && (missing0 = "at")) ||
        (data.stage === undefined && (missing0 = "stage")) ||
        (data.offer === undefined && (missing0 = "offer"))
      ) {
        journalValidate22.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("offer" !== data.type) {
            journalValidate22.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "offer" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate22.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.stage !== undefined) {
              let data2 = data.stage;
              const _errs6 = errors;
              const _errs7 = errors;
              if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
                journalValidate22.errors = [
                  {
                    instancePath: instancePath + "/stage",
                    schemaPath: "#/$defs/StageIndex/type",
                    keyword: "type",
                    params: { type: "integer" },
                  },
                ];
                return false;
              }
              if (errors === _errs7) {
                if (typeof data2 == "number" && isFinite(data2)) {
                  if (data2 > 99 || isNaN(data2)) {
                    journalValidate22.errors = [
                      {
                        instancePath: instancePath + "/stage",
                        schemaPath: "#/$defs/StageIndex/maximum",
                        keyword: "maximum",
                        params: { comparison: "<=", limit: 99 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2 < -1 || isNaN(data2)) {
                      journalValidate22.errors = [
                        {
                          instancePath: instancePath + "/stage",
                          schemaPath: "#/$defs/StageIndex/minimum",
                          keyword: "minimum",
                          params: { comparison: ">=", limit: -1 },
                        },
                      ];
                      return false;
                    }
                  }
                }
              }
              var valid0 = _errs6 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.offer !== undefined) {
                let data3 = data.offer;
                const _errs9 = errors;
                const _errs10 = errors;
                if (errors === _errs10) {
                  if (data3 && typeof data3 == "object" && !Array.isArray(data3)) {
                    let missing1;
                    if (
                      (data3.id === undefined && (missing1 = "id")) ||
                      (data3.counter === undefined && (missing1 = "counter")) ||
                      (data3.parts === undefined && (missing1 = "parts"))
                    ) {
                      journalValidate22.errors = [
                        {
                          instancePath: instancePath + "/offer",
                          schemaPath: "#/$defs/JournalOffer/required",
                          keyword: "required",
                          params: { missingProperty: missing1 },
                        },
                      ];
                      return false;
                    } else {
                      if (data3.id !== undefined) {
                        const _errs13 = errors;
                        if (typeof data3.id !== "string") {
                          journalValidate22.errors = [
                            {
                              instancePath: instancePath + "/offer/id",
                              schemaPath: "#/$defs/JournalOffer/properties/id/type",
                              keyword: "type",
                              params: { type: "string" },
                            },
                          ];
                          return false;
                        }
                        var valid4 = _errs13 === errors;
                      } else {
                        var valid4 = true;
                      }
                      if (valid4) {
                        if (data3.counter !== undefined) {
                          let data5 = data3.counter;
                          const _errs15 = errors;
                          if (errors === _errs15) {
                            if (Array.isArray(data5)) {
                              if (data5.length > 2) {
                                journalValidate22.errors = [
                                  {
                                    instancePath: instancePath + "/offer/counter",
                                    schemaPath: "#/$defs/JournalOffer/properties/counter/maxItems",
                                    keyword: "maxItems",
                                    params: { limit: 2 },
                                  },
                                ];
                                return false;
                              } else {
                                if (data5.length < 2) {
                                  journalValidate22.errors = [
                                    {
                                      instancePath: instancePath + "/offer/counter",
                                      schemaPath: "#/$defs/JournalOffer/properties/counter/minItems",
                                      keyword: "minItems",
                                      params: { limit: 2 },
                                    },
                                  ];
                                  return false;
                                } else {
                                  const len0 = data5.length;
                                  if (len0 > 0) {
                                    let data6 = data5[0];
                                    const _errs17 = errors;
                                    if (
                                      !(typeof data6 == "number" && !(data6 % 1) && !isNaN(data6) && isFinite(data6))
                                    ) {
                                      journalValidate22.errors = [
                                        {
                                          instancePath: instancePath + "/offer/counter/0",
                                          schemaPath: "#/$defs/JournalOffer/properties/counter/prefixItems/0/type",
                                          keyword: "type",
                                          params: { type: "integer" },
                                        },
                                      ];
                                      return false;
                                    }
                                    var valid5 = _errs17 === errors;
                                  }
                                  if (valid5) {
                                    if (len0 > 1) {
                                      let data7 = data5[1];
                                      const _errs19 = errors;
                                      if (
                                        !(typeof data7 == "number" && !(data7 % 1) && !isNaN(data7) && isFinite(data7))
                                      ) {
                                        journalValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/offer/counter/1",
                                            schemaPath: "#/$defs/JournalOffer/properties/counter/prefixItems/1/type",
                                            keyword: "type",
                                            params: { type: "integer" },
                                          },
                                        ];
                                        return false;
                                      }
                                      var valid5 = _errs19 === errors;
                                    }
                                    if (valid5) {
                                      const len1 = data5.length;
                                      if (!(len1 <= 2)) {
                                        journalValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/offer/counter",
                                            schemaPath: "#/$defs/JournalOffer/properties/counter/items",
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
                              journalValidate22.errors = [
                                {
                                  instancePath: instancePath + "/offer/counter",
                                  schemaPath: "#/$defs/JournalOffer/properties/counter/type",
                                  keyword: "type",
                                  params: { type: "array" },
                                },
                              ];
                              return false;
                            }
                          }
                          var valid4 = _errs15 === errors;
                        } else {
                          var valid4 = true;
                        }
                        if (valid4) {
                          if (data3.parts !== undefined) {
                            let data8 = data3.parts;
                            const _errs21 = errors;
                            if (errors === _errs21) {
                              if (Array.isArray(data8)) {
                                var valid6 = true;
                                const len2 = data8.length;
                                for (let i0 = 0; i0 < len2; i0++) {
                                  let data9 = data8[i0];
                                  const _errs23 = errors;
                                  if (errors === _errs23) {
                                    if (data9 && typeof data9 == "object" && !Array.isArray(data9)) {
                                      let missing2;
                                      if (
                                        (data9.topics === undefined && (missing2 = "topics")) ||
                                        (data9.envelope === undefined && (missing2 = "envelope"))
                                      ) {
                                        journalValidate22.errors = [
                                          {
                                            instancePath: instancePath + "/offer/parts/" + i0,
                                            schemaPath: "#/$defs/JournalOffer/properties/parts/items/required",
                                            keyword: "required",
                                            params: { missingProperty: missing2 },
                                          },
                                        ];
                                        return false;
                                      } else {
                                        if (data9.topics !== undefined) {
                                          let data10 = data9.topics;
                                          const _errs26 = errors;
                                          if (errors === _errs26) {
                                            if (Array.isArray(data10)) {
                                              var valid8 = true;
                                              const len3 = data10.length;
                                              for (let i1 = 0; i1 < len3; i1++) {
                                                const _errs28 = errors;
                                                if (typeof data10[i1] !== "string") {
                                                  journalValidate22.errors = [
                                                    {
                                                      instancePath:
                                                        instancePath + "/offer/parts/" + i0 + "/topics/" + i1,
                                                      schemaPath:
                                                        "#/$defs/JournalOffer/properties/parts/items/properties/topics/items/type",
                                                      keyword: "type",
                                                      params: { type: "string" },
                                                    },
                                                  ];
                                                  return false;
                                                }
                                                var valid8 = _errs28 === errors;
                                                if (!valid8) {
                                                  break;
                                                }
                                              }
                                            } else {
                                              journalValidate22.errors = [
                                                {
                                                  instancePath: instancePath + "/offer/parts/" + i0 + "/topics",
                                                  schemaPath:
                                                    "#/$defs/JournalOffer/properties/parts/items/properties/topics/type",
                                                  keyword: "type",
                                                  params: { type: "array" },
                                                },
                                              ];
                                              return false;
                                            }
                                          }
                                          var valid7 = _errs26 === errors;
                                        } else {
                                          var valid7 = true;
                                        }
                                        if (valid7) {
                                          if (data9.envelope !== undefined) {
                                            const _errs30 = errors;
                                            if (typeof data9.envelope !== "string") {
                                              journalValidate22.errors = [
                                                {
                                                  instancePath: instancePath + "/offer/parts/" + i0 + "/envelope",
                                                  schemaPath:
                                                    "#/$defs/JournalOffer/properties/parts/items/properties/envelope/type",
                                                  keyword: "type",
                                                  params: { type: "string" },
                                                },
                                              ];
                                              return false;
                                            }
                                            var valid7 = _errs30 === errors;
                                          } else {
                                            var valid7 = true;
                                          }
                                        }
                                      }
                                    } else {
                                      journalValidate22.errors = [
                                        {
                                          instancePath: instancePath + "/offer/parts/" + i0,
                                          schemaPath: "#/$defs/JournalOffer/properties/parts/items/type",
                                          keyword: "type",
                                          params: { type: "object" },
                                        },
                                      ];
                                      return false;
                                    }
                                  }
                                  var valid6 = _errs23 === errors;
                                  if (!valid6) {
                                    break;
                                  }
                                }
                              } else {
                                journalValidate22.errors = [
                                  {
                                    instancePath: instancePath + "/offer/parts",
                                    schemaPath: "#/$defs/JournalOffer/properties/parts/type",
                                    keyword: "type",
                                    params: { type: "array" },
                                  },
                                ];
                                return false;
                              }
                            }
                            var valid4 = _errs21 === errors;
                          } else {
                            var valid4 = true;
                          }
                        }
                      }
                    }
                  } else {
                    journalValidate22.errors = [
                      {
                        instancePath: instancePath + "/offer",
                        schemaPath: "#/$defs/JournalOffer/type",
                        keyword: "type",
                        params: { type: "object" },
                      },
                    ];
                    return false;
                  }
                }
                var valid0 = _errs9 === errors;
              } else {
                var valid0 = true;
              }
            }
          }
        }
      }
    } else {
      journalValidate22.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate22.errors = vErrors;
  return errors === 0;
}
journalValidate22.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
const journalSchema40 = {
  type: "object",
  required: ["type", "at", "stage", "device", "end"],
  properties: {
    type: { const: "ended" },
    at: { $ref: "#/$defs/RecordTime" },
    stage: { $ref: "#/$defs/StageIndex" },
    device: { type: "string", pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", maxLength: 64 },
    end: { $ref: "#/$defs/RolloutEnd" },
    error: {
      type: "object",
      required: ["code", "message"],
      properties: { code: { type: "string" }, message: { type: "string" } },
      additionalProperties: true,
    },
  },
  additionalProperties: true,
};
const journalSchema43 = { type: "string", enum: ["confirmed", "failed", "already", "unable"] };
const journalPattern6 = new RegExp("^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", "u");
function journalValidate23(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate23.evaluated;
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
        (data.type === undefined && (missing0 = "type")) ||
        (data.at === undefined && (missing0 = "at")) ||
        (data.stage === undefined && (missing0 = "stage")) ||
        (data.device === undefined && (missing0 = "device")) ||
        (data.end === undefined && (missing0 = "end"))
      ) {
        journalValidate23.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("ended" !== data.type) {
            journalValidate23.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "ended" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate23.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.stage !== undefined) {
              let data2 = data.stage;
              const _errs6 = errors;
              const _errs7 = errors;
              if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
                journalValidate23.errors = [
                  {
                    instancePath: instancePath + "/stage",
                    schemaPath: "#/$defs/StageIndex/type",
                    keyword: "type",
                    params: { type: "integer" },
                  },
                ];
                return false;
              }
              if (errors === _errs7) {
                if (typeof data2 == "number" && isFinite(data2)) {
                  if (data2 > 99 || isNaN(data2)) {
                    journalValidate23.errors = [
                      {
                        instancePath: instancePath + "/stage",
                        schemaPath: "#/$defs/StageIndex/maximum",
                        keyword: "maximum",
                        params: { comparison: "<=", limit: 99 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2 < -1 || isNaN(data2)) {
                      journalValidate23.errors = [
                        {
                          instancePath: instancePath + "/stage",
                          schemaPath: "#/$defs/StageIndex/minimum",
                          keyword: "minimum",
                          params: { comparison: ">=", limit: -1 },
                        },
                      ];
                      return false;
                    }
                  }
                }
              }
              var valid0 = _errs6 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.device !== undefined) {
                let data3 = data.device;
                const _errs9 = errors;
                if (errors === _errs9) {
                  if (typeof data3 === "string") {
                    if (data3.length > 64) {
                      journalValidate23.errors = [
                        {
                          instancePath: instancePath + "/device",
                          schemaPath: "#/properties/device/maxLength",
                          keyword: "maxLength",
                          params: { limit: 64 },
                        },
                      ];
                      return false;
                    } else {
                      if (!journalPattern6.test(data3)) {
                        journalValidate23.errors = [
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
                    journalValidate23.errors = [
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
                var valid0 = _errs9 === errors;
              } else {
                var valid0 = true;
              }
              if (valid0) {
                if (data.end !== undefined) {
                  let data4 = data.end;
                  const _errs11 = errors;
                  if (typeof data4 !== "string") {
                    journalValidate23.errors = [
                      {
                        instancePath: instancePath + "/end",
                        schemaPath: "#/$defs/RolloutEnd/type",
                        keyword: "type",
                        params: { type: "string" },
                      },
                    ];
                    return false;
                  }
                  if (!(data4 === "confirmed" || data4 === "failed" || data4 === "already" || data4 === "unable")) {
                    journalValidate23.errors = [
                      {
                        instancePath: instancePath + "/end",
                        schemaPath: "#/$defs/RolloutEnd/enum",
                        keyword: "enum",
                        params: { allowedValues: journalSchema43.enum },
                      },
                    ];
                    return false;
                  }
                  var valid0 = _errs11 === errors;
                } else {
                  var valid0 = true;
                }
                if (valid0) {
                  if (data.error !== undefined) {
                    let data5 = data.error;
                    const _errs14 = errors;
                    if (errors === _errs14) {
                      if (data5 && typeof data5 == "object" && !Array.isArray(data5)) {
                        let missing1;
                        if (
                          (data5.code === undefined && (missing1 = "code")) ||
                          (data5.message === undefined && (missing1 = "message"))
                        ) {
                          journalValidate23.errors = [
                            {
                              instancePath: instancePath + "/error",
                              schemaPath: "#/properties/error/required",
                              keyword: "required",
                              params: { missingProperty: missing1 },
                            },
                          ];
                          return false;
                        } else {
                          if (data5.code !== undefined) {
                            const _errs17 = errors;
                            if (typeof data5.code !== "string") {
                              journalValidate23.errors = [
                                {
                                  instancePath: instancePath + "/error/code",
                                  schemaPath: "#/properties/error/properties/code/type",
                                  keyword: "type",
                                  params: { type: "string" },
                                },
                              ];
                              return false;
                            }
                            var valid4 = _errs17 === errors;
                          } else {
                            var valid4 = true;
                          }
                          if (valid4) {
                            if (data5.message !== undefined) {
                              const _errs19 = errors;
                              if (typeof data5.message !== "string") {
                                journalValidate23.errors = [
                                  {
                                    instancePath: instancePath + "/error/message",
                                    schemaPath: "#/properties/error/properties/message/type",
                                    keyword: "type",
                                    params: { type: "string" },
                                  },
                                ];
                                return false;
                              }
                              var valid4 = _errs19 === errors;
                            } else {
                              var valid4 = true;
                            }
                          }
                        }
                      } else {
                        journalValidate23.errors = [
                          {
                            instancePath: instancePath + "/error",
                            schemaPath: "#/properties/error/type",
                            keyword: "type",
                            params: { type: "object" },
                          },
                        ];
                        return false;
                      }
                    }
                    var valid0 = _errs14 === errors;
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
      journalValidate23.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate23.errors = vErrors;
  return errors === 0;
}
journalValidate23.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
const journalSchema44 = {
  type: "object",
  required: ["type", "at", "stage", "open"],
  properties: {
    type: { const: "settled" },
    at: { $ref: "#/$defs/RecordTime" },
    stage: { $ref: "#/$defs/StageIndex" },
    open: { type: "array", items: { type: "string" } },
  },
  additionalProperties: true,
};
function journalValidate24(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate24.evaluated;
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
        (data.type === undefined && (missing0 = "type")) ||
        (data.at === undefined && (missing0 = "at")) ||
        (data.stage === undefined && (missing0 = "stage")) ||
        (data.open === undefined && (missing0 = "open"))
      ) {
        journalValidate24.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("settled" !== data.type) {
            journalValidate24.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "settled" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate24.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.stage !== undefined) {
              let data2 = data.stage;
              const _errs6 = errors;
              const _errs7 = errors;
              if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
                journalValidate24.errors = [
                  {
                    instancePath: instancePath + "/stage",
                    schemaPath: "#/$defs/StageIndex/type",
                    keyword: "type",
                    params: { type: "integer" },
                  },
                ];
                return false;
              }
              if (errors === _errs7) {
                if (typeof data2 == "number" && isFinite(data2)) {
                  if (data2 > 99 || isNaN(data2)) {
                    journalValidate24.errors = [
                      {
                        instancePath: instancePath + "/stage",
                        schemaPath: "#/$defs/StageIndex/maximum",
                        keyword: "maximum",
                        params: { comparison: "<=", limit: 99 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2 < -1 || isNaN(data2)) {
                      journalValidate24.errors = [
                        {
                          instancePath: instancePath + "/stage",
                          schemaPath: "#/$defs/StageIndex/minimum",
                          keyword: "minimum",
                          params: { comparison: ">=", limit: -1 },
                        },
                      ];
                      return false;
                    }
                  }
                }
              }
              var valid0 = _errs6 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.open !== undefined) {
                let data3 = data.open;
                const _errs9 = errors;
                if (errors === _errs9) {
                  if (Array.isArray(data3)) {
                    var valid3 = true;
                    const len0 = data3.length;
                    for (let i0 = 0; i0 < len0; i0++) {
                      const _errs11 = errors;
                      if (typeof data3[i0] !== "string") {
                        journalValidate24.errors = [
                          {
                            instancePath: instancePath + "/open/" + i0,
                            schemaPath: "#/properties/open/items/type",
                            keyword: "type",
                            params: { type: "string" },
                          },
                        ];
                        return false;
                      }
                      var valid3 = _errs11 === errors;
                      if (!valid3) {
                        break;
                      }
                    }
                  } else {
                    journalValidate24.errors = [
                      {
                        instancePath: instancePath + "/open",
                        schemaPath: "#/properties/open/type",
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
            }
          }
        }
      }
    } else {
      journalValidate24.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate24.errors = vErrors;
  return errors === 0;
}
journalValidate24.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
const journalSchema47 = {
  type: "object",
  required: ["type", "at", "request"],
  properties: {
    type: { const: "request" },
    at: { $ref: "#/$defs/RecordTime" },
    request: { $ref: "#/$defs/RolloutRequest" },
  },
  additionalProperties: true,
};
const journalSchema49 = { type: "string", enum: ["continue", "pause", "withdraw"] };
function journalValidate25(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate25.evaluated;
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
        (data.type === undefined && (missing0 = "type")) ||
        (data.at === undefined && (missing0 = "at")) ||
        (data.request === undefined && (missing0 = "request"))
      ) {
        journalValidate25.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("request" !== data.type) {
            journalValidate25.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "request" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate25.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.request !== undefined) {
              let data2 = data.request;
              const _errs6 = errors;
              if (typeof data2 !== "string") {
                journalValidate25.errors = [
                  {
                    instancePath: instancePath + "/request",
                    schemaPath: "#/$defs/RolloutRequest/type",
                    keyword: "type",
                    params: { type: "string" },
                  },
                ];
                return false;
              }
              if (!(data2 === "continue" || data2 === "pause" || data2 === "withdraw")) {
                journalValidate25.errors = [
                  {
                    instancePath: instancePath + "/request",
                    schemaPath: "#/$defs/RolloutRequest/enum",
                    keyword: "enum",
                    params: { allowedValues: journalSchema49.enum },
                  },
                ];
                return false;
              }
              var valid0 = _errs6 === errors;
            } else {
              var valid0 = true;
            }
          }
        }
      }
    } else {
      journalValidate25.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate25.errors = vErrors;
  return errors === 0;
}
journalValidate25.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
const journalSchema50 = {
  type: "object",
  required: ["type", "at", "stage", "reason"],
  properties: {
    type: { const: "stopping" },
    at: { $ref: "#/$defs/RecordTime" },
    stage: { $ref: "#/$defs/StageIndex" },
    reason: { $ref: "#/$defs/RolloutStop" },
  },
  additionalProperties: true,
};
const journalSchema53 = { type: "string", enum: ["failures", "withdrawn", "superseded", "nobody"] };
function journalValidate26(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate26.evaluated;
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
        (data.type === undefined && (missing0 = "type")) ||
        (data.at === undefined && (missing0 = "at")) ||
        (data.stage === undefined && (missing0 = "stage")) ||
        (data.reason === undefined && (missing0 = "reason"))
      ) {
        journalValidate26.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("stopping" !== data.type) {
            journalValidate26.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "stopping" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate26.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.stage !== undefined) {
              let data2 = data.stage;
              const _errs6 = errors;
              const _errs7 = errors;
              if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
                journalValidate26.errors = [
                  {
                    instancePath: instancePath + "/stage",
                    schemaPath: "#/$defs/StageIndex/type",
                    keyword: "type",
                    params: { type: "integer" },
                  },
                ];
                return false;
              }
              if (errors === _errs7) {
                if (typeof data2 == "number" && isFinite(data2)) {
                  if (data2 > 99 || isNaN(data2)) {
                    journalValidate26.errors = [
                      {
                        instancePath: instancePath + "/stage",
                        schemaPath: "#/$defs/StageIndex/maximum",
                        keyword: "maximum",
                        params: { comparison: "<=", limit: 99 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2 < -1 || isNaN(data2)) {
                      journalValidate26.errors = [
                        {
                          instancePath: instancePath + "/stage",
                          schemaPath: "#/$defs/StageIndex/minimum",
                          keyword: "minimum",
                          params: { comparison: ">=", limit: -1 },
                        },
                      ];
                      return false;
                    }
                  }
                }
              }
              var valid0 = _errs6 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.reason !== undefined) {
                let data3 = data.reason;
                const _errs9 = errors;
                if (typeof data3 !== "string") {
                  journalValidate26.errors = [
                    {
                      instancePath: instancePath + "/reason",
                      schemaPath: "#/$defs/RolloutStop/type",
                      keyword: "type",
                      params: { type: "string" },
                    },
                  ];
                  return false;
                }
                if (!(data3 === "failures" || data3 === "withdrawn" || data3 === "superseded" || data3 === "nobody")) {
                  journalValidate26.errors = [
                    {
                      instancePath: instancePath + "/reason",
                      schemaPath: "#/$defs/RolloutStop/enum",
                      keyword: "enum",
                      params: { allowedValues: journalSchema53.enum },
                    },
                  ];
                  return false;
                }
                var valid0 = _errs9 === errors;
              } else {
                var valid0 = true;
              }
            }
          }
        }
      }
    } else {
      journalValidate26.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate26.errors = vErrors;
  return errors === 0;
}
journalValidate26.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
const journalSchema54 = {
  type: "object",
  required: ["type", "at", "stage", "reason"],
  properties: {
    type: { const: "stopped" },
    at: { $ref: "#/$defs/RecordTime" },
    stage: { $ref: "#/$defs/StageIndex" },
    reason: { $ref: "#/$defs/RolloutStop" },
  },
  additionalProperties: true,
};
function journalValidate27(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate27.evaluated;
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
        (data.type === undefined && (missing0 = "type")) ||
        (data.at === undefined && (missing0 = "at")) ||
        (data.stage === undefined && (missing0 = "stage")) ||
        (data.reason === undefined && (missing0 = "reason"))
      ) {
        journalValidate27.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("stopped" !== data.type) {
            journalValidate27.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "stopped" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate27.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
          if (valid0) {
            if (data.stage !== undefined) {
              let data2 = data.stage;
              const _errs6 = errors;
              const _errs7 = errors;
              if (!(typeof data2 == "number" && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
                journalValidate27.errors = [
                  {
                    instancePath: instancePath + "/stage",
                    schemaPath: "#/$defs/StageIndex/type",
                    keyword: "type",
                    params: { type: "integer" },
                  },
                ];
                return false;
              }
              if (errors === _errs7) {
                if (typeof data2 == "number" && isFinite(data2)) {
                  if (data2 > 99 || isNaN(data2)) {
                    journalValidate27.errors = [
                      {
                        instancePath: instancePath + "/stage",
                        schemaPath: "#/$defs/StageIndex/maximum",
                        keyword: "maximum",
                        params: { comparison: "<=", limit: 99 },
                      },
                    ];
                    return false;
                  } else {
                    if (data2 < -1 || isNaN(data2)) {
                      journalValidate27.errors = [
                        {
                          instancePath: instancePath + "/stage",
                          schemaPath: "#/$defs/StageIndex/minimum",
                          keyword: "minimum",
                          params: { comparison: ">=", limit: -1 },
                        },
                      ];
                      return false;
                    }
                  }
                }
              }
              var valid0 = _errs6 === errors;
            } else {
              var valid0 = true;
            }
            if (valid0) {
              if (data.reason !== undefined) {
                let data3 = data.reason;
                const _errs9 = errors;
                if (typeof data3 !== "string") {
                  journalValidate27.errors = [
                    {
                      instancePath: instancePath + "/reason",
                      schemaPath: "#/$defs/RolloutStop/type",
                      keyword: "type",
                      params: { type: "string" },
                    },
                  ];
                  return false;
                }
                if (!(data3 === "failures" || data3 === "withdrawn" || data3 === "superseded" || data3 === "nobody")) {
                  journalValidate27.errors = [
                    {
                      instancePath: instancePath + "/reason",
                      schemaPath: "#/$defs/RolloutStop/enum",
                      keyword: "enum",
                      params: { allowedValues: journalSchema53.enum },
                    },
                  ];
                  return false;
                }
                var valid0 = _errs9 === errors;
              } else {
                var valid0 = true;
              }
            }
          }
        }
      }
    } else {
      journalValidate27.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate27.errors = vErrors;
  return errors === 0;
}
journalValidate27.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
const journalSchema58 = {
  type: "object",
  required: ["type", "at"],
  properties: { type: { const: "complete" }, at: { $ref: "#/$defs/RecordTime" } },
  additionalProperties: true,
};
function journalValidate28(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate28.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if ((data.type === undefined && (missing0 = "type")) || (data.at === undefined && (missing0 = "at"))) {
        journalValidate28.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        if (data.type !== undefined) {
          const _errs2 = errors;
          if ("complete" !== data.type) {
            journalValidate28.errors = [
              {
                instancePath: instancePath + "/type",
                schemaPath: "#/properties/type/const",
                keyword: "const",
                params: { allowedValue: "complete" },
              },
            ];
            return false;
          }
          var valid0 = _errs2 === errors;
        } else {
          var valid0 = true;
        }
        if (valid0) {
          if (data.at !== undefined) {
            let data1 = data.at;
            const _errs3 = errors;
            if (!(typeof data1 == "number" && isFinite(data1))) {
              journalValidate28.errors = [
                {
                  instancePath: instancePath + "/at",
                  schemaPath: "#/$defs/RecordTime/type",
                  keyword: "type",
                  params: { type: "number" },
                },
              ];
              return false;
            }
            var valid0 = _errs3 === errors;
          } else {
            var valid0 = true;
          }
        }
      }
    } else {
      journalValidate28.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate28.errors = vErrors;
  return errors === 0;
}
journalValidate28.evaluated = { props: true, dynamicProps: false, dynamicItems: false };
function journalValidate20(
  data,
  { instancePath = "", parentData, parentDataProperty, rootData = data, dynamicAnchors = {} } = {},
) {
  /*# sourceURL="schema:///journal-record.schema.json" */
  let vErrors = null;
  let errors = 0;
  const evaluated0 = journalValidate20.evaluated;
  if (evaluated0.dynamicProps) {
    evaluated0.props = undefined;
  }
  if (evaluated0.dynamicItems) {
    evaluated0.items = undefined;
  }
  if (errors === 0) {
    if (data && typeof data == "object" && !Array.isArray(data)) {
      let missing0;
      if ((data.type === undefined && (missing0 = "type")) || (data.at === undefined && (missing0 = "at"))) {
        journalValidate20.errors = [
          { instancePath, schemaPath: "#/required", keyword: "required", params: { missingProperty: missing0 } },
        ];
        return false;
      } else {
        const tag0 = data.type;
        if (typeof tag0 == "string") {
          if (tag0 === "rollout") {
            if (!journalValidate21(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate21.errors : vErrors.concat(journalValidate21.errors);
              errors = vErrors.length;
            }
            var props0 = true;
          } else if (tag0 === "offer") {
            if (!journalValidate22(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate22.errors : vErrors.concat(journalValidate22.errors);
              errors = vErrors.length;
            }
            if (props0 !== true) {
              props0 = true;
            }
          } else if (tag0 === "ended") {
            if (!journalValidate23(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate23.errors : vErrors.concat(journalValidate23.errors);
              errors = vErrors.length;
            }
            if (props0 !== true) {
              props0 = true;
            }
          } else if (tag0 === "settled") {
            if (!journalValidate24(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate24.errors : vErrors.concat(journalValidate24.errors);
              errors = vErrors.length;
            }
            if (props0 !== true) {
              props0 = true;
            }
          } else if (tag0 === "request") {
            if (!journalValidate25(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate25.errors : vErrors.concat(journalValidate25.errors);
              errors = vErrors.length;
            }
            if (props0 !== true) {
              props0 = true;
            }
          } else if (tag0 === "stopping") {
            if (!journalValidate26(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate26.errors : vErrors.concat(journalValidate26.errors);
              errors = vErrors.length;
            }
            if (props0 !== true) {
              props0 = true;
            }
          } else if (tag0 === "stopped") {
            if (!journalValidate27(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate27.errors : vErrors.concat(journalValidate27.errors);
              errors = vErrors.length;
            }
            if (props0 !== true) {
              props0 = true;
            }
          } else if (tag0 === "complete") {
            if (!journalValidate28(data, { instancePath, parentData, parentDataProperty, rootData, dynamicAnchors })) {
              vErrors = vErrors === null ? journalValidate28.errors : vErrors.concat(journalValidate28.errors);
              errors = vErrors.length;
            }
            if (props0 !== true) {
              props0 = true;
            }
          } else {
            journalValidate20.errors = [
              {
                instancePath,
                schemaPath: "#/discriminator",
                keyword: "discriminator",
                params: { error: "mapping", tag: "type", tagValue: tag0 },
              },
            ];
            return false;
          }
        } else {
          journalValidate20.errors = [
            {
              instancePath,
              schemaPath: "#/discriminator",
              keyword: "discriminator",
              params: { error: "tag", tag: "type", tagValue: tag0 },
            },
          ];
          return false;
        }
      }
    } else {
      journalValidate20.errors = [{ instancePath, schemaPath: "#/type", keyword: "type", params: { type: "object" } }];
      return false;
    }
  }
  journalValidate20.errors = vErrors;
  evaluated0.props = props0;
  return errors === 0;
}
journalValidate20.evaluated = { dynamicProps: true, dynamicItems: false };
