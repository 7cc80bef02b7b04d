// Security keys: asks the browser for one, and carries what the server wants to know.
// A form with data-key says which ceremony it is ("get" proves a key, "create" makes a
// credential), data-begin and data-finish where its two steps are.

const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const descriptors = (list) => (list || []).map((d) => ({ ...d, id: bytes(d.id) }));

// prove signs the challenge of the options with a key, and gives the answer as JSON has it.
export async function prove({ publicKey }) {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge), allowCredentials: descriptors(publicKey.allowCredentials) };
  const made = await navigator.credentials.get({ publicKey: options });
  const r = made.response;
  return answer(made, {
    clientDataJSON: text(r.clientDataJSON), authenticatorData: text(r.authenticatorData), signature: text(r.signature),
    userHandle: r.userHandle ? text(r.userHandle) : undefined,
  });
}

// create makes a credential on a key, and gives the answer as JSON has it.
export async function create({ publicKey }) {
  const options = {
    ...publicKey, challenge: bytes(publicKey.challenge), user: { ...publicKey.user, id: bytes(publicKey.user.id) },
    excludeCredentials: descriptors(publicKey.excludeCredentials),
  };
  const made = await navigator.credentials.create({ publicKey: options });
  const r = made.response;
  return answer(made, {
    clientDataJSON: text(r.clientDataJSON), attestationObject: text(r.attestationObject), transports: r.getTransports ? r.getTransports() : [],
  });
}

const answer = (made, response) => ({
  id: made.id, rawId: text(made.rawId), type: made.type, authenticatorAttachment: made.authenticatorAttachment || undefined,
  clientExtensionResults: made.getClientExtensionResults(), response,
});

// words says what went wrong, and what to do, for the errors of Web Authentication.
export function words(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "The key was not used: it was cancelled, it took too long, or no key here is known to this server. Try again.";
    case "InvalidStateError":
      return "This key is enrolled already. Use another one.";
    case "SecurityError":
      return "Keys are bound to the server's address, and this page has another one: open the address the server was set up with.";
    case "NotSupportedError":
    case "ConstraintError":
      return "This key cannot verify who uses it. Set a PIN or a fingerprint on it, or use another key.";
    case "AbortError":
      return "The key was not used. Try again.";
  }
  return error.message || String(error);
}

// post sends JSON and gives what comes back. A server that first wants the key once more
// answers with the page where that is done.
export async function post(path, body) {
  const got = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  if (got.redirected) {
    location.assign(got.url);
    return new Promise(() => {}); // the page is on its way
  }
  const kind = got.headers.get("Content-Type") || "";
  const value = kind.includes("json") ? await got.json() : {};
  if (!got.ok) throw new Error(value.detail || `The server answered ${got.status}.`);
  return value;
}

async function ceremony(form) {
  if (!window.PublicKeyCredential || !navigator.credentials) {
    throw new Error(isSecureContext ? "This browser cannot use security keys. Use a newer one." : "Browsers allow security keys only over https, or on localhost.");
  }
  const fields = Object.fromEntries(new FormData(form));
  if (form.dataset.link !== undefined) {
    fields.link = location.hash.slice(1);
    if (!fields.link) throw new Error("This page is opened by a link that enrols a key. Ask an administrator for one.");
  }
  const begun = await post(form.dataset.begin, fields.link ? { link: fields.link } : {});
  const credential = await (form.dataset.key === "create" ? create : prove)(begun.options);
  return post(form.dataset.finish, { ...fields, ceremony: begun.ceremony, credential });
}

for (const form of document.querySelectorAll("form[data-key]")) {
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.className = "hint";
    status.textContent = "Touch your security key.";
    try {
      const { to } = await ceremony(form);
      status.textContent = "Done.";
      location.replace(to);
    } catch (error) {
      status.className = "fault";
      status.textContent = words(error);
      button.disabled = false;
    }
  });
}
