// What outlives a page, and when to try again.

/**
 * Values that the browser keeps under a prefix. Other tabs see those of `localStorage`, too. Where the browser refuses
 * to keep something, it lasts as long as the page.
 */
class Shelf {
  #area = null;
  #prefix;
  #kept = new Map();

  constructor(kind, prefix) {
    this.#prefix = prefix;
    try {
      const area = window[kind];
      area.setItem(`${prefix}probe`, "1");
      area.removeItem(`${prefix}probe`);
      this.#area = area;
    } catch {
      // Blocked or full: the map has to do.
    }
  }

  /** Whether values outlive the page. */
  get lasting() {
    return this.#area !== null;
  }

  get(name) {
    if (this.#kept.has(name)) return this.#kept.get(name);
    try {
      return JSON.parse(this.#area?.getItem(this.#prefix + name) ?? "null");
    } catch {
      return null;
    }
  }

  set(name, value) {
    try {
      if (!this.#area) throw new Error("no storage");
      this.#area.setItem(this.#prefix + name, JSON.stringify(value));
      this.#kept.delete(name);
    } catch {
      this.#kept.set(name, value);
    }
  }

  delete(name) {
    this.#kept.delete(name);
    try {
      this.#area?.removeItem(this.#prefix + name);
    } catch {
      // What cannot be reached cannot be read either.
    }
  }

  /** The names that begin like this. */
  names(beginning = "") {
    const stored = this.#area ? Object.keys(this.#area) : [];
    const ours = stored.filter((key) => key.startsWith(this.#prefix)).map((key) => key.slice(this.#prefix.length));
    return [...new Set([...ours, ...this.#kept.keys()])].filter((name) => name.startsWith(beginning));
  }

  clear() {
    for (const name of this.names()) this.delete(name);
  }

  /** Calls back with the name of what another tab changed, or `null` when it took everything away. */
  watch(changed) {
    addEventListener("storage", ({ storageArea, key }) => {
      if (storageArea !== this.#area) return;
      if (key === null) changed(null);
      else if (key.startsWith(this.#prefix)) changed(key.slice(this.#prefix.length));
    });
  }
}

/** Milliseconds before the next attempt: twice as long each time, up to a minute, and never in step with others. */
function backoff(attempt) {
  return Math.min(60_000, 1000 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random() / 2);
}

/** One deadline. Made to ring early when the connection may be back, unless the server named the time. */
class Alarm {
  #timer = null;
  #ring = null;
  #firm = false;

  set(milliseconds, ring, firm = false) {
    this.clear();
    this.#ring = ring;
    this.#firm = firm;
    this.#timer = setTimeout(() => this.#now(), milliseconds);
  }

  get pending() {
    return this.#timer !== null;
  }

  hurry() {
    if (this.pending && !this.#firm) this.#now();
  }

  clear() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }

  #now() {
    this.clear();
    this.#ring();
  }
}
