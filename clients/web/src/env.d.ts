/// <reference types="vite/client" />

interface Window {
  /** State for browser tests: `idle` once the map has drawn everything it was given. */
  __desk: { idle: boolean; trucks: number };
}
