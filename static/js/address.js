// A form that came back with its errors is the answer to a POST, at the address that it was sent to. Reloading it or coming
// back to it would ask to send the form again, and many such addresses cannot be opened: the page's own address replaces it.

export function startAddress() {
  const own = document.querySelector("[data-address]")?.dataset.address;
  if (own) history.replaceState(null, "", own);
}
