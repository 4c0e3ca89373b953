import type { Problem } from "../protocol/messages";

const ANSWER_MS = 15_000;

/** The server's refusal (RFC 9457), or `offline` when there was no answer at all. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    detail: string,
    readonly retry: boolean,
    readonly path: string | null = null,
  ) {
    super(detail);
  }
}

export interface Auth {
  /** The access token, if any. It lives in memory only. */
  token(): string | null;
  /** Renews it by the refresh cookie; false when the session has ended. */
  renew(): Promise<boolean>;
}

export interface Call {
  body?: unknown;
  query?: Record<string, string | number | undefined>;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Public calls carry no token and never renew one. */
  open?: boolean;
}

export class Http {
  constructor(private readonly auth: Auth) {}

  get<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>("GET", path, call);
  }

  post<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>("POST", path, call);
  }

  put<T>(path: string, call: Call = {}): Promise<T> {
    return this.send<T>("PUT", path, call);
  }

  private async send<T>(method: string, path: string, call: Call): Promise<T> {
    let response = await this.once(method, path, call);
    if (response.status === 401 && !call.open && (await this.auth.renew())) {
      response = await this.once(method, path, call);
    }
    if (!response.ok) throw await refusal(response);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async once(method: string, path: string, call: Call): Promise<Response> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const headers: Record<string, string> = { "X-Desk-Client": "web", ...call.headers };
    const token = call.open ? null : this.auth.token();
    if (token) headers["Authorization"] = `Bearer ${token}`;
    const request: RequestInit = { method, headers, credentials: "same-origin" };
    if (call.body !== undefined) {
      headers["Content-Type"] = "application/json";
      request.body = JSON.stringify(call.body);
    }
    const limit = AbortSignal.timeout(ANSWER_MS);
    request.signal = call.signal ? AbortSignal.any([call.signal, limit]) : limit;
    try {
      return await fetch(query.size ? `${path}?${query}` : path, request);
    } catch (error) {
      if (call.signal?.aborted) throw error;
      throw new ApiError("offline", 0, "no answer from the server", true);
    }
  }
}

async function refusal(response: Response): Promise<ApiError> {
  try {
    const problem = (await response.json()) as Partial<Problem>;
    return new ApiError(
      problem.code ?? "internal",
      response.status,
      problem.detail ?? problem.title ?? response.statusText,
      problem.retry ?? response.status >= 500,
      problem.path ?? null,
    );
  } catch {
    return new ApiError("internal", response.status, response.statusText, response.status >= 500);
  }
}
