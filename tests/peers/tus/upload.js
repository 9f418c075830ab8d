// Uploads a file with tus-js-client: node upload.js URL TOKEN FILE MANIFEST [OPTIONS as JSON]; prints what came out.
import { readFileSync } from "node:fs";
import * as tus from "tus-js-client";

const [url, token, path, manifest, options = "{}"] = process.argv.slice(2);
const answers = [];
const upload = new tus.Upload(readFileSync(path), {
  endpoint: url,
  headers: { Authorization: `Bearer ${token}` },
  metadata: { manifest, filename: path },
  retryDelays: [0, 50, 100, 200, 400, 800],
  onAfterResponse: (request, response) =>
    answers.push({
      method: request.getMethod(),
      status: response.getStatus(),
      scan: response.getHeader("D2R-Scan") || null,
    }),
  onError: (error) => {
    console.log(JSON.stringify({ error: String(error), answers }));
    process.exit(1);
  },
  onSuccess: () => {
    console.log(JSON.stringify({ url: upload.url, answers }));
    process.exit(0);
  },
  ...JSON.parse(options),
});
upload.start();
