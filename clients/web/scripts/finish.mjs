// After the build: the documentation pages join dist, and every text asset gets .br and .gz siblings, which the
// server sends as they are. Compressing once here is cheaper than compressing for each visitor.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const docs = new URL("./copy-docs.mjs", import.meta.url);
if (existsSync(docs)) await import(docs.href);

let saved = 0;
for (const entry of readdirSync(dist, { recursive: true })) {
  const path = join(dist, entry);
  if (!statSync(path).isFile() || !/\.(js|mjs|css|html|json|svg)$/.test(path)) continue;
  const raw = readFileSync(path);
  if (raw.length < 1024) continue;
  const brotli = brotliCompressSync(raw, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } });
  writeFileSync(`${path}.br`, brotli);
  writeFileSync(`${path}.gz`, gzipSync(raw, { level: 9 }));
  saved += raw.length - brotli.length;
}
console.log(`compressed: ${(saved / 1024).toFixed(0)} KiB saved`);
