// Approvals: hashes the statement that the page shows, to the byte, and has the security
// key sign that hash. What is signed is what was read, whatever else the page says.

import { post, prove, words } from "./key.js";

const hex = (buffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, "0")).join("");
const base64url = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

async function sign(form) {
  if (!window.PublicKeyCredential || !navigator.credentials) {
    throw new Error(isSecureContext ? "This browser cannot use security keys. Use a newer one." : "Browsers allow security keys only over https, or on localhost.");
  }
  const shown = document.querySelector("[data-statement] code").textContent;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(shown));
  if (hex(digest) !== form.dataset.sha256) throw new Error("The statement on this page is not the one that was handed out. Read the request again.");
  const credential = await prove({ publicKey: { ...JSON.parse(form.dataset.sign), challenge: base64url(digest) } });
  await post(form.dataset.finish, { nonce: form.dataset.nonce, credential });
}

for (const form of document.querySelectorAll("form[data-sign]")) {
  const status = form.querySelector("[role=status]");
  const button = form.querySelector("button");
  if (form.dataset.wait) {
    // What is rare and heavy is read before it is signed.
    let left = Number(form.dataset.wait);
    const tick = setInterval(() => {
      status.textContent = left > 0 ? `Read it first: you can sign in ${left} s.` : "";
      button.disabled = left > 0;
      if (left-- <= 0) clearInterval(tick);
    }, 1000);
  } else {
    button.disabled = false;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    status.className = "hint";
    status.textContent = "Touch your security key.";
    try {
      await sign(form);
      status.textContent = "Done.";
      location.replace(form.dataset.to);
    } catch (error) {
      status.className = "fault";
      status.textContent = words(error);
      button.disabled = false;
    }
  });
}
