// @ts-check
/**
 * Adds dialogs, copy buttons and live updates. Without this script every page and form works as an ordinary one.
 *
 * data-dialog          on a form or link: show its answer in the <dialog> of base.html
 * data-dialog-content  on the part of that answer to show (default: the whole <main>)
 * data-reload          on that part: the page behind the dialog changed, so fetch it again when the dialog closes
 * data-dialog-close    on a link or button: close the dialog it is in
 * data-copy="id"       on a button: copy the text of that element, and say so in the [role=status] beside it
 * data-poll            on a form: request it every few seconds and show the [data-poll-answer] of the answer in its
 *                      own, until one is data-done; its button requests it at once
 */

/** @typedef {HTMLFormElement | HTMLAnchorElement} Source */

const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("dialog"));
const content = /** @type {HTMLElement} */ (document.getElementById("dialog-content"));
const unreachable = /** @type {HTMLTemplateElement} */ (document.getElementById("unreachable"));

/** The id of what the dialog is about: its opener may be gone when the page behind it is fetched again. */
let subject = "";

/** Show `part` in the dialog, named after its heading, with the focus where the reader starts.
 * @param {Node} part */
function show(part) {
  content.replaceChildren(part);
  prepare(content);
  const heading = /** @type {HTMLElement} */ (content.querySelector("h1"));
  heading.id ||= "dialog-heading";
  heading.tabIndex = -1;
  dialog.setAttribute("aria-labelledby", heading.id);
  if (!dialog.open) dialog.showModal();
  const start = /** @type {HTMLElement | null} */ (content.querySelector("[autofocus], input:not([type=hidden])"));
  (start ?? heading).focus();
  dialog.scrollTop = 0;
}

/** Say that no answer came. What was typed in the dialog stays. */
function showUnreachable() {
  const part = /** @type {DocumentFragment} */ (unreachable.content.cloneNode(true));
  if (!dialog.open) return show(part);
  content.querySelector("[data-unreachable]")?.remove();
  const alert = /** @type {HTMLElement} */ (part.querySelector("[role=alert]"));
  alert.dataset.unreachable = "";
  content.querySelector("h1")?.after(alert);
  dialog.scrollTop = 0;
}

/** Go where an answer leads. A page with a message is shown from this answer: the message is in no later one.
 * @param {string} address @param {Document} page @param {string} [focus] the id of what should have the focus */
function follow(address, page, focus = "") {
  const [old, frame] = [document, page].map((root) => root.querySelector(".frame"));
  const message = /** @type {HTMLElement | null | undefined} */ (frame?.querySelector("[role=status][tabindex]"));
  const isHere = new URL(address).pathname === location.pathname;
  if (!old || !frame || !(isHere || message)) return location.assign(address);
  dialog.close();
  old.replaceWith(document.adoptNode(frame));
  document.title = page.title;
  history.replaceState(null, "", address); // which may lack this page's query
  prepare(frame);
  const wanted = focus ? document.getElementById(focus) : null;
  const target = /** @type {HTMLElement} */ (
    wanted?.querySelector("a") ?? wanted ?? frame.querySelector("[autofocus]") ?? message ?? frame.querySelector("main"));
  if (target.tabIndex < 0) target.tabIndex = -1;
  target.focus();
  target.closest(".is-new")?.scrollIntoView({ block: "center" });
}

/** Fetch this page again, because what the dialog did changed it. */
async function refresh() {
  const focus = subject;
  try {
    const response = await fetch(location.href);
    follow(response.url, parsed(await response.text()), focus);
  } catch {
    location.reload();
  }
}

/** @param {string} html */
function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

/** Request what a form or link asks for.
 * @param {Source} source @param {HTMLElement | null} submitter */
function request(source, submitter) {
  if (source instanceof HTMLAnchorElement) return fetch(source.href);
  const values = new URLSearchParams(/** @type {any} */ (new FormData(source, submitter)));
  const url = new URL(source.getAttribute("action") ?? "", location.href);
  if (source.method === "post") return fetch(url, { method: "POST", body: values });
  url.search = values.toString();
  return fetch(url);
}

/** Show the answer in the dialog. An answer that redirects is a page of its own.
 * @param {Source} source @param {HTMLElement | null} submitter */
async function openDialog(source, submitter) {
  let showAnswer = showUnreachable;
  if (!dialog.open) subject = submitter?.getAttribute("aria-describedby") ?? "";
  try {
    const answer = request(source, submitter);
    setBusy(source, true);
    const response = await answer;
    const page = parsed(await response.text());
    if (response.redirected) return follow(response.url, page);
    const part = page.querySelector("[data-dialog-content]") ?? page.querySelector("main");
    if (part) showAnswer = () => show(document.adoptNode(part));
  } catch {} // no answer
  setBusy(source, false);
  submitter?.focus(); // closing the dialog gives the focus back to where it was
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

/** Request a form again and again: until the answer is final, the form is gone, or ten minutes have passed.
 * @param {HTMLFormElement} form @param {number} left */
async function poll(form, left = 200) {
  if (!form.isConnected || !left || form.querySelector("[data-done]")) return;
  try {
    const response = await fetch(form.action);
    const page = parsed(await response.text());
    const [old, answer] = [form, page].map((root) => root.querySelector("[data-poll-answer]"));
    if (!old || !answer) return; // signed out, or deleted meanwhile
    if (old.textContent !== answer.textContent) old.replaceChildren(...answer.childNodes);
    if (answer.matches("[data-done]")) return form.querySelector("button")?.remove();
  } catch {} // no answer this time
  clearTimeout(polls.get(form));
  polls.set(form, setTimeout(poll, 3000, form, left - 1));
}

/** @param {HTMLElement} button */
async function copy(button) {
  const text = document.getElementById(button.dataset.copy ?? "")?.textContent ?? "";
  const status = button.parentElement?.querySelector("[role=status]");
  if (!status) return;
  const { copied, copyFailed } = document.body.dataset;
  status.textContent = "";
  status.textContent = (await navigator.clipboard.writeText(text.trim()).then(() => copied, () => copyFailed)) ?? "";
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
  const changed = content.querySelector("[data-reload]");
  content.replaceChildren();
  if (changed) refresh();
});

// The browser may keep this page for its Back button: then without a secret, and with buttons that work.
addEventListener("pagehide", () => {
  content.querySelector("[data-reload]")?.replaceChildren();
  dialog.close();
});
addEventListener("pageshow", () => Array.from(document.forms, (form) => setBusy(form, false)));

prepare(document);
