// What the visitor wrote and the desk does not have yet. It outlives the page, and every tab can send it.

class Outbox {
  /** Whether what waits was tried in vain. */
  delayed = false;

  #shelf;
  #deliver;
  #changed;
  #messages = new Map();
  #sending = false;
  #attempts = 0;
  #alarm = new Alarm();

  /** `deliver(message)` brings a message to the desk, or rejects with a `Problem`. */
  constructor({ shelf, deliver, changed }) {
    this.#shelf = shelf;
    this.#deliver = deliver;
    this.#changed = changed;
    this.read();
  }

  /** In the order of writing. `state` is `waiting`, `sent` until the history has it, or `failed` with a `code`. */
  get messages() {
    return [...this.#messages.values()].sort((a, b) => a.number - b.number);
  }

  /** Keeps a message until the desk has it: `{text?, attachments?, email?, name?}`. */
  add(message) {
    const number = (this.messages.at(-1)?.number ?? 0) + 1;
    this.#put({ ...message, client_id: freshId(), number, state: "waiting" });
    this.flush();
  }

  retry(id) {
    this.#mark(id, { state: "waiting" });
    this.#alarm.clear();
    this.flush();
  }

  remove(id) {
    this.#messages.delete(id);
    this.#shelf.delete(`out:${id}`);
  }

  clear() {
    for (const id of this.#messages.keys()) this.remove(id);
  }

  /** Takes up what another tab did. */
  read() {
    const kept = this.#shelf.names("out:").map((name) => this.#shelf.get(name));
    this.#messages = new Map(kept.filter((one) => one?.client_id).map((one) => [one.client_id, one]));
  }

  /** Does not wait any longer, unless the desk asked for it. */
  hurry() {
    this.#alarm.hurry();
    this.flush();
  }

  /** Sends in the order of writing. The desk takes each `client_id` once, so that two tabs may do it at once. */
  async flush() {
    if (this.#sending || this.#alarm.pending) return;
    this.#sending = true;
    for (let message; (message = this.messages.find(({ state }) => state === "waiting")); ) {
      this.#changed();
      try {
        await this.#deliver(message);
        this.#attempts = 0;
        this.delayed = false;
        this.#mark(message.client_id, { state: "sent" });
      } catch (problem) {
        if (problem.transient) {
          this.delayed = true;
          this.#alarm.set(problem.wait(this.#attempts++), () => this.flush(), problem.seconds > 0);
          break;
        }
        this.#mark(message.client_id, { state: "failed", code: problem.code });
      }
    }
    this.#sending = false;
    this.#changed();
  }

  #mark(id, change) {
    const message = this.#messages.get(id);
    if (message) this.#put({ ...message, ...change });
  }

  #put(message) {
    this.#messages.set(message.client_id, message);
    this.#shelf.set(`out:${message.client_id}`, message);
  }
}
