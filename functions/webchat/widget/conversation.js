// The visitor's conversation: what was said, what is still to be sent, and what was seen. Knows nothing of the page.

/** How many messages the desk is asked for at once. */
const PAGE = 50;
/** Milliseconds between two signs that the visitor types. */
const TYPING_EVERY = 3000;
/** Milliseconds for which a sign that the desk types is shown. */
const TYPING_SHOWN = 6000;
/** Milliseconds after which the desk is asked anew whether somebody is there. */
const STALE = 300_000;

class Conversation {
  /** What the desk said of itself: `title`, `greeting`, `online`, `form`. */
  session = null;
  /** What the visitor should be told: `lost`, `busy`, `closed`, or nothing. */
  trouble = null;
  /** Who types at the desk. */
  typing = null;

  #server;
  #shelf;
  #changed;
  #live;
  #history = [];
  #hints = new Map();
  #cursor = null;
  #outbox;
  #begun = 0;
  #opening = null;
  #syncing = null;
  #again = false;
  #unreported = null;
  #typedAt = -Infinity;
  #alarms = { session: new Alarm(), typing: new Alarm() };

  /** `changed()` is called after every change, `attended()` tells whether the visitor looks. */
  constructor({ server, shelf, changed, attended }) {
    this.#server = server;
    this.#shelf = shelf;
    this.#changed = changed;
    this.#live = new Live({
      news: () => this.sync(),
      frame: (frame) => this.#take(frame),
      refused: () => this.start().catch(() => {}),
      attended,
    });
    this.#outbox = new Outbox({ shelf, deliver: (message) => this.#deliver(message), changed });
    shelf.watch((name) => this.#elsewhere(name));
  }

  // --- What there is to show

  /** All messages in their order: the desk's history first, then what is not in it yet. */
  get entries() {
    const items = this.#items;
    const known = new Set(items.map((item) => item.client_id));
    const waiting = this.#outbox.messages.filter((message) => !known.has(message.client_id));
    const own = (message) => ({ ...message, key: message.client_id, from: "visitor", state: this.#state(message) });
    return [...items.map((item) => ({ ...item, key: item.client_id ?? item.id, state: "there" })), ...waiting.map(own)];
  }

  /** How many of the desk's messages the visitor has not seen. */
  get unread() {
    const unseen = this.#items.slice(this.#place(this.#shelf.get("read")) + 1);
    return unseen.filter((item) => item.from === "desk").length;
  }

  /** Whether there is something to wait for: a visitor who never wrote costs the desk nothing. */
  get begun() {
    return Boolean(this.#shelf.get("visitor")?.begun) || this.#outbox.messages.length > 0;
  }

  get #items() {
    return [...this.#history, ...this.#hints.values()];
  }

  #state(message) {
    if (message.state !== "waiting") return message.state;
    return this.#outbox.delayed || this.trouble === "lost" ? "delayed" : "sending";
  }

  // --- The session

  /** Begins, or begins anew where what the desk said of itself may have changed. */
  async refresh() {
    if (!this.session || performance.now() - this.#begun > STALE) await this.start();
    else this.wake();
  }

  /**
   * Opens the session, once at a time, for as long as it takes. With `identity`, a token of the shop's server, for the
   * customer whom it names. Rejects with a `Problem` that does not pass.
   */
  start(identity) {
    const before = this.#opening;
    if (before && !identity) return before;
    const opening = (async () => {
      await before?.catch(() => {});
      await this.#open(identity);
    })();
    this.#opening = opening;
    const done = () => {
      if (this.#opening === opening) this.#opening = null;
    };
    opening.then(done, done);
    return opening;
  }

  async #open(identity) {
    for (let attempt = 0; ; attempt++) {
      const token = this.#shelf.get("visitor")?.token;
      try {
        const session = await this.#server.post("session", { token, identity });
        // Another tab may have ended the conversation meanwhile.
        if (token && this.#shelf.get("visitor")?.token === undefined) continue;
        this.#begin(session, identity !== undefined);
        return;
      } catch (problem) {
        if (problem.code === "invalid_token" && token) {
          if (this.#shelf.get("visitor")?.token === token) this.#forget();
          continue;
        }
        this.#note(problem);
        if (!problem.transient) {
          if (!this.session && problem.code !== "invalid_identity") this.trouble = "closed";
          throw problem;
        }
        await new Promise((ring) => this.#alarms.session.set(problem.wait(attempt), ring, problem.seconds > 0));
      }
    }
  }

  #begin(session, identified) {
    const before = this.#shelf.get("visitor");
    if (before && before.visitor !== session.visitor) {
      this.#live.stop();
      this.#empty();
      // What a signed-in customer did not send is not the next one's to send.
      if (before.identified) this.#outbox.clear();
    }
    this.#shelf.set("visitor", {
      token: session.token,
      visitor: session.visitor,
      identified: identified || (before?.visitor === session.visitor && before.identified),
      begun: before?.begun,
    });
    this.session = session;
    this.#begun = performance.now();
    this.trouble = null;
    this.#changed();
    this.#live.start(session.live, session.token, session.polling_seconds);
    this.sync();
    this.#outbox.flush();
  }

  /** Goes on as the customer whom `identity` names; rejects when the desk does not believe it. */
  async identify(identity) {
    try {
      await this.start(identity);
      return { visitor: this.session.visitor, name: this.session.name };
    } catch (problem) {
      if (!this.session && this.begun) this.start().catch(() => {});
      throw problem;
    }
  }

  /** Ends this visitor's conversation on this browser. The next message is a new visitor's. */
  logout() {
    this.#forget();
    this.#outbox.clear();
    this.#changed();
  }

  #forget() {
    this.#live.stop();
    this.session = null;
    this.#empty();
    this.#shelf.delete("visitor");
    this.#shelf.delete("read");
  }

  #empty() {
    this.#history = [];
    this.#hints.clear();
    this.#cursor = null;
    this.#unreported = null;
    this.typing = null;
  }

  /** Does `request(token)`, and once more with a new token if the desk did not take this one. */
  async #call(request) {
    if (!this.session) await this.start();
    const { token } = this.session;
    try {
      return await request(token);
    } catch (problem) {
      if (problem.status !== 401) throw problem;
      if (this.session?.token === token) await this.start();
      // Logged out meanwhile.
      if (!this.session) throw problem;
      return await request(this.session.token);
    }
  }

  #note(problem) {
    if (problem.status === 429) this.trouble = "busy";
    else if (problem.transient) this.trouble = "lost";
    this.#changed();
  }

  /** The connection may be back, or the visitor is. */
  wake() {
    this.#alarms.session.hurry();
    this.#outbox.hurry();
    if (!this.session) return;
    this.#live.wake();
    this.sync();
  }

  /** Another tab changed what both keep. */
  #elsewhere(name) {
    if (name === "visitor" || name === null) {
      const visitor = this.#shelf.get("visitor");
      if (!visitor) {
        this.#forget();
      } else if (visitor.visitor === this.session?.visitor) {
        this.session.token = visitor.token;
      } else if (this.session) {
        this.#live.stop();
        this.session = null;
        this.#empty();
        this.start().catch(() => {});
      }
    }
    if (name === null || name.startsWith("out:")) this.#outbox.read();
    this.#changed();
  }

  // --- What the desk has

  /** Fetches what is new, once at a time. Resolves to whether the desk answered; never rejects. */
  sync() {
    this.#again = true;
    this.#syncing ??= this.#pull().finally(() => (this.#syncing = null));
    return this.#syncing;
  }

  async #pull() {
    while (this.#again) {
      this.#again = false;
      try {
        while (await this.#page());
      } catch (problem) {
        this.#note(problem);
        return false;
      }
      if (this.trouble === "lost" || !this.#outbox.delayed) this.trouble = null;
      this.#report();
      // The desk is there, so that nothing needs to wait; and what a closed tab left behind goes out.
      this.#outbox.hurry();
      this.#changed();
    }
    return true;
  }

  /** Fetches one page, and tells whether there is another. */
  async #page() {
    const cursor = this.#cursor;
    const after = cursor === null ? "" : `&after=${encodeURIComponent(cursor)}`;
    const { visitor } = this.session ?? {};
    const page = await this.#call((token) => this.#server.get(`messages?limit=${PAGE}${after}`, token));
    if (!this.session) return false;
    if (visitor !== this.session.visitor || cursor !== this.#cursor) return true;
    for (const item of page.items) this.#append(item);
    this.#cursor = page.cursor ?? cursor;
    return page.more && page.cursor !== cursor;
  }

  #append(item) {
    const hint = this.#hints.get(item.id);
    this.#hints.delete(item.id);
    if (this.#history.some(({ id }) => id === item.id)) return;
    this.#history.push(hint ?? item);
    this.#arrived(item);
  }

  #arrived(item) {
    if (item.from === "desk") this.typing = null;
    if (item.client_id) this.#outbox.remove(item.client_id);
    this.#engage();
  }

  /** From now on there is something to wait for. */
  #engage() {
    const visitor = this.#shelf.get("visitor");
    if (visitor && !visitor.begun) this.#shelf.set("visitor", { ...visitor, begun: true });
  }

  /** Fetches the links of files anew: those that the desk signs do not hold for long. */
  async renewLinks() {
    const page = await this.#call((token) => this.#server.get(`messages?limit=${PAGE}`, token));
    const fresh = new Map(page.items.map((item) => [item.id, item]));
    this.#history = this.#history.map((item) => fresh.get(item.id) ?? item);
    this.#changed();
  }

  /** A frame is a hint: what it brings is shown at once, and takes its place when the history confirms it. */
  #take(frame) {
    if (frame.type === "message" && frame.item?.id) {
      const { item } = frame;
      if (!this.#history.some(({ id }) => id === item.id)) {
        this.#hints.set(item.id, item);
        this.#arrived(item);
      }
    } else if (frame.type === "typing") {
      this.typing = { author: frame.author };
      this.#alarms.typing.set(TYPING_SHOWN, () => {
        this.typing = null;
        this.#changed();
      });
    } else if (frame.type === "read") {
      this.#read(frame.cursor);
    } else if (frame.type === "reload") {
      this.sync();
    }
    this.#changed();
  }

  // --- What the visitor has seen

  /** The visitor has seen everything that there is. */
  seen() {
    const last = this.#items.findLast((item) => item.from === "desk");
    if (!last || !this.#read(last.cursor)) return;
    this.#unreported = last.cursor;
    this.#report();
    this.#changed();
  }

  /** Whether this is news: marks only move forward. */
  #read(cursor) {
    if (this.#place(cursor) <= this.#place(this.#shelf.get("read"))) return false;
    this.#shelf.set("read", cursor);
    return true;
  }

  /** The last message up to a cursor. One that another tab knows and this one does not tells its time by its text. */
  #place(cursor) {
    const items = this.#items;
    const found = items.findIndex((item) => item.cursor === cursor);
    if (found >= 0 || typeof cursor !== "string") return found;
    return items.findLastIndex((item) => item.cursor <= cursor);
  }

  async #report() {
    const cursor = this.#unreported;
    if (cursor === null) return;
    this.#unreported = null;
    try {
      await this.#call((token) => this.#server.post("read", { cursor }, token));
    } catch (problem) {
      // Told again with the next news.
      if (problem.transient) this.#unreported ??= cursor;
    }
  }

  /** The visitor types. */
  typed() {
    if (!this.session || performance.now() - this.#typedAt < TYPING_EVERY) return;
    this.#typedAt = performance.now();
    if (this.#live.send({ type: "typing" })) return;
    this.#server.post("typing", {}, this.session.token).catch(() => {});
  }

  // --- What is to be sent

  /** Sends `{text?, attachments?, email?, name?}`. */
  send(message) {
    this.#typedAt = -Infinity;
    if (this.session && message.email) Object.assign(this.session, { form: null, by_mail: true });
    this.#engage();
    this.#outbox.add(message);
  }

  retry(id) {
    this.#outbox.retry(id);
  }

  discard(id) {
    this.#outbox.remove(id);
    this.#changed();
  }

  async #deliver({ client_id, text, attachments, email, name }) {
    const body = { client_id, text, attachments: attachments?.map(({ id }) => id), email, name };
    try {
      await this.#call((token) => this.#server.post("messages", body, token));
      this.trouble = null;
    } catch (problem) {
      this.#note(problem);
      throw problem;
    }
  }

  /** A place for a file, and how to bring it there. */
  async attach(file, progress, signal) {
    const announced = { name: file.name, size: file.size, content_type: file.type || "application/octet-stream" };
    const { id, upload } = await this.#call((token) => this.#server.post("attachments", announced, token));
    await this.#server.upload(upload, file, progress, signal);
    return { id, ...announced };
  }
}
