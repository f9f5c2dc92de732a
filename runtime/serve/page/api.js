// Questions to the server, and the token where it wants one.

import { $ } from "./dom.js";

export class Refused extends Error {
  constructor(text, suggestions = [], status = 0) {
    super(text);
    this.suggestions = suggestions;
    this.status = status;
  }
}

export const pathOf = (name, rest = "") => `api/streams/${encodeURIComponent(name)}${rest}`;

export async function ask(path, method = "GET", body = undefined) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Refused("The server does not answer; is the run still going?");
  }
  const said = await answer.json().catch(() => ({ error: `The server said ${answer.status}.` }));
  if (!answer.ok) throw new Refused(said.error, said.suggestions, answer.status);
  return said;
}

// Resolves once the server lets this page in.
export async function enter() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given !== null) {
    history.replaceState(null, "", location.pathname);
    await ask("api/login", "POST", { token: given }).catch(() => {});
  }
  for (;;) {
    try {
      return await ask("api");
    } catch (refused) {
      if (refused.status !== 401) throw refused;
      await askForToken();
    }
  }
}

function askForToken() {
  const dialog = $("login");
  if (!dialog.open) dialog.showModal();
  dialog.oncancel = (event) => event.preventDefault();
  return new Promise((resolve) => {
    $("login-form").onsubmit = async (event) => {
      event.preventDefault();
      $("login-error").hidden = true;
      try {
        await ask("api/login", "POST", { token: $("token").value });
        $("token").value = "";
        dialog.close();
        resolve();
      } catch (refused) {
        $("login-error").textContent = refused.message;
        $("login-error").hidden = false;
      }
    };
  });
}
