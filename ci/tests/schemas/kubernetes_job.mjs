// Reads a Job of batch/v1 as JSON and says what its schema has against it: nothing, with status 0.
import { readFileSync } from "node:fs";
import { Job } from "kubernetes-models/batch/v1";

try {
    new Job(JSON.parse(readFileSync(0, "utf8"))).validate();
} catch (error) {
    console.log(error.message);
    process.exit(1);
}
