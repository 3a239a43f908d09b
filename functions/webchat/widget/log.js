// The messages on the page. All that came over the network becomes text, never markup.

const LINK = /https?:\/\/[^\s<>"'`]+/gi;
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
/** Milliseconds after which a file's link is renewed before it is followed. */
const LINK_HOLDS = 180_000;
/** Pixels from the end that still count as the end. */
const NEAR_END = 48;

/** An element with attributes, listeners (`onclick`) and children; strings become text. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== undefined && child !== null));
  return made;
}

/** A link that tells the other side nothing and cannot reach back. */
function outwardLink(href, attributes, ...children) {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow", ...attributes }, ...children);
}

/** A text with its addresses made clickable. */
function linked(text) {
  const parts = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const address = trimmed(found);
    const href = webAddress(address);
    if (!href) continue;
    parts.push(text.slice(end, index), outwardLink(href, {}, address));
    end = index + address.length;
  }
  return [...parts, text.slice(end)];
}

/** An address without the punctuation of the sentence around it. */
function trimmed(address) {
  const plain = address.replace(/[.,;:!?…»”]+$/u, "");
  const closes = plain.endsWith(")") && plain.split("(").length < plain.split(")").length;
  return closes ? trimmed(plain.slice(0, -1)) : plain;
}

class Log {
  /** Whether the visitor has the last message before them. */
  atEnd = true;

  #language;
  #texts;
  #conversation;
  #server;
  #list;
  #shown = new Map();
  #linksAt = performance.now();
  #clock;
  #calendar;

  constructor({ language, conversation, server, scrolled }) {
    this.#language = language;
    this.#texts = TEXTS[language];
    this.#conversation = conversation;
    this.#server = server;
    this.#clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
    this.#calendar = new Intl.DateTimeFormat(language, { day: "numeric", month: "long" });
    this.#list = element("ol");
    this.element = element(
      "div",
      { class: "log", role: "log", tabindex: "0", "aria-label": this.#texts.log },
      this.#list,
    );
    this.element.addEventListener("scroll", () => {
      const { scrollHeight, scrollTop, clientHeight } = this.element;
      this.atEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
      scrolled();
    });
    // The field below grew, an image has come, the keyboard went: who was at the end stays there.
    const resized = new ResizeObserver(() => this.atEnd && this.toEnd());
    resized.observe(this.element);
    resized.observe(this.#list);
  }

  toEnd() {
    this.atEnd = true;
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** Makes the page say what the conversation has; what is right already is not touched. */
  render() {
    const rows = this.#rows();
    const wanted = new Set(rows.map(({ key }) => key));
    for (const [key, { node }] of this.#shown) {
      if (wanted.has(key)) continue;
      node.remove();
      this.#shown.delete(key);
    }
    let place = this.#list.firstChild;
    for (const row of rows) {
      const node = this.#node(row);
      if (node === place) place = place.nextSibling;
      else this.#list.insertBefore(node, place);
    }
    if (this.atEnd || rows.at(-1)?.fresh) this.toEnd();
  }

  /** The entries, with the day before the first of each and the greeting before everything. */
  #rows() {
    const { entries, session } = this.#conversation;
    const rows = [];
    let day;
    let author;
    const { greeting } = session ?? {};
    if (greeting) entries.unshift({ key: "greeting", from: "desk", text: greeting, state: "greeting" });
    for (const entry of entries) {
      const at = new Date(entry.at ?? NaN);
      const date = Number.isNaN(at.getTime()) ? day : this.#calendar.format(at);
      if (date !== day) rows.push({ key: `day before ${entry.key}`, date });
      const name = entry.from === "desk" ? entry.author || session?.title || this.#texts.desk : this.#texts.you;
      rows.push({ ...entry, name, follows: name === author && date === day });
      [day, author] = [date, name];
    }
    const last = rows.at(-1);
    if (last?.from === "visitor" && !this.#shown.has(last.key)) last.fresh = true;
    return rows;
  }

  #node(row) {
    const { fresh, ...content } = row;
    const face = JSON.stringify(content);
    const shown = this.#shown.get(row.key);
    if (shown?.face === face) return shown.node;
    const node = shown?.node ?? element("li");
    if (row.date) {
      node.className = "day";
      node.textContent = row.date;
    } else {
      node.className = `entry ${row.from === "desk" ? "desk" : "visitor"} ${row.follows ? "follows" : ""}`;
      node.replaceChildren(...this.#entry(row));
    }
    this.#shown.set(row.key, { face, node });
    return node;
  }

  #entry(row) {
    const bubble = element("div", { class: "bubble" });
    if (row.text?.trim()) bubble.append(element("p", { class: "text", dir: "auto" }, ...linked(row.text)));
    for (const file of row.attachments ?? []) bubble.append(this.#file(file));
    const who = element("span", { class: row.from === "desk" ? "author" : "author unseen" }, row.name);
    return [who, bubble, ...this.#state(row)];
  }

  #state({ state, at, client_id, code }) {
    const texts = this.#texts;
    const time = new Date(at ?? NaN);
    if (state === "there" && !Number.isNaN(time.getTime())) {
      return [element("time", { class: "state", datetime: at }, this.#clock.format(time))];
    }
    if (!["sending", "sent", "delayed", "failed"].includes(state)) return [];
    const line = element("span", { class: `state ${state}`, "aria-live": "off" }, texts[state]);
    const act = (label, action) => element("button", { type: "button", class: "act", onclick: action }, label);
    if (code) line.title = code;
    if (state === "delayed" || state === "failed") {
      line.append(" ", act(texts.retry, () => this.#conversation.retry(client_id)));
    }
    if (state === "failed") line.append(" ", act(texts.discard, () => this.#conversation.discard(client_id)));
    return [line];
  }

  #file({ name, size, content_type: type, url }) {
    const label = `${name}, ${sizeText(size, this.#language)}`;
    const href = url && this.#server.link(url);
    if (!href) return element("p", { class: "file" }, label);
    const follow = (event) => this.#follow(event);
    if (!IMAGES.includes(type)) return outwardLink(href, { class: "file", onclick: follow }, label);
    const failed = () => this.#renewOnce();
    const image = element("img", { src: href, alt: name, onerror: failed });
    return outwardLink(href, { class: "image", onclick: follow }, image);
  }

  /** Renews a link that may have run out, and follows it then. */
  async #follow(event) {
    if (performance.now() - this.#linksAt < LINK_HOLDS) return;
    event.preventDefault();
    const entry = event.currentTarget.closest("li");
    const links = () => [...entry.querySelectorAll("a.file, a.image")];
    const place = links().indexOf(event.currentTarget);
    await this.#renew();
    links()[place]?.click();
  }

  async #renew() {
    this.#linksAt = performance.now();
    await this.#conversation.renewLinks().catch(() => {});
    this.render();
  }

  #renewOnce() {
    if (performance.now() - this.#linksAt > LINK_HOLDS) this.#renew();
  }
}
