import { defineStore } from "pinia";
import { markRaw, ref, shallowRef } from "vue";

import { DeskApi } from "../api/desk";
import { ApiError, Http } from "../api/http";
import { spokenLang } from "../i18n";
import { ServerClock } from "../live/clock";
import { Connection, SessionOver, type Status } from "../live/connection";
import { openSocket } from "../live/socket";
import type { FactorAsked, SignedIn } from "../protocol/messages";
import { dropReferral, keptReferral } from "./referral";

export type Role = "driver" | "logistician" | "shipper" | "admin";

/** Says that there may be a refresh cookie, which a page cannot see: a newcomer's start asks nothing in vain. */
const HINT = "desk.signed-in";
const RENEW_BEFORE_S = 90;
const RENEW_LEAST_MS = 60_000;

/** Who is signed in, and the two ways to the server: REST and the live connection. */
export const useSession = defineStore("session", () => {
  const phase = ref<"unknown" | "out" | "in">("unknown");
  const user = ref<number | null>(null);
  const role = ref<Role | null>(null);
  const link = shallowRef<Status>({ phase: "idle", retryAt: null, code: null });

  let access: string | null = null; // in memory only: a reload asks the refresh cookie again
  let renewing: Promise<boolean> | null = null;
  let expiresAt = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const api = markRaw(new DeskApi(new Http({ token: () => access, renew }, spokenLang)));
  const clock = markRaw(new ServerClock());
  const connection = markRaw(
    new Connection({
      open: openSocket(location.origin.replace(/^http/, "ws")),
      ticket: async () => {
        try {
          return (await api.ticket()).ticket;
        } catch (error) {
          throw error instanceof ApiError && (error.status === 401 || error.status === 403)
            ? new SessionOver(error.message)
            : error;
        }
      },
      renew,
      lang: spokenLang,
      random: Math.random,
    }),
  );
  connection.onStatus((status) => {
    link.value = status;
    if (status.phase === "stopped" && status.code === 4401) leave();
  });
  connection.onWelcome((welcome) => {
    clock.set(welcome.server_time);
    planRenewal();
  });

  function enter(signed: SignedIn): void {
    access = signed.access;
    user.value = signed.user;
    role.value = signed.role as Role;
    phase.value = "in";
    localStorage.setItem(HINT, "1");
    expiresAt = signed.access_expires_at;
    planRenewal();
    connection.start();
    if (link.value.phase === "open") {
      // A refusal ends in close 4401, which is handled where closes are.
      connection.command({ type: "auth.renew", token: signed.access }).catch(() => undefined);
    }
  }

  function leave(): void {
    clearTimeout(timer);
    access = null;
    user.value = null;
    role.value = null;
    phase.value = "out";
    localStorage.removeItem(HINT);
    connection.stop();
  }

  /** By the server's clock once it is known; never in a loop on a phone whose own clock is wrong. */
  function planRenewal(delayMs = (expiresAt - RENEW_BEFORE_S - clock.now()) * 1000): void {
    clearTimeout(timer);
    const delay = Math.min(Math.max(delayMs, RENEW_LEAST_MS), 2 ** 31 - 1);
    timer = setTimeout(() => void renew().catch(() => undefined), delay); // a failed one has planned the next
  }

  /** One renewal at a time in this tab; and one tab at a time, since each use of the cookie replaces it. */
  function renew(): Promise<boolean> {
    renewing ??= alone(async () => {
      try {
        enter(await api.refresh());
        return true;
      } catch (error) {
        if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429) {
          leave();
          return false;
        }
        if (phase.value === "in") planRenewal(RENEW_LEAST_MS);
        throw error;
      }
    }).finally(() => (renewing = null));
    return renewing;
  }

  /** At start: the refresh cookie, if there is one, brings the session back. */
  async function restore(): Promise<void> {
    if (phase.value !== "unknown") return;
    if (localStorage.getItem(HINT) === null) {
      phase.value = "out";
      return;
    }
    try {
      await renew();
    } catch {
      phase.value = "out"; // no network: the sign-in page says so at the first try
    }
  }

  /** Null when that opened the session; staff are asked for their second factor first. */
  async function signIn(request: string, code: string): Promise<FactorAsked | null> {
    const answer = await api.verify(request, code, keptReferral());
    dropReferral();
    if (!("access" in answer)) return answer;
    enter(answer);
    return null;
  }

  /** The second half of a staff sign-in. Recovery codes come once, with the first code of a new app. */
  async function showFactor(challenge: string, code: string): Promise<string[]> {
    const signed = await api.showFactor(challenge, code);
    enter(signed);
    return signed.recovery_codes ?? [];
  }

  async function signOut(): Promise<void> {
    connection.stop(); // else the server's close 4401 may outrun its answer and ask the dead cookie for a renewal
    try {
      await api.signOut();
    } finally {
      leave();
    }
  }

  return { phase, user, role, link, api, clock, connection, restore, signIn, showFactor, signOut };
});

function alone<T>(work: () => Promise<T>): Promise<T> {
  // Web Locks exist in secure contexts only; elsewhere the server's grace for a raced cookie has to do.
  const locks = navigator.locks as LockManager | undefined;
  return locks ? locks.request("desk-renew", work) : work();
}
