// What a merchant's server in JavaScript does that lost the raw body: parses, stringifies, hashes.
// Standard input: a JSON array of {prefix, body, key, signature}, each in base64: the signature is
// the HMAC-SHA256 of prefix and body. Answers a line for each: valid or invalid.
import { createHmac, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";

const bytes = (text) => Buffer.from(text, "base64");

for (const { prefix, body, key, signature } of JSON.parse(readFileSync(0, "utf8"))) {
  const text = JSON.stringify(JSON.parse(bytes(body).toString("utf8")));
  const made = createHmac("sha256", bytes(key)).update(bytes(prefix)).update(text).digest();
  const given = bytes(signature);
  console.log(made.length === given.length && timingSafeEqual(made, given) ? "valid" : "invalid");
}
