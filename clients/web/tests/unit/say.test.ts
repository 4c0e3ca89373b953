// @vitest-environment happy-dom
import { beforeEach, describe, expect, test, vi } from "vitest";

import { ApiError, Http } from "../../src/api/http";
import { i18n, useLocale } from "../../src/i18n";
import { Disconnected, Refused } from "../../src/live/connection";
import { sentenceFor } from "../../src/ui/say";

import { FakeServer } from "./scripted";

const OWN = "Сначала завершите текущий рейс.";

beforeEach(() => useLocale("ru"));

describe("a failure is told", () => {
  test("by the server when it speaks the reader's language, also for codes that the page does not know", () => {
    expect(sentenceFor(new ApiError("driver_busy", 409, "Слова сервера.", false, null, "ru"))).toBe("Слова сервера.");
    expect(sentenceFor(new ApiError("brand_new", 409, "Слова сервера.", false, null, "ru"))).toBe("Слова сервера.");
    expect(sentenceFor(new Refused("brand_new", "Слова сервера.", false, "ru"))).toBe("Слова сервера.");
  });

  test("by the page when the server speaks another language, or nobody does", () => {
    expect(sentenceFor(new ApiError("driver_busy", 409, "Finish it.", false, null, "en"))).toBe(OWN);
    expect(sentenceFor(new ApiError("driver_busy", 409, "Finish it.", false))).toBe(OWN);
    expect(sentenceFor(new Refused("driver_busy", "Finish it.", false, "en"))).toBe(OWN);
    expect(sentenceFor(new Disconnected("not connected"))).toBe(i18n.global.t("error.disconnected"));
    expect(sentenceFor(new TypeError(""))).toBe(i18n.global.t("error.internal"));
  });

  test("in whatever language there is for a code that the page does not know", () => {
    expect(sentenceFor(new ApiError("brand_new", 409, "Finish it.", false, null, "en"))).toBe("Finish it.");
  });
});

describe("the HTTP client", () => {
  const answer = (problem: object, lang = "ru"): Promise<unknown> => {
    const headers = { "Content-Language": lang };
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(problem), { status: 409, headers })));
    const http = new Http({ token: () => null, renew: () => Promise.resolve(false) });
    return http.get("/api/v1/me").catch((error: unknown) => error);
  };

  test("asks for the language of the page at the moment of the call", async () => {
    const asked: string[] = [];
    vi.stubGlobal("fetch", (_: string, request: RequestInit) => {
      asked.push((request.headers as Record<string, string>)["Accept-Language"] ?? "");
      return Promise.resolve(new Response("{}", { status: 200 }));
    });
    let lang = "kk";
    const http = new Http({ token: () => null, renew: () => Promise.resolve(false) }, () => lang);
    await http.get("/api/v1/me");
    lang = "zh";
    await http.get("/api/v1/me");
    expect(asked).toEqual(["kk", "zh"]);
  });

  test("says the title, and the detail behind it when it tells more", async () => {
    const problem = { code: "busy", status: 409, title: "Подождите.", detail: "новый код через 30 с", retry: true };
    expect(await answer(problem)).toMatchObject({ message: "Подождите. Новый код через 30 с", lang: "ru" });
    expect(await answer({ ...problem, detail: "Подождите." })).toMatchObject({ message: "Подождите." });
    expect(await answer({ ...problem, title: "请稍候。", detail: "30秒后重试" }, "zh")).toMatchObject({
      message: "请稍候。30秒后重试",
      lang: "zh",
    });
  });
});

test("a socket is opened in the language of the page, and its refusals are known to be in that one", async () => {
  const server = new FakeServer();
  server.lang = "kk";
  server.answer = (message) => ({ type: "error", id: "id" in message ? message.id : null, code: "busy", message: "Күтіңіз.", retry: true });
  server.connection.start();
  await vi.waitFor(() => expect(server.links).toHaveLength(1));
  server.links[0]?.welcome();
  server.lang = "ru"; // chosen meanwhile: this link goes on in Kazakh
  await expect(server.connection.command({ type: "ping" })).rejects.toMatchObject({ message: "Күтіңіз.", lang: "kk" });
  expect(server.opened).toEqual(["kk"]);
  server.connection.stop();
});
