// Whether standard input is an OpenAPI 3.1 document, whose references all lead somewhere. Prints
// each fault; the exit code is 1 if there is one.
import { readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";

/** Each fault on a line, with its place where the validator names one. */
function lines(errors) {
  if (!Array.isArray(errors)) return [String(errors)];
  return errors.map((error) => `${error.instancePath || "/"}: ${error.message}`);
}

const validator = new Validator();
const result = await validator.validate(JSON.parse(readFileSync(0, "utf8")));
const faults = result.valid ? [] : lines(result.errors);
if (result.valid && validator.version !== "3.1") faults.push(`OpenAPI ${validator.version}`);
for (const fault of faults) console.error(fault);
process.exitCode = faults.length === 0 ? 0 : 1;
