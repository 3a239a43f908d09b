// The script tag: `<script src="https://DESK/webchat/widget.js" data-connection="con_…" async></script>`, with
// `data-language="en"` or `"ru"` where the page's own `lang` does not say it.
//
// Afterwards the page has `window.lambdesk`, and is told so by the event `lambdesk-ready`:
//   identify(jwt)  a promise: the customer whom the shop's server names in a token that it signed
//   logout()       the next message is a new visitor's
//   open(), close()

function start(script) {
  const connection = script?.dataset.connection;
  if (!connection) return console.error("lambdesk: the script tag needs data-connection");
  if (window.lambdesk?.identify) return;

  const server = new Server(new URL(`${encodeURIComponent(connection)}/`, new URL("./", script.src)).href);
  const shelf = new Shelf("localStorage", `lambdesk:${connection}:`);
  const tab = new Shelf("sessionStorage", `lambdesk:${connection}:`);
  const wishes = [script.dataset.language, document.documentElement.lang, ...navigator.languages];
  const language = languageOf(wishes.filter(Boolean));

  let panel = null;
  const conversation = new Conversation({
    server,
    shelf,
    changed: () => panel?.changed(),
    attended: () => panel?.attended ?? false,
  });
  panel = new Panel({ language, conversation, server, tab, lasting: shelf.lasting });
  panel.changed();

  window.lambdesk = Object.freeze({
    identify: (jwt) => conversation.identify(String(jwt)),
    logout() {
      conversation.logout();
      panel.clear();
    },
    open: () => panel.open(),
    close: () => panel.close(),
  });
  if (tab.get("open")) panel.open({ focus: false });
  else if (conversation.begun) conversation.start().catch(() => {});
  dispatchEvent(new CustomEvent("lambdesk-ready"));
}

const script = document.currentScript;
// The page's own look is known when its head was read.
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => start(script));
else start(script);
