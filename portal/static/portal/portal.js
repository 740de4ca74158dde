// @ts-check
/**
 * Makes the portal nicer, never possible: without this script every page and form works as an ordinary one.
 *
 * data-dialog          on a form or link: its answer is shown in the <dialog> of base.html
 * data-dialog-content  on the part of that answer to show (else the whole <main>)
 * data-reload          on that part: the page behind it changed, so load it again when the dialog closes
 * data-dialog-close    on a link or button: closes the dialog it is in
 * data-copy="id"       on a button: copies the text of that element and says so in the [role=status] after it
 * data-poll            on a form: asks it again every few seconds and shows the [data-poll-answer] of the answer in
 *                      its own, until one is data-done; its button asks at once
 */

/** @typedef {HTMLFormElement | HTMLAnchorElement} Source */

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("dialog"));
const body = /** @type {HTMLElement} */ (dialog.querySelector(".dialog__body"));
const unreachable = /** @type {HTMLTemplateElement} */ (document.getElementById("unreachable"));

/** Show `content` in the dialog, named after its heading, with the focus where the reader starts.
 * @param {Node} content */
function show(content) {
  body.replaceChildren(content);
  prepare(body);
  const heading = /** @type {HTMLElement} */ (body.querySelector("h1"));
  heading.id ||= "dialog-heading";
  heading.tabIndex = -1;
  dialog.setAttribute("aria-labelledby", heading.id);
  if (!dialog.open) dialog.showModal();
  const start = /** @type {HTMLElement | null} */ (body.querySelector("[autofocus], input:not([type=hidden])"));
  (start ?? heading).focus();
  dialog.scrollTop = 0;
}

/** Say that no answer came; what was typed in the dialog stays. */
function showUnreachable() {
  const content = /** @type {DocumentFragment} */ (unreachable.content.cloneNode(true));
  if (!dialog.open) return show(content);
  body.querySelector(":scope > [role=alert]")?.remove();
  body.prepend(/** @type {Element} */ (content.querySelector("[role=alert]")));
  dialog.scrollTop = 0;
}

/** Go where an answer leads. This very page only gets its new <main>: its message is shown once, and is in there.
 * @param {string} address @param {Document} page */
function follow(address, page) {
  const [old, main] = [document, page].map((root) => root.querySelector("main"));
  if (!old || !main || new URL(address).pathname !== location.pathname) return location.assign(address);
  dialog.close();
  old.replaceWith(document.adoptNode(main));
  history.replaceState(null, "", address); // which may lack this page's query
  prepare(main);
  (/** @type {HTMLElement} */ (main.querySelector("[role=status][tabindex]") ?? main)).focus();
}

/** Ask the server what a form or link asks.
 * @param {Source} source @param {HTMLElement | null} submitter */
function ask(source, submitter) {
  if (source instanceof HTMLAnchorElement) return fetch(source.href);
  const values = new URLSearchParams(/** @type {any} */ (new FormData(source, submitter)));
  const url = new URL(source.getAttribute("action") ?? "", location.href);
  if (source.method === "post") return fetch(url, { method: "POST", body: values });
  url.search = values.toString();
  return fetch(url);
}

/** Show the answer in the dialog; one that leads elsewhere is a page of its own.
 * @param {Source} source @param {HTMLElement | null} submitter */
async function openDialog(source, submitter) {
  let showAnswer = showUnreachable;
  try {
    const answer = ask(source, submitter);
    setBusy(source, true);
    const response = await answer;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (response.redirected) return follow(response.url, page);
    const content = page.querySelector("[data-dialog-content]") ?? page.querySelector("main");
    if (content) showAnswer = () => show(document.adoptNode(content));
  } catch {} // no answer
  setBusy(source, false);
  const menu = submitter?.closest("details.menu")?.querySelector("summary");
  (menu ?? submitter)?.focus(); // closing the dialog gives the focus back to where it was
  closeMenus();
  showAnswer();
}

/** A form is sent once at a time.
 * @param {Source} source @param {boolean} busy */
function setBusy(source, busy) {
  for (const button of source.querySelectorAll("button")) button.disabled = busy;
}

/** @param {ParentNode} root */
function prepare(root) {
  if (navigator.clipboard) for (const button of root.querySelectorAll("[data-copy]")) button.removeAttribute("hidden");
  for (const form of root.querySelectorAll("form[data-poll]")) poll(/** @type {HTMLFormElement} */ (form));
}

/** @type {WeakMap<HTMLFormElement, number>} */
const polls = new WeakMap();

/** Ask a form again and again: until the answer is final, the form is gone, or ten minutes have passed.
 * @param {HTMLFormElement} form @param {number} left */
async function poll(form, left = 200) {
  if (!form.isConnected || !left || form.querySelector("[data-done]")) return;
  try {
    const response = await fetch(form.action);
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const [old, answer] = [form, page].map((root) => root.querySelector("[data-poll-answer]"));
    if (!old || !answer) return; // signed out, or deleted meanwhile
    if (old.textContent !== answer.textContent) old.replaceChildren(...answer.childNodes);
    if (answer.matches("[data-done]")) return form.querySelector("button")?.remove();
  } catch {} // no answer this time
  clearTimeout(polls.get(form));
  polls.set(form, setTimeout(poll, 3000, form, left - 1));
}

/** @param {HTMLElement} button */
async function copy({ dataset, nextElementSibling: status }) {
  const text = document.getElementById(dataset.copy ?? "")?.textContent ?? "";
  if (!status) return;
  status.textContent = "";
  const said = await navigator.clipboard.writeText(text.trim()).then(() => dataset.done, () => dataset.failed);
  status.textContent = said ?? "";
}

/** @param {Node | null} [except] */
function closeMenus(except = null) {
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(except)) menu.removeAttribute("open");
}

document.addEventListener("submit", (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.matches("[data-poll]")) {
    event.preventDefault();
    poll(form);
  } else if (form.matches("[data-dialog], dialog form")) {
    event.preventDefault();
    openDialog(form, event.submitter);
  } else if (form.method === "post") setTimeout(() => setBusy(form, true)); // once the browser has its values
});

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  closeMenus(target);
  const copyButton = /** @type {HTMLElement | null} */ (target.closest("[data-copy]"));
  if (copyButton) return copy(copyButton);
  const link = /** @type {HTMLAnchorElement | null} */ (target.closest("a[data-dialog]"));
  const closes = target.closest("dialog [data-dialog-close]");
  if ((!link && !closes) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (closes) dialog.close();
  else if (link) openDialog(link, link);
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  document.activeElement?.closest("details.menu[open]")?.querySelector("summary")?.focus();
  closeMenus();
});

// A closed dialog keeps nothing: it may have shown a secret.
dialog.addEventListener("close", () => {
  const reload = body.querySelector("[data-reload]");
  body.replaceChildren();
  if (reload) location.reload();
});

// The browser may keep this page for its Back button: then without a secret, and with buttons that work.
addEventListener("pagehide", () => {
  body.querySelector("[data-reload]")?.replaceChildren();
  dialog.close();
});
addEventListener("pageshow", () => Array.from(document.forms, (form) => setBusy(form, false)));

prepare(document);
