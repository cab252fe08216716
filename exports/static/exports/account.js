// What signing in needs scripts for: passkeys, which only a browser can use, and keeping recovery codes as a file.

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0)).buffer;
const known = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

// A browser ties passkeys to a name; to a number, as in 127.0.0.1, it does not.
const fit = window.isSecureContext && "PublicKeyCredential" in window && !/^[\d.]+$|^\[/.test(location.hostname);

async function make(options, passwordless) {
  const key = options.publicKey;
  const rules = { ...key.authenticatorSelection };
  if (passwordless) {
    Object.assign(rules, { residentKey: "required", requireResidentKey: true, userVerification: "required" });
  }
  const made = await navigator.credentials.create({
    publicKey: {
      ...key,
      challenge: decode(key.challenge),
      user: { ...key.user, id: decode(key.user.id) },
      excludeCredentials: known(key.excludeCredentials),
      authenticatorSelection: rules,
    },
  });
  return told(made, {
    clientDataJSON: encode(made.response.clientDataJSON),
    attestationObject: encode(made.response.attestationObject),
    transports: made.response.getTransports?.() ?? [],
  });
}

async function use(options) {
  const key = options.publicKey;
  const used = await navigator.credentials.get({
    publicKey: { ...key, challenge: decode(key.challenge), allowCredentials: known(key.allowCredentials) },
  });
  return told(used, {
    clientDataJSON: encode(used.response.clientDataJSON),
    authenticatorData: encode(used.response.authenticatorData),
    signature: encode(used.response.signature),
    userHandle: used.response.userHandle ? encode(used.response.userHandle) : null,
  });
}

function told(credential, response) {
  return {
    type: credential.type,
    id: credential.id,
    rawId: encode(credential.rawId),
    authenticatorAttachment: credential.authenticatorAttachment ?? null,
    clientExtensionResults: credential.getClientExtensionResults(),
    response,
  };
}

async function options(form) {
  if (form.dataset.options) return JSON.parse(form.dataset.options);
  const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`The portal answered ${answer.status}.`);
  return (await answer.json()).request_options;
}

async function go(form) {
  const trouble = form.querySelector("[data-passkey-trouble]");
  trouble.hidden = true;
  try {
    const asked = await options(form);
    const credential =
      form.dataset.passkey === "make" ? await make(asked, form.elements.passwordless?.checked) : await use(asked);
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch {
    trouble.hidden = false;
  }
}

for (const form of document.querySelectorAll("[data-passkey]")) {
  const unfit = form.querySelector("[data-passkey-unfit]");
  if (fit) form.hidden = false;
  else if (unfit) unfit.hidden = false;
  const button = form.querySelector("[data-passkey-go]");
  button.disabled = !fit;
  button.addEventListener("click", () => go(form));
  // Enter in a field would send the form without a passkey.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (fit) go(form);
  });
}

for (const button of document.querySelectorAll("[data-save-from]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const text = document.getElementById(button.dataset.saveFrom).textContent;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    link.download = button.dataset.saveAs;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
}
