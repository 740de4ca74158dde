// @ts-check
/**
 * Passkeys (WebAuthn). On a form: data-passkey="create", "get" (options in #passkey-options) or "sign-in" (options
 * fetched from the form's address). The answer goes into the field `credential`, and the form is sent.
 * [data-passkey-part] is shown only where the browser has passkeys; [data-passkey-status] says what went wrong
 * (data-failed, or data-exists when the device has a passkey of this account).
 */

/** @param {string} text */
const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

/** @param {ArrayBuffer} buffer */
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** Turn the base64url texts of the server's options into bytes.
 * @param {any} options */
function decoded({ publicKey: options }) {
  const list = (/** @type {any[]} */ items = []) => items.map((item) => ({ ...item, id: bytes(item.id) }));
  options.challenge = bytes(options.challenge);
  if (options.user) options.user.id = bytes(options.user.id);
  if (options.excludeCredentials) options.excludeCredentials = list(options.excludeCredentials);
  if (options.allowCredentials) options.allowCredentials = list(options.allowCredentials);
  return options;
}

/** @param {any} credential */
function encoded(credential) {
  const response = /** @type {Record<string, any>} */ ({});
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"])
    if (credential.response[name]) response[name] = text(credential.response[name]);
  if (credential.response.getTransports) response.transports = credential.response.getTransports();
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

/** @param {HTMLFormElement} form */
async function ask(form) {
  const kind = form.dataset.passkey;
  const options =
    kind === "sign-in"
      ? await (await fetch(form.action, { headers: { Accept: "application/json" } })).json()
      : JSON.parse(document.getElementById("passkey-options")?.textContent ?? "");
  if (kind === "create") return navigator.credentials.create({ publicKey: decoded(options.creation_options) });
  return navigator.credentials.get({ publicKey: decoded(options.request_options) });
}

if (window.PublicKeyCredential) {
  for (const part of document.querySelectorAll("[data-passkey-part]")) part.removeAttribute("hidden");
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-passkey]")))
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      const field = /** @type {HTMLInputElement} */ (form.elements.namedItem("credential"));
      const status = form.querySelector("[data-passkey-status]");
      try {
        field.value = JSON.stringify(encoded(await ask(form)));
        form.submit();
      } catch (error) {
        const exists = /** @type {Error} */ (error).name === "InvalidStateError";
        if (status) status.textContent = (exists && form.dataset.exists) || (form.dataset.failed ?? "");
      }
    });
}
