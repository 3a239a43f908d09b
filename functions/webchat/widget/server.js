// The desk over HTTP: JSON, problems (RFC 9457) and uploads.

/** Milliseconds after which an answer is no longer waited for. */
const PATIENCE = 20_000;

/** Why the desk did not do something. Status 0: it was not reached. */
class Problem extends Error {
  constructor(status, code, seconds) {
    super(code);
    this.status = status;
    this.code = code;
    this.seconds = seconds;
  }

  /** Whether the same request may succeed later. */
  get transient() {
    return [0, 408, 425, 429].includes(this.status) || this.status >= 500;
  }

  /** Milliseconds to wait: what the server asks for, else a longer time with each attempt. */
  wait(attempt) {
    return this.seconds ? this.seconds * 1000 : backoff(this.status === 429 ? attempt + 3 : attempt);
  }
}

/** `Retry-After` in seconds. A date is not read: the browser's clock may be wrong. */
function retryAfter(text) {
  const seconds = /^\d+$/.test(text ?? "") ? Number(text) : 0;
  return Math.min(seconds, 600);
}

class Server {
  #base;

  /** `base` ends with a slash. */
  constructor(base) {
    this.#base = base;
  }

  /** An address of the desk's, or `null` where a link must not lead. */
  link(address) {
    return webAddress(address, this.#base);
  }

  get(path, token) {
    return this.#request("GET", path, token);
  }

  post(path, body, token) {
    return this.#request("POST", path, token, body);
  }

  async #request(method, path, token, body) {
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      const answer = await fetch(this.#base + path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        credentials: "omit",
        cache: "no-store",
        signal: patience.signal,
      });
      if (answer.ok) return answer.status === 204 ? null : await answer.json();
      const problem = await answer.json().catch(() => ({}));
      throw new Problem(answer.status, String(problem.code ?? ""), retryAfter(answer.headers.get("Retry-After")));
    } catch (error) {
      throw error instanceof Problem ? error : new Problem(0, "unreachable");
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Posts a file with the form that the desk signed. `progress` is called with a share from 0 to 1, and `signal` ends
   * it. `XMLHttpRequest`, because `fetch` tells nothing of an upload's progress.
   */
  upload({ method, url, fields }, file, progress, signal) {
    return new Promise((resolve, reject) => {
      const form = new FormData();
      for (const [name, value] of Object.entries(fields)) form.append(name, value);
      form.append("file", file);
      const request = new XMLHttpRequest();
      request.open(method ?? "POST", new URL(url, this.#base));
      request.upload.onprogress = ({ loaded, total }) => progress(total ? loaded / total : 0);
      request.onload = () => {
        if (request.status >= 200 && request.status < 300) resolve();
        else reject(new Problem(request.status, "upload_refused"));
      };
      request.onerror = request.onabort = () => reject(new Problem(0, "unreachable"));
      signal.addEventListener("abort", () => request.abort());
      request.send(form);
    });
  }
}

/** An absolute http(s) address, or `null`: no other scheme becomes a link. */
function webAddress(address, base) {
  try {
    const url = new URL(address, base);
    return ["http:", "https:"].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** An id that nobody else makes. `crypto.randomUUID` is missing on pages without TLS. */
function freshId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
