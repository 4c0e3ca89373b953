// The readers of the two API documents go beside the build, so that the server can show them offline.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const modules = fileURLToPath(new URL("../node_modules", import.meta.url));
const target = fileURLToPath(new URL("../dist/docs/assets", import.meta.url));

// Names here are those that server/http/docs.py serves.
const files = {
  "swagger-ui.css": "swagger-ui-dist/swagger-ui.css",
  "swagger-ui.js": "swagger-ui-dist/swagger-ui-bundle.js",
  "swagger-ui.LICENSE.txt": "swagger-ui-dist/swagger-ui-bundle.js.LICENSE.txt",
  "asyncapi.css": "@asyncapi/react-component/styles/default.min.css",
  "asyncapi.js": "@asyncapi/react-component/browser/standalone/index.js",
  "asyncapi.LICENSE.txt": "@asyncapi/react-component/browser/standalone/index.js.LICENSE.txt",
};

mkdirSync(target, { recursive: true });
for (const [name, source] of Object.entries(files)) copyFileSync(join(modules, source), join(target, name));
