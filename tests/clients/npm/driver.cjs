// Makes calls on one of npm's clients of Notch Pay, as a merchant's program would.
//
//   node driver.cjs FOLDER CLIENT BASE_URL OPTIONS
//
// Standard input: a line of JSON for each call, {"call": "payments.get", "arguments": […]}; for each
// a line comes back: {"value": …}, or {"error": {…}} with what the client threw.
"use strict";
const { createRequire } = require("node:module");
const { createInterface } = require("node:readline");

const HOST = "https://api.notchpay.co";
const [folder, name, baseUrl, options] = process.argv.slice(2);
const load = createRequire(`${folder}/`);

const clients = {
  // Made for browsers: the address is written into it, and it calls what the page has as fetch.
  "notchpay.js": ({ publicKey, ...rest }) => {
    global.window = { fetch: (url, init) => fetch(url.replace(HOST, baseUrl), init) };
    return load("notchpay.js")(publicKey, rest);
  },
  "notchpay-client": (keys) => {
    const { NotchpayClient } = load("./notchpay-client.cjs");
    const client = new NotchpayClient(keys);
    client.client.defaults.baseURL = baseUrl;
    return client;
  },
};

const client = clients[name](JSON.parse(options));

async function answer({ call, arguments: given }) {
  const path = call.split(".");
  const method = path.pop();
  const owner = path.reduce((object, key) => object[key], client);
  try {
    return { value: await owner[method](...given) };
  } catch (error) {
    const response = error.response ?? {};
    return { error: { message: error.message, status: response.status, body: response.data } };
  }
}

(async () => {
  for await (const line of createInterface({ input: process.stdin })) {
    console.log(JSON.stringify(await answer(JSON.parse(line))));
  }
})();
