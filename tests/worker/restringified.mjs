// What a merchant's server in JavaScript does that lost the raw body: parses, stringifies, hashes.
// Standard input: a JSON array of {body (base64), key, signature}; answers the same number of lines.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

for (const { body, key, signature } of JSON.parse(readFileSync(0, "utf8"))) {
  const text = JSON.stringify(JSON.parse(Buffer.from(body, "base64").toString("utf8")));
  const made = createHmac("sha256", key).update(text).digest();
  const given = Buffer.from(signature, "hex");
  console.log(made.length === given.length && timingSafeEqual(made, given) ? "valid" : "invalid");
}
