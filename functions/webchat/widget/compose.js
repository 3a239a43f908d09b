// Where the visitor writes: text, files, and an address when nobody is at the desk.

/** The longest text, in characters. */
const MOST_TEXT = 10_000;
/** The largest file, in bytes, and how many of them a message carries. */
const MOST_BYTES = 50 * 1024 * 1024;
const MOST_FILES = 10;

class Compose {
  #texts;
  #language;
  #conversation;
  #drafts;
  #say;
  #files = [];
  #text;
  #send;
  #chips;
  #address;
  #email;
  #name;
  #withoutEmail = false;

  /** `drafts` keeps a text until it is sent; `say` tells the visitor what is wrong. */
  constructor({ language, conversation, drafts, say }) {
    this.#language = language;
    this.#texts = TEXTS[language];
    this.#conversation = conversation;
    this.#drafts = drafts;
    this.#say = say;
    this.element = this.#build();
    this.#text.value = drafts.get("text") ?? "";
    this.#typed();
  }

  focus() {
    this.#text.focus({ preventScroll: true });
  }

  /** Makes the field as high as its text. */
  fit() {
    const { style, offsetHeight, clientHeight } = this.#text;
    style.height = "auto";
    if (offsetHeight) style.height = `${this.#text.scrollHeight + offsetHeight - clientHeight}px`;
  }

  /** Forgets what was written. */
  clear() {
    for (const file of this.#files) file.ended.abort();
    this.#files = [];
    this.#text.value = "";
    this.#email.value = "";
    this.#name.value = "";
    this.#withoutEmail = false;
    this.#chips.replaceChildren();
    this.#typed();
  }

  /** Takes up what the conversation says: whether an address is asked for, whether there is a chat at all. */
  render() {
    const { session, trouble } = this.#conversation;
    this.#address.hidden = session?.form !== "email" || this.#withoutEmail;
    this.element.hidden = trouble === "closed";
  }

  #build() {
    const texts = this.#texts;
    this.#email = element("input", { type: "email", id: "email", autocomplete: "email", maxlength: "254", dir: "ltr" });
    this.#name = element("input", { type: "text", id: "name", autocomplete: "name", maxlength: "100" });
    this.#address = element(
      "fieldset",
      { class: "address", hidden: true },
      element("legend", {}, texts.awayForm),
      element("label", { for: "email" }, texts.email),
      this.#email,
      element("label", { for: "name" }, texts.name),
      this.#name,
      element("button", { type: "button", class: "act", onclick: () => this.#skipAddress() }, texts.withoutEmail),
    );
    this.#text = element("textarea", {
      id: "text",
      rows: "1",
      placeholder: texts.write,
      "aria-describedby": "hint",
      oninput: () => this.#input(),
      onkeydown: (event) => this.#key(event),
      onpaste: (event) => this.#paste(event),
    });
    this.#send = element("button", { type: "submit", class: "round send", "aria-label": texts.send }, icon("send"));
    this.#chips = element("ul", { class: "chips" });
    const picker = element("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", class: "picker" });
    picker.addEventListener("change", () => {
      this.add(picker.files);
      picker.value = "";
    });
    const attach = { type: "button", class: "round attach", "aria-label": texts.attach, onclick: () => picker.click() };
    return element(
      "form",
      { class: "compose", novalidate: true, onsubmit: (event) => this.#submit(event) },
      this.#address,
      this.#chips,
      element(
        "div",
        { class: "row" },
        element("button", attach, icon("attach")),
        picker,
        element("label", { for: "text", class: "unseen" }, texts.write),
        this.#text,
        this.#send,
      ),
      element("p", { id: "hint", class: "hint" }, texts.hint),
    );
  }

  #skipAddress() {
    this.#withoutEmail = true;
    this.render();
    this.focus();
  }

  #input() {
    this.#drafts.set("text", this.#text.value);
    this.#typed();
    if (this.#text.value.trim()) this.#conversation.typed();
  }

  #typed() {
    this.fit();
    const count = characters(this.#text.value);
    this.#say(count > MOST_TEXT ? this.#texts.tooLong(count, MOST_TEXT) : "");
  }

  #key(event) {
    // While an input method is composing, Enter chooses a word. Safari says so by the key code alone.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.element.requestSubmit();
  }

  #paste(event) {
    const files = event.clipboardData?.files;
    if (!files?.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    this.add(files);
  }

  #submit(event) {
    event.preventDefault();
    const texts = this.#texts;
    const text = this.#text.value.trim();
    const files = this.#files;
    if (!text && files.length === 0) return this.focus();
    const count = characters(text);
    if (count > MOST_TEXT) return this.#say(texts.tooLong(count, MOST_TEXT));
    const broken = files.find(({ failed }) => failed);
    if (broken) return this.#say(texts.notUploaded(broken.name));
    if (files.some(({ done }) => !done)) return this.#say(texts.waitForFiles);
    const message = {};
    if (text) message.text = text;
    if (files.length > 0) message.attachments = files.map(({ done }) => done);
    if (!this.#address.hidden) {
      this.#email.value = this.#email.value.trim();
      if (!this.#email.value || !this.#email.checkValidity()) {
        this.#email.setAttribute("aria-invalid", "true");
        this.#email.focus();
        return this.#say(texts.badEmail);
      }
      this.#email.removeAttribute("aria-invalid");
      message.email = this.#email.value;
      if (this.#name.value.trim()) message.name = this.#name.value.trim();
    }
    this.#files = [];
    this.#chips.replaceChildren();
    this.#text.value = "";
    this.#drafts.delete("text");
    this.#typed();
    this.#conversation.send(message);
    this.focus();
  }

  // --- Files

  /** Begins to upload files that were chosen, dropped or pasted. */
  add(files) {
    for (const file of files) {
      if (this.#files.length >= MOST_FILES) return this.#say(this.#texts.tooMany);
      if (file.size > MOST_BYTES) this.#say(this.#texts.tooLarge(file.name));
      // An empty file, or a folder that was dropped.
      else if (file.size === 0) this.#say(this.#texts.notUploaded(file.name));
      else this.#upload(file);
    }
    this.focus();
  }

  #upload(file) {
    const texts = this.#texts;
    const entry = { name: file.name, ended: new AbortController(), done: null, failed: false };
    const bar = element("progress", { max: "1", value: "0", "aria-label": texts.uploading(file.name) });
    const remove = { type: "button", class: "act", "aria-label": texts.remove(file.name) };
    const chip = element(
      "li",
      {},
      element("span", { class: "name" }, file.name),
      element("span", { class: "size" }, sizeText(file.size, this.#language)),
      bar,
      element("button", { ...remove, onclick: () => this.#take(entry, chip) }, "✕"),
    );
    this.#files.push(entry);
    this.#chips.append(chip);
    const progress = (share) => (bar.value = share);
    this.#conversation.attach(file, progress, entry.ended.signal).then(
      (done) => {
        entry.done = done;
        bar.remove();
        this.#say("");
      },
      () => {
        if (entry.ended.signal.aborted) return;
        entry.failed = true;
        this.#say(texts.notUploaded(file.name));
        const retry = () => {
          this.#take(entry, chip);
          this.#upload(file);
        };
        bar.replaceWith(element("button", { type: "button", class: "act", onclick: retry }, texts.retry));
      },
    );
  }

  #take(entry, chip) {
    entry.ended.abort();
    this.#files = this.#files.filter((other) => other !== entry);
    chip.remove();
    this.#say("");
    this.focus();
  }
}

/** Characters as the desk counts them: code points. */
function characters(text) {
  return Array.from(text).length;
}
