// News from the desk: a WebSocket while there is one, and asking for it while there is not.

/** Milliseconds between two questions at most, while there should be a connection and is none. */
const POLL_EVERY = 5000;
/** Milliseconds between two pings: a gateway ends a connection that is silent for ten minutes. */
const PING_EVERY = 240_000;
/** Milliseconds in which a ping is answered, or the connection is dead. */
const PONG_WITHIN = 10_000;
/** How much more seldom the desk is asked while nobody looks. */
const UNATTENDED = 6;
/** The close code of a token that the desk does not take. */
const REFUSED = 4401;

class Live {
  #news;
  #frame;
  #refused;
  #attended;
  #address = null;
  #token = null;
  #polling = 10_000;
  #socket = null;
  #attempts = 0;
  #failures = 0;
  #reconnect = new Alarm();
  #poll = new Alarm();
  #ping = new Alarm();
  #pong = new Alarm();

  /**
   * `news()` asks the desk for what is new and tells whether it answered; `frame(frame)` takes what came; `refused()`
   * gets a new token; `attended()` tells whether somebody looks.
   */
  constructor({ news, frame, refused, attended }) {
    this.#news = news;
    this.#frame = frame;
    this.#refused = refused;
    this.#attended = attended;
  }

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Begins, or goes on with a newer token of the same visitor. */
  start(address, token, pollingSeconds) {
    if (address !== this.#address) this.#drop();
    this.#address = address;
    this.#token = token;
    this.#polling = Math.max(Number(pollingSeconds) || 0, 2) * 1000;
    if (!this.#socket && !this.#reconnect.pending) this.#connect();
    if (!this.#poll.pending) this.#schedulePoll();
  }

  stop() {
    this.#drop();
    this.#attempts = 0;
    for (const alarm of [this.#reconnect, this.#poll]) alarm.clear();
  }

  /** Whether the frame left. */
  send(frame) {
    if (!this.open) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** The connection may have come back, or gone without a word. */
  wake() {
    this.#check();
    this.#schedulePoll();
    this.#reconnect.hurry();
  }

  #connect() {
    this.#reconnect.clear();
    if (!this.#address) return;
    let socket;
    try {
      const url = new URL(this.#address);
      url.searchParams.set("token", this.#token);
      socket = new WebSocket(url);
    } catch {
      // The page's policy forbids it: asking remains.
      this.#address = null;
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      this.#schedulePing();
      this.#ask();
    };
    socket.onmessage = ({ data }) => {
      const frame = parsed(data);
      this.#pong.clear();
      // Only what the desk said proves the way: some proxies open a connection and close it at once.
      this.#attempts = 0;
      if (frame && frame.type !== "pong") this.#frame(frame);
    };
    socket.onclose = ({ code }) => {
      if (this.#socket !== socket) return;
      this.#drop();
      this.#schedulePoll();
      if (code === REFUSED) this.#refused();
      this.#reconnect.set(backoff(this.#attempts++), () => this.#connect());
    };
  }

  #drop() {
    const socket = this.#socket;
    this.#socket = null;
    this.#ping.clear();
    this.#pong.clear();
    socket?.close();
  }

  #schedulePing() {
    this.#ping.set(PING_EVERY, () => {
      this.#check();
      this.#schedulePing();
    });
  }

  #check() {
    if (this.#pong.pending || !this.send({ type: "ping" })) return;
    this.#pong.set(PONG_WITHIN, () => {
      this.#drop();
      this.#connect();
      this.#schedulePoll();
    });
  }

  /** Beside a connection as often as the desk wishes, because a push can get lost; else often enough to talk. */
  #schedulePoll() {
    const often = this.open ? this.#polling : Math.min(this.#polling, POLL_EVERY);
    const slower = (this.#attended() ? 1 : UNATTENDED) * 2 ** Math.min(this.#failures, 3);
    this.#poll.set(often * slower * (0.8 + Math.random() * 0.4), () => this.#ask());
  }

  async #ask() {
    this.#failures = (await this.#news()) ? 0 : this.#failures + 1;
    this.#schedulePoll();
  }
}

/** A frame's object, or `null`. */
function parsed(data) {
  try {
    const frame = JSON.parse(data);
    return frame !== null && typeof frame === "object" ? frame : null;
  } catch {
    return null;
  }
}
