// The chat on the page: a button in the corner, and the dialog that it opens.

const ICONS = {
  chat: "M4 4h16a2 2 0 0 1 2 2v9a2 2 0 0 1-2 2H9l-5 4v-4a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M5 12h13M12 5l7 7-7 7",
  attach: "M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4L14.5 7",
};

/** A drawing for a button that has a label. */
function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  const path = document.createElementNS(space, "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

class Panel {
  #texts;
  #conversation;
  #tab;
  #host = document.createElement("lambdesk-chat");
  #root;
  #launcher;
  #badge;
  #panel;
  #title;
  #presence;
  #notice;
  #warning;
  #typing;
  #below;
  #announcer;
  #log;
  #compose;
  #lasting;
  #narrow = matchMedia("(max-width: 480px)");
  #overflow = null;
  #unread = 0;
  #scheduled = false;

  /** `tab` keeps what belongs to this tab: whether the chat is open, and the draft. */
  constructor({ language, conversation, server, tab, lasting }) {
    this.#texts = TEXTS[language];
    this.#conversation = conversation;
    this.#tab = tab;
    this.#log = new Log({ language, conversation, server, scrolled: () => this.#look() });
    this.#warning = element("p", { class: "warning", role: "alert" });
    const say = (text) => {
      if (this.#warning.textContent !== text) this.#warning.textContent = text;
    };
    this.#compose = new Compose({ language, conversation, drafts: tab, say });
    this.#lasting = lasting;
    this.#build(language);
    this.#listen();
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  /** Whether the visitor looks at the conversation. */
  get attended() {
    return this.isOpen && document.visibilityState === "visible";
  }

  open({ focus = true } = {}) {
    this.#panel.hidden = false;
    this.#launcher.hidden = true;
    this.#launcher.setAttribute("aria-expanded", "true");
    this.#tab.set("open", true);
    this.#fit();
    this.#render();
    this.#log.toEnd();
    this.#compose.fit();
    if (focus) this.#compose.focus();
    this.#conversation.refresh().catch(() => {});
  }

  close() {
    const within = this.#root.activeElement !== null;
    this.#panel.hidden = true;
    this.#launcher.hidden = false;
    this.#launcher.setAttribute("aria-expanded", "false");
    this.#tab.delete("open");
    this.#holdPage();
    if (within) this.#launcher.focus({ preventScroll: true });
  }

  /** Forgets what was written. */
  clear() {
    this.#tab.clear();
    this.#compose.clear();
    this.close();
  }

  /** Shows what changed, once for all changes of a moment. */
  changed() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      this.#render();
    });
  }

  #build(language) {
    const texts = this.#texts;
    this.#badge = element("span", { class: "badge", hidden: true, "aria-hidden": "true" });
    const launcher = { type: "button", class: "launcher", "aria-haspopup": "dialog", "aria-expanded": "false" };
    this.#launcher = element("button", { ...launcher, onclick: () => this.open() }, icon("chat"), this.#badge);
    this.#title = element("h2", { id: "title" });
    this.#presence = element("p", { class: "presence" });
    const close = { type: "button", class: "round close", "aria-label": texts.close, onclick: () => this.close() };
    this.#notice = element("p", { class: "notice", role: "status" });
    this.#typing = element("p", { class: "typing", "aria-live": "polite" });
    this.#below = element("button", { type: "button", class: "below", hidden: true }, `${texts.below} ↓`);
    this.#below.addEventListener("click", () => {
      this.#log.toEnd();
      this.#compose.focus();
    });
    this.#panel = element(
      "section",
      { class: "panel", role: "dialog", "aria-labelledby": "title", hidden: true, "data-drop": texts.drop },
      element(
        "header",
        {},
        element("div", {}, this.#title, this.#presence),
        element("button", close, icon("close")),
      ),
      this.#notice,
      element("div", { class: "middle" }, this.#log.element, this.#below),
      this.#typing,
      this.#warning,
      this.#compose.element,
    );
    this.#announcer = element("p", { class: "unseen", role: "status" });
    this.#root = this.#host.attachShadow({ mode: "open" });
    // A page that has no dark look gets no dark chat.
    const look = getComputedStyle(document.documentElement).colorScheme;
    const dark = `${look} ${document.querySelector("meta[name='color-scheme']")?.content}`.includes("dark");
    const frame = element("div", { class: dark ? "frame adapts" : "frame", lang: language, dir: "ltr" });
    frame.append(this.#launcher, this.#panel, this.#announcer);
    dress(this.#root);
    this.#root.append(frame);
    // Beside the body: a page may rebuild, move or hide its body.
    document.documentElement.append(this.#host);
  }

  #listen() {
    const panel = this.#panel;
    panel.addEventListener("keydown", (event) => this.#key(event));
    // What is typed here is no shortcut of the page's.
    for (const kind of ["keydown", "keyup", "keypress"]) {
      this.#host.addEventListener(kind, (event) => event.stopPropagation());
    }
    const files = (event) => event.dataTransfer?.types.includes("Files");
    panel.addEventListener("dragover", (event) => {
      if (!files(event)) return;
      event.preventDefault();
      panel.classList.add("drop");
    });
    panel.addEventListener("dragleave", (event) => {
      if (!panel.contains(event.relatedTarget)) panel.classList.remove("drop");
    });
    panel.addEventListener("drop", (event) => {
      panel.classList.remove("drop");
      if (!files(event)) return;
      event.preventDefault();
      this.#compose.add(event.dataTransfer.files);
    });
    const wake = () => {
      if (document.visibilityState !== "visible") return;
      if (this.isOpen || this.#conversation.begun) this.#conversation.wake();
      this.#look();
    };
    document.addEventListener("visibilitychange", wake);
    for (const event of ["online", "offline", "pageshow"]) addEventListener(event, wake);
    const fit = () => this.#fit();
    for (const event of ["resize", "scroll"]) window.visualViewport?.addEventListener(event, fit);
    this.#narrow.addEventListener("change", fit);
  }

  #key(event) {
    if (event.key === "Escape" && !event.isComposing) {
      event.preventDefault();
      this.close();
    } else if (event.key === "Tab" && this.#narrow.matches) {
      this.#keepFocus(event);
    }
  }

  /** Full screen, there is nothing else to go to. */
  #keepFocus(event) {
    const all = [...this.#panel.querySelectorAll("button, textarea, input, a, [tabindex='0']")];
    const reachable = all.filter((one) => one.tabIndex >= 0 && !one.disabled && one.getClientRects().length > 0);
    const edge = event.shiftKey ? reachable[0] : reachable.at(-1);
    if (this.#root.activeElement !== edge) return;
    event.preventDefault();
    (event.shiftKey ? reachable.at(-1) : reachable[0]).focus();
  }

  /** Full screen, the page behind has nothing to scroll: its scrollbar would stand beside the chat. */
  #holdPage() {
    const { style } = document.documentElement;
    const hold = this.isOpen && this.#narrow.matches;
    if (hold === (this.#overflow !== null)) return;
    if (hold) {
      this.#overflow = [style.getPropertyValue("overflow"), style.getPropertyPriority("overflow")];
      style.setProperty("overflow", "hidden", "important");
    } else {
      style.setProperty("overflow", ...this.#overflow);
      this.#overflow = null;
    }
  }

  /** On a phone the dialog takes what the keyboard leaves of the screen. Who zooms in wants it to stay as it is. */
  #fit() {
    const seen = window.visualViewport;
    const { style } = this.#panel;
    this.#panel.setAttribute("aria-modal", String(this.#narrow.matches));
    this.#holdPage();
    if (seen?.scale > 1.01) return;
    const full = seen && this.#narrow.matches && this.isOpen;
    style.height = full ? `${seen.height}px` : "";
    style.top = full ? `${seen.offsetTop}px` : "";
    style.bottom = full ? "auto" : "";
  }

  #render() {
    const { session, trouble, typing, unread } = this.#conversation;
    const texts = this.#texts;
    write(this.#title, session?.title || texts.title);
    write(this.#presence, session ? texts[presence(session)] : "");
    this.#presence.classList.toggle("here", Boolean(session?.online));
    write(this.#notice, trouble ? texts[trouble] : this.#lasting ? "" : texts.storage);
    write(this.#typing, typing ? texts.typing(typing.author || session?.title || texts.desk) : "");
    this.#compose.render();
    this.#log.render();
    this.#look();
    const left = this.#conversation.unread;
    this.#badge.hidden = left === 0;
    write(this.#badge, left > 99 ? "99+" : String(left));
    this.#launcher.setAttribute("aria-label", left ? texts.unread(left) : texts.open);
    if (unread > this.#unread && !this.isOpen) write(this.#announcer, `${texts.arrived}: ${left}`);
    this.#unread = left;
    this.#below.hidden = left === 0 || this.#log.atEnd;
  }

  /** What is on the screen before the visitor's eyes is read. */
  #look() {
    if (this.attended && this.#log.atEnd) {
      this.#below.hidden = true;
      if (this.#conversation.unread > 0) this.#conversation.seen();
    }
  }
}

/** The name of the text that tells whether somebody is there, and where the answer will be if not. */
function presence({ online, form, by_mail: byMail }) {
  if (online) return "online";
  if (byMail) return "awayByMail";
  return form ? "away" : "awayHere";
}

/** Sets a text that is read out when it changes, and only then. */
function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Styles the shadow root: by a sheet that no policy of the page forbids, else by an element. */
function dress(root) {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    root.append(element("style", {}, STYLE));
  }
}
