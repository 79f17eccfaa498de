export { type GenerateNvsPartitionOptions, generateNvsPartition } from "./generate-nvs-partition.ts";
