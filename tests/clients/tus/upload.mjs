// Uploads a file by tus-js-client, in parts, and prints the address of the upload.
// usage: node upload.mjs <endpoint> <file> <bytes of a part>

import { createReadStream, statSync } from "node:fs";
import { basename } from "node:path";
import { Upload } from "tus-js-client";

const [endpoint, file, chunkSize] = process.argv.slice(2);

const upload = new Upload(createReadStream(file), {
  endpoint,
  chunkSize: Number(chunkSize),
  uploadSize: statSync(file).size,
  retryDelays: [100, 200, 400, 800, 1600, 3200, 6400, 12800],
  metadata: { filename: basename(file) },
  onError(error) {
    console.error(error);
    process.exit(1);
  },
  onChunkComplete(size, accepted) {
    console.error(`stored ${accepted}`);
  },
  onSuccess() {
    console.log(upload.url);
  },
});
upload.start();
