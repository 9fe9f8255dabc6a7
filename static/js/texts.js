// What the page tells its scripts: the JSON block #boot, written by the server in the reader's language.

const block = document.getElementById("boot");
export const boot = block ? JSON.parse(block.textContent) : { locale: "zh-CN", realtime: null, signedIn: false, texts: {} };

/** The sentence named `key`, or the key itself so that a missing one is seen at once. */
export const text = (key) => boot.texts[key] ?? key;

export const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** fetch with our headers; same-origin only. Throws on network failure like fetch does. */
export function send(url, { method = "GET", headers = {}, ...rest } = {}) {
  const own = method === "GET" ? {} : { "X-CSRF-Token": csrfToken() };
  return fetch(url, { method, credentials: "same-origin", headers: { ...own, ...headers }, ...rest });
}

/** Whether htmx's request did what it was sent for; to htmx itself a refusal that was told in words is no error. */
export const arrived = (xhr) => xhr.status > 0 && xhr.status < 400;
