import { fileURLToPath } from "node:url";

import { quasar, transformAssetUrls } from "@quasar/vite-plugin";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const server = `http://127.0.0.1:${process.env["DESK_PORT"] ?? "8080"}`;

export default defineConfig({
  plugins: [
    vue({ template: { transformAssetUrls } }),
    quasar({ sassVariables: fileURLToPath(new URL("./src/ui/quasar.variables.scss", import.meta.url)) }),
  ],
  build: {
    target: "es2022",
    // The map chunk is one engine and a worker; it is loaded after the shell, so its size is expected.
    chunkSizeWarningLimit: 2500,
  },
  server: {
    proxy: {
      "/api": server,
      "/docs": server,
      "/ws": { target: server.replace("http", "ws"), ws: true },
    },
  },
  test: { environment: "node", include: ["tests/unit/**/*.test.ts"], restoreMocks: true },
});
